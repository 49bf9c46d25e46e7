// Resources taken without end.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "victim.h"

enum { kStep = 8 << 20 };

int fork_bomb(void) {
  int made = 0;
  for (;; ++made) {
    pid_t const pid = fork();
    if (pid == 0)
      for (;;) pause();
    if (pid < 0 || made > 100000) break;
  }
  return printf("forks %d %s\n", made, strerrorname_np(errno)) < 0;
}

static void* wait_forever(void* unused) {
  for (;;) pause();
  return unused;
}

int thread_bomb(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  int made = 0, error = 0;
  for (pthread_t t; made < 100000 && !(error = pthread_create(&t, &small, wait_forever, NULL));)
    ++made;
  printf("threads %d %s\n", made, strerrorname_np(error));
  return fflush(stdout), _exit(0), 0;
}

static void* take(char const* kind) {
  if (!strcmp(kind, "private"))
    return mmap(NULL, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!strcmp(kind, "shared"))
    return mmap(NULL, kStep, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int const fd = memfd_create("bomb", 0);
  if (fd < 0 || ftruncate(fd, kStep) != 0) return MAP_FAILED;
  return mmap(NULL, kStep, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

// Until the kernel says no, or ends us.
int memory_bomb(char const* kind) {
  for (int taken = 0;; taken += kStep >> 20) {
    char* const memory = take(kind);
    if (memory == MAP_FAILED)
      return printf("refused at %d MiB %s\n", taken, strerrorname_np(errno)) < 0;
    memset(memory, 1, kStep);
  }
}

int fill_tmp(void) {
  static char block[1 << 16];
  int const fd = open("/tmp/full", O_CREAT | O_WRONLY, 0600);
  long long written = 0;
  for (ssize_t n; (n = write(fd, block, sizeof block)) > 0;) written += n;
  printf("bytes %lld %s\n", written, strerrorname_np(errno));
  unlink("/tmp/full");
  close(fd);
  int files = 0;
  for (;; ++files) {
    char path[32];
    snprintf(path, sizeof path, "/tmp/%d", files);
    int const f = open(path, O_CREAT | O_WRONLY, 0600);
    if (f < 0) break;
    close(f);
  }
  return printf("files %d %s\n", files, strerrorname_np(errno)) < 0;
}

// Maps a large file of /tmp, shared, and stays in it long enough for every watch to look.
int map_tmp(void) {
  enum { kSize = 96 << 20 };
  int const fd = open("/tmp/mapped", O_CREAT | O_RDWR, 0600);
  if (fd < 0 || ftruncate(fd, kSize) != 0) return 1;
  char* const memory = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 1;
  memset(memory, 1, kSize);
  usleep(400000);
  return printf("mapped %d MiB\n", kSize >> 20) < 0;
}
