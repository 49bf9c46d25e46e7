// Any program, started from a small process with an empty environment: bare interpreters, bwrap,
// runc. Usage: floor_program byte|exit PROGRAM ARGUMENT... A sample is from before the start to the
// program's first byte on stdout, or to its end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sampler.h"

struct program {
  int until_byte;
  char** argv;
};

static pid_t start(char** argv, int output) {
  char* const environment[] = {NULL};
  posix_spawn_file_actions_t actions;
  pid_t child = -1;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  errno = posix_spawn(&child, argv[0], &actions, NULL, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  return errno ? -1 : child;
}

static int64_t run_once(struct program const* program) {
  int bytes[2], status = -1;
  char byte;
  if (pipe2(bytes, O_CLOEXEC) != 0) return -1;
  int64_t const begin = nanoseconds();
  pid_t const child = start(program->argv, bytes[1]);
  close(bytes[1]);
  int const got = child > 0 && program->until_byte && read(bytes[0], &byte, 1) == 1;
  int64_t end = nanoseconds();
  if (child > 0) waitpid(child, &status, 0);
  if (!program->until_byte) end = nanoseconds();
  close(bytes[0]);
  if (status != 0 || got != program->until_byte) return -1;
  return end - begin;
}

static int block(void* program, long count, int64_t* out) {
  for (long i = 0; i < count; ++i) {
    out[i] = run_once(program);
    if (out[i] < 0) return fprintf(stderr, "floor_program: the program failed\n"), 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 3) return fprintf(stderr, "usage: floor_program byte|exit PROGRAM ARGUMENT...\n"), 2;
  struct program program = {.until_byte = strcmp(argv[1], "byte") == 0, .argv = argv + 2};
  if (run_once(&program) < 0) return unavailable("the program fails here; its words are above");
  return serve_blocks(block, &program);
}
