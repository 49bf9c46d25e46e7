// How many starts a second, 32 at once, ends included.
// Usage: floor_scaleout nonet|net MILLISECONDS PROGRAM   namespaces, a cgroup and exec (spawn.h)
//        floor_scaleout plain MILLISECONDS PROGRAM ARGUMENT...   any program; "@" becomes a number
// A sample: starts in about so many milliseconds until the last of them has ended and nothing of it
// remains, a second.
#define _GNU_SOURCE
#include "spawn.h"

#include "../sampler.h"

enum { kConcurrency = 32, kMostArguments = 64 };

struct scaleout {
  unsigned long namespaces;
  int cgroup;  // each in a cgroup of its own
  int64_t duration;
  char** argv;
  char cgroups[kPathRoom];
  struct spawn running[kConcurrency];
};

static int start(struct scaleout* scaleout, struct spawn* spawn) {
  static unsigned number;
  static char name[32];
  char* argv[kMostArguments + 1] = {NULL};
  snprintf(name, sizeof name, "bench-%d-%u", (int)getpid(), ++number);
  for (int i = 0; i < kMostArguments && scaleout->argv[i]; ++i)
    argv[i] = strcmp(scaleout->argv[i], "@") == 0 ? name : scaleout->argv[i];
  return spawn_start(spawn, scaleout->namespaces, scaleout->cgroup ? scaleout->cgroups : "", argv,
                     -1);
}

// One of them has ended well.
static struct spawn* await_one(struct scaleout* scaleout) {
  int status;
  pid_t const pid = waitpid(-1, &status, 0);
  if (pid < 0 || status != 0) return NULL;
  for (int i = 0; i < kConcurrency; ++i)
    if (scaleout->running[i].pid == pid) {
      scaleout->running[i].pid = -1;
      spawn_remove_cgroup(&scaleout->running[i]);
      return &scaleout->running[i];
    }
  return NULL;
}

// Starts a second, or -1.
static int64_t rate(struct scaleout* scaleout, int64_t duration) {
  int64_t const begin = nanoseconds();
  long done = 0, running = 0;
  for (; running < kConcurrency; ++running)
    if (start(scaleout, &scaleout->running[running]) != 0) return -1;
  while (running > 0) {
    struct spawn* const ended = await_one(scaleout);
    if (!ended) return -1;
    ++done;
    --running;
    if (nanoseconds() - begin >= duration) continue;
    if (start(scaleout, ended) != 0) return -1;
    ++running;
  }
  return done * 1000000000 / (nanoseconds() - begin);
}

static int block(void* context, long count, int64_t* out) {
  struct scaleout* const scaleout = context;
  for (long i = 0; i < count; ++i) {
    out[i] = rate(scaleout, scaleout->duration);
    if (out[i] < 0) return fprintf(stderr, "floor_scaleout: a program failed\n"), 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  static struct scaleout scaleout;
  if (argc < 4 || argc > kMostArguments)
    return fprintf(stderr, "usage: floor_scaleout net|nonet|plain MILLISECONDS PROGRAM...\n"), 2;
  scaleout.cgroup = strcmp(argv[1], "plain") != 0;
  if (scaleout.cgroup)
    scaleout.namespaces = kSixNamespaces | (strcmp(argv[1], "net") == 0 ? CLONE_NEWNET : 0);
  scaleout.duration = strtol(argv[2], NULL, 10) * 1000000;
  scaleout.argv = argv + 3;
  find_cgroups(scaleout.cgroups, sizeof scaleout.cgroups - 32);
  if (rate(&scaleout, 0) < 0) return unavailable("the program fails here; its words are above");
  return serve_blocks(block, &scaleout);
}
