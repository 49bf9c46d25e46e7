// Processes, threads, signals, limits, programs.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attacker.h"

static int processes(void) {
  int count = 0;
  DIR* d = opendir("/proc");
  for (struct dirent* e; d && (e = readdir(d));)
    count += e->d_name[0] >= '0' && e->d_name[0] <= '9';
  if (d) closedir(d);
  return count;
}

static pid_t fork_patiently(void) {
  for (;;) {
    pid_t const pid = fork();
    if (pid >= 0 || errno != EAGAIN) return pid;
    usleep(1000);  // pid 1 has not buried the last ones yet
  }
}

// A5: children of children, whom nobody but pid 1 can bury.
int orphans(void) {
  enum { kOrphans = 10000 };
  for (int i = 0; i < kOrphans; ++i) {
    pid_t const child = fork_patiently();
    if (child == 0) {
      fork_patiently();
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  for (int tries = 0; tries < 1000 && processes() > 1; ++tries) usleep(10000);
  say_number("processes", processes());
  return 0;
}

// A8. Its own children are the control: they are killed.
int kill_everybody(void) {
  enum { kChildren = 3, kMaxPid = 4194304 };
  for (int i = 0; i < kChildren; ++i)
    if (fork() == 0)
      for (;;) pause();
  say("kill all", kill(-1, SIGKILL));
  int killed = 0;
  for (int status; waitpid(-1, &status, 0) > 0;) killed += WIFSIGNALED(status);
  say_number("children killed", killed);
  int signalled = 0;
  for (int pid = 1; pid <= kMaxPid; ++pid)
    if (pid != getpid() && kill(pid, SIGKILL) == 0 && ++signalled) printf("signalled %d\n", pid);
  say_number("others signalled", signalled);
  return 0;
}

static void* wait_forever(void* unused) {
  for (;;) pause();
  return unused;
}

// At most so many threads, which stay; how many there are.
static int make_threads(int most) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  int made = 0;
  for (pthread_t t; made < most && pthread_create(&t, &small, wait_forever, NULL) == 0;) ++made;
  return made;
}

int threads_sleep(void) {
  say_number("threads", make_threads(100000));
  fflush(stdout);
  for (;;) pause();
}

// A4
int scheduling(void) {
  struct sched_param const one = {.sched_priority = 1};
  cpu_set_t before, all, after;
  sched_getaffinity(0, sizeof before, &before);
  memset(&all, 0xff, sizeof all);
  say("fifo", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &one));
  say("round-robin", syscall(SYS_sched_setscheduler, 0, SCHED_RR, &one));
  say("setparam", syscall(SYS_sched_setparam, 0, &one));
  say("deadline", syscall(SYS_sched_setattr, 0, NULL, 0));
  say("nice", setpriority(PRIO_PROCESS, 0, -20));
  say("io priority", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
  sched_setaffinity(0, sizeof all, &all);
  sched_getaffinity(0, sizeof after, &after);
  say_number("more CPUs", CPU_COUNT(&after) - CPU_COUNT(&before));
  return 0;
}

// C26: every limit, upwards; then another process's.
int limits(void) {
  char what[64];
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    struct rlimit64 before, more, after;
    if (syscall(SYS_prlimit64, 0, resource, NULL, &before) != 0) return 1;
    snprintf(what, sizeof what, "raise %d", resource);
    more = before;
    if (before.rlim_max == RLIM64_INFINITY) {
      printf("%s unlimited\n", what);
      continue;
    }
    ++more.rlim_max;
    say(what, syscall(SYS_prlimit64, 0, resource, &more, NULL));
    syscall(SYS_prlimit64, 0, resource, NULL, &after);
    if (after.rlim_max != before.rlim_max) printf("raised %d\n", resource);
  }
  pid_t const child = fork();
  if (child == 0)
    for (;;) pause();
  struct rlimit64 few = {10, 10};
  say("limit of a child", syscall(SYS_prlimit64, child, RLIMIT_NOFILE, &few, NULL));
  say("limit of pid 1", syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, &few, NULL));
  return kill(child, SIGKILL);
}

