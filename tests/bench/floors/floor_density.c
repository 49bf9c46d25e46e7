// Idle processes, and what parts of a jail add to one: the floor of memory.
// Usage: floor_density PROGRAM [PART]... with PART one of
//   namespaces  the six namespaces of a jail beside the network's
//   net         a network namespace
//   cgroup      a cgroup of its own
// A block starts so many more of them, which stay until the end of this program; a sample is how
// long a start took.
#define _GNU_SOURCE
#include "spawn.h"

#include "../sampler.h"

enum { kMost = 10000 };

struct density {
  unsigned long namespaces;
  char cgroups[kPathRoom];
  char* argv[3];
  pid_t idle[kMost];
  long count;
};

static int64_t start(struct density* density) {
  struct spawn spawn;
  char byte;
  int bytes[2];
  if (density->count == kMost || pipe2(bytes, O_CLOEXEC) != 0) return -1;
  int64_t const begin = nanoseconds();
  int const status =
      spawn_start(&spawn, density->namespaces, density->cgroups, density->argv, bytes[1]);
  close(bytes[1]);
  int const got = status == 0 && read(bytes[0], &byte, 1) == 1;
  close(bytes[0]);
  if (spawn.group >= 0) close(spawn.group);
  if (!got) return -1;
  density->idle[density->count++] = spawn.pid;
  return nanoseconds() - begin;
}

static int block(void* density, long count, int64_t* out) {
  for (long i = 0; i < count; ++i)
    if ((out[i] = start(density)) < 0) return perror("floor_density"), 1;
  return 0;
}

static void end_all(struct density* density) {
  char path[kPathRoom + 32];
  for (long i = 0; i < density->count; ++i) kill(density->idle[i], SIGKILL);
  for (long i = 0; i < density->count; ++i) waitpid(density->idle[i], NULL, 0);
  for (long i = 0; density->cgroups[0] && i < density->count; ++i) {
    snprintf(path, sizeof path, "%s-%ld", density->cgroups, i + 1);
    rmdir(path);
  }
}

int main(int argc, char** argv) {
  static struct density density;
  static char seconds[] = "1000000";
  if (argc < 2) return fprintf(stderr, "usage: floor_density PROGRAM [PART]...\n"), 2;
  density.argv[0] = argv[1];
  density.argv[1] = seconds;
  for (int i = 2; i < argc; ++i) {
    if (strcmp(argv[i], "namespaces") == 0) density.namespaces |= kSixNamespaces;
    if (strcmp(argv[i], "net") == 0) density.namespaces |= CLONE_NEWNET;
    if (strcmp(argv[i], "cgroup") == 0) find_cgroups(density.cgroups, sizeof density.cgroups - 32);
  }
  int const status = serve_blocks(block, &density);
  end_all(&density);
  return status;
}
