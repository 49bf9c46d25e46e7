/* Processes, threads, signals and timers. */
#include "libc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static int forked(int answer) {
  pid_t const child = fork();
  NEED(child >= 0);
  if (child == 0) _exit(getppid() > 0 ? answer : 0);
  int status = 0;
  NEED(waitpid(child, &status, 0) == child && WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int aborted(void) {
  pid_t const child = fork();
  if (child == 0) abort();
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child, &info, WEXITED) == 0);
  return info.si_status;
}

/* posix_spawn with its output in a pipe. */
static void spawned(char* answer, size_t size) {
  int ends[2];
  NEED(pipe(ends) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawnattr_t group;
  posix_spawnattr_init(&group);
  posix_spawnattr_setflags(&group, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t child;
  char* const argv[] = {"/usr/bin/expr", "6", "*", "7", NULL};
  NEED(posix_spawn(&child, argv[0], &actions, &group, argv, environ) == 0);
  close(ends[1]);
  ssize_t const n = read(ends[0], answer, size - 1);
  NEED(n > 1);
  answer[n - 1] = 0;
  NEED(waitpid(child, NULL, 0) == child);
}

void processes(void) {
  char product[16], line[32];
  int const answer = forked(7);
  spawned(product, sizeof product);
  FILE* piped = popen("echo from a shell | tr a-z A-Z", "r");
  NEED(piped && fgets(line, sizeof line, piped) && pclose(piped) == 0);
  line[strcspn(line, "\n")] = 0;
  struct utsname name;
  struct rusage used;
  struct tms ticks;
  struct rlimit files;
  NEED(uname(&name) == 0 && getrusage(RUSAGE_CHILDREN, &used) == 0 && times(&ticks) != (clock_t)-1);
  NEED(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max;
  NEED(setrlimit(RLIMIT_NOFILE, &files) == 0);
  NEED(getsid(0) > 0 && getpgid(0) == getpgrp() && getuid() == geteuid() && getgid() == getegid());
  gid_t groups[8];
  uid_t r, e, s;
  NEED(getgroups(8, groups) >= 0 && getresuid(&r, &e, &s) == 0 && getresgid(&r, &e, &s) == 0);
  int const before = getpriority(PRIO_PROCESS, 0);
  NEED(nice(1) == (before < 19 ? before + 1 : 19));
  printf("processes: %d, %s, %s, abort is %d\n", answer, product, line, aborted());
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t full = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long sum, arrived;
static __thread long own;

static void* add(void* argument) {
  pthread_barrier_wait(&barrier);
  for (own = 0; own < 1000; ++own) {
    pthread_mutex_lock(&mutex);
    sum += (long)argument;
    pthread_mutex_unlock(&mutex);
    if (own % 100 == 0) sched_yield();
  }
  pthread_mutex_lock(&mutex);
  if (++arrived == 8) pthread_cond_signal(&full);
  pthread_mutex_unlock(&mutex);
  return (void*)own;
}

static void* never(void* unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

void threads(void) {
  pthread_t all[8], cancelled;
  NEED(pthread_barrier_init(&barrier, NULL, 8) == 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  for (long i = 0; i < 8; ++i) NEED(pthread_create(&all[i], &attributes, add, (void*)(i + 1)) == 0);
  pthread_mutex_lock(&mutex);
  while (arrived < 8) pthread_cond_wait(&full, &mutex);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < 8; ++i) NEED(pthread_join(all[i], NULL) == 0);
  NEED(pthread_setname_np(pthread_self(), "worker") == 0);
  char name[16];
  NEED(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "worker") == 0);
  cpu_set_t cpus;
  int policy;
  struct sched_param priority;
  NEED(sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 0);
  NEED(sched_setaffinity(0, sizeof cpus, &cpus) == 0 && sched_getcpu() >= 0);
  NEED(pthread_getschedparam(pthread_self(), &policy, &priority) == 0 && policy == SCHED_OTHER);
  NEED(sched_get_priority_max(SCHED_FIFO) > sched_get_priority_min(SCHED_FIFO));
  NEED(pthread_create(&cancelled, NULL, never, NULL) == 0 && pthread_cancel(cancelled) == 0);
  void* result;
  NEED(pthread_join(cancelled, &result) == 0 && result == PTHREAD_CANCELED);
  printf("threads: %ld\n", sum);
}

static volatile sig_atomic_t caught, value, on_other_stack;
static char other_stack[64 << 10];

static void handle(int signal, siginfo_t* info, void* context) {
  (void)context;
  char here;
  caught = signal;
  value = info->si_value.sival_int;
  on_other_stack = &here >= other_stack && &here < other_stack + sizeof other_stack;
}

void signals(void) {
  stack_t const stack = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  NEED(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
  NEED(sigaction(SIGALRM, &action, NULL) == 0 && raise(SIGUSR1) == 0 && caught == SIGUSR1 &&
       on_other_stack);
  NEED(kill(getpid(), SIGUSR1) == 0 && pthread_kill(pthread_self(), SIGUSR1) == 0);
  sigset_t blocked, before, pending;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGUSR2);
  NEED(sigprocmask(SIG_BLOCK, &blocked, &before) == 0);
  NEED(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 99}) == 0);
  NEED(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
  NEED(sigsuspend(&before) == -1 && value == 99);
#ifdef __GLIBC__
  NEED(pthread_sigqueue(pthread_self(), SIGUSR2, (union sigval){.sival_int = 1}) == 0);
  NEED(sigwaitinfo(&blocked, NULL) == SIGUSR2);
#endif
  siginfo_t info;
  NEED(raise(SIGUSR2) == 0 && sigtimedwait(&blocked, &info, &(struct timespec){5, 0}) == SIGUSR2);
  int const fd = signalfd(-1, &blocked, SFD_CLOEXEC);
  struct signalfd_siginfo read_one;
  NEED(fd >= 0 && raise(SIGUSR2) == 0 && read(fd, &read_one, sizeof read_one) == sizeof read_one);
  NEED(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
  printf("signals: %d, on a stack of their own, %d, %d\n", (int)value, info.si_signo == SIGUSR2,
         (int)read_one.ssi_signo);
}

void timers(void) {
  struct timespec resolution;
  struct timeval now;
  NEED(gettimeofday(&now, NULL) == 0 && time(NULL) - now.tv_sec <= 1);
  NEED(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 &&
       clock_getres(CLOCK_PROCESS_CPUTIME_ID, &resolution) == 0);
  timer_t timer;
  struct sigevent event = {
      .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 5};
  struct itimerspec soon = {.it_value = {0, 2000000}}, left;
  NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  value = 0;
  NEED(timer_settime(timer, 0, &soon, NULL) == 0);
  while (value != 5) usleep(1000);
  int const told = value;
  NEED(timer_gettime(timer, &left) == 0 && timer_getoverrun(timer) == 0 &&
       timer_delete(timer) == 0);
  int const fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  unsigned long long expired = 0;
  NEED(fd >= 0 && timerfd_settime(fd, 0, &soon, NULL) == 0 && timerfd_gettime(fd, &left) == 0);
  NEED(read(fd, &expired, 8) == 8);
  caught = 0;
  NEED(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 2000}}, NULL) == 0);
  while (caught != SIGALRM) usleep(1000);
  struct itimerval none;
  NEED(getitimer(ITIMER_REAL, &none) == 0 && alarm(0) == 0);
  NEED(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000}, NULL) == 0);
  printf("timers: %d, %llu, %d\n", told, expired, (int)caught);
}