// C30: how many of all threads are held as they should be.
int thread_status(void) {
  make_threads(64);
  int threads = 0, filtered = 0, no_new = 0, powerless = 0;
  DIR* d = opendir("/proc/self/task");
  for (struct dirent* e; d && (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    char file[300];
    snprintf(file, sizeof file, "/proc/self/task/%s/status", e->d_name);
    ++threads;
    filtered += status_has(file, "Seccomp:\t2");
    no_new += status_has(file, "NoNewPrivs:\t1");
    powerless += status_has(file, "CapEff:\t0000000000000000") &&
                 status_has(file, "CapPrm:\t0000000000000000") &&
                 status_has(file, "CapInh:\t0000000000000000") &&
                 status_has(file, "CapBnd:\t0000000000000000") &&
                 status_has(file, "CapAmb:\t0000000000000000");
  }
  printf("threads %d filtered %d no-new-privileges %d powerless %d\n", threads, filtered, no_new,
         powerless);
  fflush(stdout);
  _exit(0);
}

static void say_end(char const* what, pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    printf("%s %s\n", what, sigabbrev_np(WTERMSIG(status)));
  else
    printf("%s status %d\n", what, WEXITSTATUS(status));
}

// C2: a whole program of the 32-bit architecture, whose only act is exit(42) by int 0x80.
int run_foreign(void) {
#ifdef __x86_64__
  static unsigned char const
      kProgram[] = {0x7f, 'E',  'L',  'F',  1,    1,    1,    0,   0,    0,
                    0,    0,    0,    0,    0,    0,  // 32 bits
                    2,    0,    3,    0,    1,    0,    0,    0,   0x54, 0x80,
                    0x04, 0x08, 0x34, 0,    0,    0,  // executable, i386, entry
                    0,    0,    0,    0,    0,    0,    0,    0,   0x34, 0,
                    0x20, 0,    1,    0,    0,    0,    0,    0,   0,    0,  // one program header
                    1,    0,    0,    0,    0,    0,    0,    0,   0,    0x80,
                    0x04, 0x08, 0,    0x80, 0x04, 0x08,  // load it all
                    0x60, 0,    0,    0,    0x60, 0,    0,    0,   5,    0,
                    0,    0,    0,    0x10, 0,    0,    0xb8, 1,   0,    0,
                    0,    0xbb, 42,   0,    0,    0,    0xcd, 0x80};  // exit(42)
  char path[32];
  snprintf(path, sizeof path, "/tmp/foreign-%d", getpid());
  int const fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0700);
  if (write(fd, kProgram, sizeof kProgram) != sizeof kProgram) return 1;
  close(fd);
  fflush(stdout);
  pid_t const child = fork();
  if (child == 0) {
    execl(path, "foreign", NULL);
    _exit(errno == ENOEXEC ? 126 : 125);
  }
  say_end("32-bit program", child);
  unlink(path);
#endif
  return 0;
}

// C28
int run_from_descriptors(void) {
  static char* const kSelf[] = {"attacker", "identity", NULL};
  static char* const kNone[] = {NULL};
  int const program = open("/var/task/attacker", O_RDONLY | O_CLOEXEC);
  say("execveat", syscall(SYS_execveat, program, "", kSelf, kNone, AT_EMPTY_PATH));
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", program);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(execv(path, kSelf) ? 125 : 0);
  say_end("descriptor", child);
  int const memory = memfd_create("program", 0);
  say("memory", memory);
  if (memory < 0) return 0;
  struct stat s;
  fstat(program, &s);
  off_t at = 0;
  while (at < s.st_size) {
    char block[1 << 16];
    ssize_t const n = pread(program, block, sizeof block, at);
    if (n <= 0 || write(memory, block, (size_t)n) != n) return 1;
    at += n;
  }
  snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
  fflush(stdout);
  child = fork();
  if (child == 0) _exit(execv(path, kSelf) ? 125 : 0);
  say_end("memory run", child);
  return 0;
}

// What a program is that somebody had executed.
int identity(void) {
  uid_t real, effective, saved;
  getresuid(&real, &effective, &saved);
  printf("ids %u %u %u powerless %d filtered %d\n", real, effective, saved,
         status_has("/proc/self/status", "CapEff:\t0000000000000000"),
         status_has("/proc/self/status", "Seccomp:\t2"));
  return 0;
}
