// The floor of a warm call: one kilobyte to another process over a unix stream socket, and back.
// Usage: floor_uds pinned|spread. Pinned: both processes on one core.
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../placement.h"
#include "../sampler.h"

enum { kPayload = 1024 };

static int read_all(int fd, char* buffer) {
  for (ssize_t got = 0; got < kPayload;) {
    ssize_t const n = read(fd, buffer + got, kPayload - got);
    if (n <= 0) return 0;
    got += n;
  }
  return 1;
}

static void echo(int fd) {
  char buffer[kPayload];
  while (read_all(fd, buffer))
    if (write(fd, buffer, kPayload) != kPayload) break;
  _exit(0);
}

static int block(void* context, long count, int64_t* out) {
  int const fd = *(int*)context;
  char buffer[kPayload] = {0};
  for (long i = 0; i < count; ++i) {
    int64_t const begin = nanoseconds();
    if (write(fd, buffer, kPayload) != kPayload || !read_all(fd, buffer)) return 1;
    out[i] = nanoseconds() - begin;
  }
  return 0;
}

int main(int argc, char** argv) {
  int ends[2];
  if (argc != 2 || !place(argv[1])) return fprintf(stderr, "usage: floor_uds pinned|spread\n"), 2;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  if (fork() == 0) {
    close(ends[0]);
    echo(ends[1]);
  }
  close(ends[1]);
  return serve_blocks(block, &ends[0]);
}
