// The floor of a native cold start: a cgroup, seven namespaces, one exec, nothing else. No mounts,
// no root of its own, no filter, no dropped privilege: what no jail can do without, and less than
// any jail does. Usage: floor_spawn PROGRAM. A sample is from before mkdir of the cgroup to
// PROGRAM's first byte.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sampler.h"

static char cgroup[4096];  // "" where cgroup2 is not writable

// The mount point is the fifth field of mountinfo; the type follows " - ".
static void find_cgroup(void) {
  char line[8192], mount_point[4000];
  FILE* mounts = fopen("/proc/self/mountinfo", "re");
  while (mounts && fgets(line, sizeof line, mounts)) {
    if (!strstr(line, " - cgroup2 ")) continue;
    if (sscanf(line, "%*s %*s %*s %*s %3999s", mount_point) != 1) continue;
    snprintf(cgroup, sizeof cgroup, "%s/floor-%d", mount_point, (int)getpid());
    if (mkdir(cgroup, 0755) == 0)
      rmdir(cgroup);
    else
      cgroup[0] = 0;
    break;
  }
  if (mounts) fclose(mounts);
}

static int open_cgroup(void) {
  if (!cgroup[0]) return -1;
  if (mkdir(cgroup, 0755) != 0) return -1;
  return open(cgroup, O_DIRECTORY | O_CLOEXEC);
}

static void remove_cgroup(int fd) {
  if (fd < 0) return;
  close(fd);
  while (rmdir(cgroup) != 0 && errno == EBUSY) usleep(100);
}

static int64_t start_once(char* program) {
  int bytes[2], pidfd = -1;
  if (pipe2(bytes, O_CLOEXEC) != 0) return -1;
  int64_t const begin = nanoseconds();
  int const group = open_cgroup();
  struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
                                     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_PIDFD |
                                     (group < 0 ? 0 : CLONE_INTO_CGROUP),
                            .pidfd = (uintptr_t)&pidfd,
                            .exit_signal = SIGCHLD,
                            .cgroup = group < 0 ? 0 : (unsigned long)group};
  long const child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) {
    char *const argv[] = {program, NULL}, *const environment[] = {NULL};
    dup2(bytes[1], 1);
    execve(program, argv, environment);
    _exit(127);
  }
  close(bytes[1]);
  char byte;
  int const got = child > 0 && read(bytes[0], &byte, 1) == 1;
  int64_t const end = nanoseconds();
  close(bytes[0]);
  if (child > 0) waitpid((pid_t)child, NULL, 0);
  if (pidfd >= 0) close(pidfd);
  remove_cgroup(group);
  return got ? end - begin : -1;
}

static int block(void* program, long count, int64_t* out) {
  for (long i = 0; i < count; ++i) {
    out[i] = start_once(program);
    if (out[i] < 0) return perror("floor_spawn"), 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: floor_spawn PROGRAM\n"), 2;
  find_cgroup();
  if (start_once(argv[1]) < 0) return unavailable("clone3 with seven namespaces failed here");
  return serve_blocks(block, argv[1]);
}
