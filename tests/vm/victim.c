// What the jails of the virtual machine run: one bad habit for each verb. Exit 0: it ended as
// hoped.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "victim.h"

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void say_started(void) {
  puts("started");
  fflush(stdout);
}

_Noreturn void hold(void) {
  say_started();
  for (;;) pause();
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
  say_started();
  for (;;) fork();
}

static int spin(long how_long) {
  double const end = seconds(CLOCK_MONOTONIC) + (double)how_long;
  while (seconds(CLOCK_MONOTONIC) < end) continue;
  return 0;
}

// As many as the limit lets it have, all busy.
_Noreturn static void spinners(long count) {
  for (long i = 1; i < count; ++i)
    if (fork() == 0) break;
  say_started();
  for (;;) continue;
}

// The neighbour of a bomb: for each byte that comes it sends one back.
static int answer(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9001)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int const s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (struct sockaddr*)&a, sizeof a) != 0) return 1;
  for (char byte; read(s, &byte, 1) == 1;)
    if (write(s, &byte, 1) != 1) return 1;
  return 0;
}

// D25: dies with a core in a place where a file may be written; the parent looks for that file.
static int crash(void) {
  if (chdir("/tmp") != 0) return 1;
  // G19: with a limit of 0 a core_pattern handler would run.
  struct rlimit const none = {0, 0};
  printf("setrlimit: %s\n", setrlimit(RLIMIT_CORE, &none) ? strerrorname_np(errno) : "done");
  fflush(stdout);
  pid_t const child = fork();
  if (child == 0) raise(SIGSEGV);
  int status = 0, files = -2;  // . and ..
  waitpid(child, &status, 0);
  DIR* d = opendir(".");
  while (readdir(d)) ++files;
  printf("child signal %d, files %d\n", WTERMSIG(status), files);
  fflush(stdout);
  return raise(SIGSEGV);
}

// What core_pattern names, in the root of the kernel's own threads: leaves a trace, reads the core.
static int catch_core(void) {
  char part[4096];
  close(open("/caught", O_CREAT | O_WRONLY, 0600));
  while (read(0, part, sizeof part) > 0) continue;
  return 0;
}

// B17: reads a file again and again for these many seconds, and asks for everything to be written.
static int thrash(long how_long) {
  static char part[1 << 20];
  double const end = seconds(CLOCK_MONOTONIC) + (double)how_long;
  long total = 0;
  for (int i = 0; i < 3; ++i)
    if (fork() == 0)
      for (;;) sync();
  while (seconds(CLOCK_MONOTONIC) < end) {
    int const fd = open("/var/task/large", O_RDONLY);
    if (fd < 0) return 1;
    for (ssize_t n; seconds(CLOCK_MONOTONIC) < end && (n = read(fd, part, sizeof part)) > 0;)
      total += n;
    close(fd);
  }
  return printf("%ld MiB\n", total >> 20) < 0;
}

// B18: dirty pages as fast as they can be made, wherever it can write.
static int flood(long how_long) {
  static char part[1 << 20];
  double const end = seconds(CLOCK_MONOTONIC) + (double)how_long;
  printf("code: %s\n",
         open("/var/task/large", O_WRONLY) < 0 ? strerrorname_np(errno) : "opened for writing");
  int const fd = open("/tmp/flood", O_CREAT | O_RDWR, 0600);
  while (seconds(CLOCK_MONOTONIC) < end) {
    while (write(fd, part, sizeof part) > 0) continue;
    if (fsync(fd) != 0 || lseek(fd, 0, SEEK_SET) != 0) return 1;
  }
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
  hold();
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

static struct {
  char const* name;
  int (*simple)(void);
  int (*counted)(long);
} const verbs[] = {
    {"heap", NULL, heap},
    {"fill-tmp", NULL, fill_tmp},
    {"forks", forks, NULL},
    {"threads", threads, NULL},
    {"spin", NULL, spin},
    {"posture", posture, NULL},
    {"answer", answer, NULL},
    {"child-bomb", child_bomb, NULL},
    {"directories", directories, NULL},
    {"small-objects", small_objects, NULL},
    {"user-limits", user_limits, NULL},
    {"open-files", open_files, NULL},
    {"crash", crash, NULL},
    {"catch-core", catch_core, NULL},
    {"thrash", NULL, thrash},
    {"flood", NULL, flood},
};

int main(int argc, char** argv) {
  char const* verb = argc > 1 ? argv[1] : "";
  long const number = argc > 2 ? atol(argv[2]) : 0;
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; ++i)
    if (!strcmp(verb, verbs[i].name))
      return verbs[i].simple ? verbs[i].simple() : verbs[i].counted(number);
  if (!strcmp(verb, "memory") && argc > 2) return memory_bomb(argv[2]);
  if (!strcmp(verb, "memory-beside-full-tmp") && argc > 2)
    return memory_bomb_beside_full_tmp(argv[2]);
  if (!strcmp(verb, "fork-bomb")) fork_bomb();
  if (!strcmp(verb, "spinners")) spinners(number);
  if (!strcmp(verb, "orphans")) orphans();
  if (!strcmp(verb, "sleep")) return (int)sleep((unsigned)number);
  printf("unknown verb %s\n", verb);
  return 64;
}
