// What the jails of the virtual machine run: one bad habit for each verb. Exit 0: it ended as
// hoped.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// Touches this many MiB of private memory; they stay.
static void touch(long mib) {
  for (long i = 0; i < mib; ++i) {
    char* page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
      printf("mmap after %ld MiB: %s\n", i, strerror(errno));
      exit(2);
    }
    memset(page, 1, 1 << 20);
  }
}

static int heap(long mib) {
  touch(mib);
  printf("touched %ld MiB\n", mib);
  fflush(stdout);
  sleep(3);
  return 0;
}

// Fills /tmp until it refuses; then uses more memory beside it.
static int fill_tmp(long mib) {
  static char block[1 << 20];
  memset(block, 1, sizeof block);
  int fd = open("/tmp/full", O_CREAT | O_WRONLY, 0600);
  long written = 0;
  for (;;) {
    ssize_t n = write(fd, block, sizeof block);
    if (n < 0) break;
    written += n;
  }
  int why = errno;
  touch(mib);
  printf("/tmp took %ld MiB, then: %s\n", written >> 20, strerror(why));
  return why == ENOSPC ? 0 : 1;
}

// Processes it may have, itself included.
static int forks(void) {
  int count = 1;
  for (;; ++count) {
    pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    if (child < 0) break;
  }
  printf("%d processes, then: %s\n", count, strerror(errno));
  return errno == EAGAIN ? 0 : 1;
}

_Noreturn static void fork_bomb(void) {
  puts("started");
  fflush(stdout);
  for (;;) fork();
}

static int spin(long how_long) {
  double const end = seconds(CLOCK_MONOTONIC) + (double)how_long;
  while (seconds(CLOCK_MONOTONIC) < end) continue;
  return 0;
}

// Children that left the session, ignore what can be ignored, and outlive their parent's wish.
_Noreturn static void orphans(void) {
  for (int i = 0; i < 5; ++i) {
    if (fork() == 0) {
      setsid();
      for (int s = 1; s < 32; ++s) signal(s, SIG_IGN);
      if (fork() == 0) raise(SIGSTOP);
      for (;;) pause();
    }
  }
  puts("started");
  fflush(stdout);
  for (;;) pause();
}

static int posture(void) {
  char line[256];
  FILE* status = fopen("/proc/self/status", "r");
  if (!status) return 1;
  while (fgets(line, sizeof line, status)) {
    if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10) ||
        !strncmp(line, "Seccomp:", 8) || !strncmp(line, "Groups", 6))
      fputs(line, stdout);
  }
  printf("uid %d pid %d cgroupfs %s sys %s\n", (int)getuid(), (int)getpid(),
         access("/sys/fs/cgroup", F_OK) ? "absent" : "there",
         access("/sys", F_OK) ? "absent" : "there");
  return 0;
}

int main(int argc, char** argv) {
  char const* verb = argc > 1 ? argv[1] : "";
  long const number = argc > 2 ? atol(argv[2]) : 0;
  if (!strcmp(verb, "heap")) return heap(number);
  if (!strcmp(verb, "fill-tmp")) return fill_tmp(number);
  if (!strcmp(verb, "forks")) return forks();
  if (!strcmp(verb, "fork-bomb")) fork_bomb();
  if (!strcmp(verb, "spin")) return spin(number);
  if (!strcmp(verb, "orphans")) orphans();
  if (!strcmp(verb, "posture")) return posture();
  if (!strcmp(verb, "sleep")) return sleep((unsigned)number), 0;
  printf("unknown verb %s\n", verb);
  return 64;
}
