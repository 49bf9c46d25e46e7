// What a process has from the one that started it, and what it can make of it.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "victim.h"

static void say_limit(char const* name, int resource) {
  struct rlimit limit;
  getrlimit((__rlimit_resource_t)resource, &limit);
  printf("limit %s %lld %lld\n", name, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

static void say_signals(void) {
  unsigned long long ignored = 0;
  for (int s = 1; s < 65; ++s) {
    struct sigaction now;
    if (sigaction(s, NULL, &now) == 0 && now.sa_handler == SIG_IGN) ignored |= 1ull << s;
  }
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, NULL, &blocked);
  unsigned long long mask = 0;
  for (int s = 1; s < 65; ++s)
    if (sigismember(&blocked, s) == 1) mask |= 1ull << s;
  printf("ignored %llx blocked %llx\n", ignored, mask);
}

// Timers until the kernel has no more to give.
static void say_timers(void) {
  int made = 0;
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  while (made < 100000 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) ++made;
  printf("timers %d %s\n", made, strerrorname_np(errno));
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &some, NULL);
  union sigval const nothing = {0};
  printf("signal %s\n", sigqueue(getpid(), SIGRTMIN, nothing) ? strerrorname_np(errno) : "queued");
}

static void say_stronger(void) {
  printf("stronger %s\n", setpriority(PRIO_PROCESS, 0, -20) ? strerrorname_np(errno) : "yes");
}

// The call that asks for it is not allowed; reading it is.
static int own_personality(void) {
  unsigned value = ~0u;
  FILE* f = fopen("/proc/self/personality", "r");
  if (f && fscanf(f, "%x", &value) != 1) value = ~0u;
  if (f) fclose(f);
  return (int)value;
}

int inherited(void) {
  cpu_set_t cpus;
  sched_getaffinity(0, sizeof cpus, &cpus);
  printf("nice %d policy %d cpus %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0),
         CPU_COUNT(&cpus));
  printf("slack %d personality %d\n", prctl(PR_GET_TIMERSLACK), own_personality());
  say_signals();
  say_limit("signals", RLIMIT_SIGPENDING);
  say_limit("nice", RLIMIT_NICE);
  say_limit("realtime", RLIMIT_RTPRIO);
  say_limit("stack", RLIMIT_STACK);
  say_limit("cpu-time", RLIMIT_CPU);
  say_limit("file-size", RLIMIT_FSIZE);
  say_limit("addresses", RLIMIT_AS);
  say_timers();
  say_stronger();
  fflush(stdout);
  return pause();
}
