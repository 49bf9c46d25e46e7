// One start of the floor: a cgroup of its own, namespaces, one exec, nothing else. No mounts, no
// root of its own, no filter, no dropped privilege: what no jail can do without, and less than any
// jail does. Needs _GNU_SOURCE.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPathRoom = 4096 };

// The namespaces of a jail, but for the network's.
static unsigned long const kSixNamespaces =
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

struct spawn {
  pid_t pid;  // -1: none
  int group;  // descriptor of its cgroup, or -1
  char cgroup[kPathRoom];
};

// Below the cgroup2 mount, "" where that is not writable. The mount point is the fifth field of
// mountinfo; the type follows " - ".
static inline void find_cgroups(char* prefix, size_t room) {
  char line[8192], mount_point[4000];
  FILE* mounts = fopen("/proc/self/mountinfo", "re");
  prefix[0] = 0;
  while (mounts && fgets(line, sizeof line, mounts)) {
    if (!strstr(line, " - cgroup2 ")) continue;
    if (sscanf(line, "%*s %*s %*s %*s %3999s", mount_point) != 1) continue;
    snprintf(prefix, room, "%s/floor-%d", mount_point, (int)getpid());
    if (mkdir(prefix, 0755) != 0 || rmdir(prefix) != 0) prefix[0] = 0;
    break;
  }
  if (mounts) fclose(mounts);
}

static inline int open_cgroup(struct spawn* spawn, char const* prefix) {
  static unsigned long made;
  if (!prefix[0]) return -1;
  int const size = snprintf(spawn->cgroup, sizeof spawn->cgroup, "%s-%lu", prefix, ++made);
  if (size >= (int)sizeof spawn->cgroup || mkdir(spawn->cgroup, 0755) != 0) return -1;
  return open(spawn->cgroup, O_DIRECTORY | O_CLOEXEC);
}

// Output -1: /dev/null, as its input. 0: the program was cloned; whether its exec worked shows
// later.
static inline int spawn_start(struct spawn* spawn, unsigned long namespaces, char const* cgroups,
                              char* const argv[], int output) {
  char* const environment[] = {NULL};
  int pidfd = -1;
  spawn->group = open_cgroup(spawn, cgroups);
  struct clone_args args = {
      .flags = namespaces | CLONE_PIDFD | (spawn->group < 0 ? 0 : CLONE_INTO_CGROUP),
      .pidfd = (uintptr_t)&pidfd,
      .exit_signal = SIGCHLD,
      .cgroup = spawn->group < 0 ? 0 : (unsigned long)spawn->group};
  spawn->pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  if (spawn->pid == 0) {
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(output < 0 ? open("/dev/null", O_WRONLY) : output, 1);
    execve(argv[0], argv, environment);
    _exit(127);
  }
  if (pidfd >= 0) close(pidfd);
  return spawn->pid < 0 ? -1 : 0;
}

static inline void spawn_remove_cgroup(struct spawn* spawn) {
  if (spawn->group < 0) return;
  close(spawn->group);
  while (rmdir(spawn->cgroup) != 0 && errno == EBUSY) usleep(100);
  spawn->group = -1;
}

// Waits for its end; what remained of it is gone then. The wait status.
static inline int spawn_end(struct spawn* spawn) {
  int status = -1;
  if (spawn->pid > 0) waitpid(spawn->pid, &status, 0);
  spawn->pid = -1;
  spawn_remove_cgroup(spawn);
  return status;
}
