// The floor of a native cold start (spawn.h), one after the other.
// Usage: floor_spawn net|nonet PROGRAM; nonet: without a network namespace of its own. A sample is
// from before mkdir of the cgroup to PROGRAM's first byte.
#define _GNU_SOURCE
#include "spawn.h"

#include "../sampler.h"

struct floor {
  char* program;
  unsigned long namespaces;
  char cgroups[kPathRoom];
  struct spawn held;
};

static int first_byte(int fd) {
  char byte;
  return read(fd, &byte, 1) == 1;
}

static int64_t start_once(struct floor* floor) {
  char* const argv[] = {floor->program, NULL};
  struct spawn spawn;
  int bytes[2];
  if (pipe2(bytes, O_CLOEXEC) != 0) return -1;
  int64_t const begin = nanoseconds();
  int const status = spawn_start(&spawn, floor->namespaces, floor->cgroups, argv, bytes[1]);
  close(bytes[1]);
  int const got = status == 0 && first_byte(bytes[0]);
  int64_t const end = nanoseconds();
  close(bytes[0]);
  spawn_end(&spawn);
  return got ? end - begin : -1;
}

static int block(void* floor, long count, int64_t* out) {
  for (long i = 0; i < count; ++i) {
    out[i] = start_once(floor);
    if (out[i] < 0) return perror("floor_spawn"), 1;
  }
  return 0;
}

static int hold(void* context) {
  struct floor* const floor = context;
  static char seconds[] = "1";
  char* const argv[] = {floor->program, seconds, NULL};
  int bytes[2];
  if (pipe2(bytes, O_CLOEXEC) != 0) return 1;
  int const status = spawn_start(&floor->held, floor->namespaces, floor->cgroups, argv, bytes[1]);
  close(bytes[1]);
  int const got = status == 0 && first_byte(bytes[0]);
  close(bytes[0]);
  return !got;
}

// It ends by itself.
static int release(void* context) {
  struct floor* const floor = context;
  return spawn_end(&floor->held) != 0;
}

int main(int argc, char** argv) {
  static struct floor floor;
  int const net = argc == 3 && strcmp(argv[1], "net") == 0;
  if (argc != 3 || (!net && strcmp(argv[1], "nonet") != 0))
    return fprintf(stderr, "usage: floor_spawn net|nonet PROGRAM\n"), 2;
  floor.program = argv[2];
  floor.namespaces = kSixNamespaces | (net ? CLONE_NEWNET : 0);
  find_cgroups(floor.cgroups, sizeof floor.cgroups - 32);
  if (start_once(&floor) < 0) return unavailable("clone3 with these namespaces failed here");
  struct sampled const sampled = {block, hold, release, &floor};
  return serve_samples(&sampled);
}
