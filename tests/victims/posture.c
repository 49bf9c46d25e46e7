// What a jailed process is and sees, read from /proc and the root itself.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "victim.h"

extern char** environ;

// The lines of a file that begin with one of the words.
static void say_lines(char const* path, char const* const* words) {
  char line[4096];
  FILE* f = fopen(path, "r");
  while (f && fgets(line, sizeof line, f))
    for (char const* const* w = words; *w; ++w)
      if (!strncmp(line, *w, strlen(*w))) fputs(line, stdout);
  if (f) fclose(f);
}

static void say_file(char const* path) {
  printf("-- %s\n", path);
  say_lines(path, (char const* const[]){"", NULL});
}

static char kind_of(mode_t mode) {
  return S_ISDIR(mode)    ? 'd'
         : S_ISREG(mode)  ? 'f'
         : S_ISLNK(mode)  ? 'l'
         : S_ISCHR(mode)  ? 'c'
         : S_ISFIFO(mode) ? 'p'
         : S_ISSOCK(mode) ? 's'
                          : '?';
}

static void say_fds(void) {
  for (int fd = 0; fd < 4096; ++fd) {
    struct stat s;
    if (fstat(fd, &s) != 0) continue;
    static char const* const kAccess[] = {"read", "write", "both"};
    printf("fd %d %c %s%s\n", fd, kind_of(s.st_mode), kAccess[fcntl(fd, F_GETFL) & O_ACCMODE],
           fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
  }
}

static int say_entry(char const* path, struct stat const* s, int type, struct FTW* where) {
  (void)type, (void)where;
  char target[256] = "";
  if (S_ISLNK(s->st_mode)) {
    strcpy(target, " -> ");
    ssize_t const n = readlink(path, target + 4, sizeof target - 5);
    target[4 + (n > 0 ? n : 0)] = '\0';
  }
  printf("%c %04o %s%s\n", kind_of(s->st_mode), s->st_mode & 07777, path, target);
  // What the host's /usr holds is the host's business; /proc is looked at by itself.
  return !strcmp(path, "/usr") || !strcmp(path, "/proc") || !strcmp(path, "/var/task") ||
                 !strcmp(path, "/etc/alternatives")
             ? FTW_SKIP_SUBTREE
             : FTW_CONTINUE;
}

static void say_proc(void) {
  DIR* d = opendir("/proc");
  for (struct dirent* e; d && (e = readdir(d));)
    if (e->d_name[0] != '.') printf("proc %s\n", e->d_name);
  if (d) closedir(d);
}

static void say_namespaces(void) {
  static char const* const kKinds[] = {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"};
  for (size_t i = 0; i < sizeof kKinds / sizeof *kKinds; ++i) {
    char path[64], id[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", kKinds[i]);
    ssize_t const n = readlink(path, id, sizeof id);
    printf("namespace %.*s\n", (int)n, id);
  }
}

int posture(void) {
  puts("== status");
  say_lines("/proc/self/status",
            (char const* const[]){"Umask:", "Uid:", "Gid:", "Groups:", "Pid:", "PPid:",
                                  "TracerPid:", "Threads:", "SigPnd:", "ShdPnd:", "SigBlk:",
                                  "SigIgn:", "SigCgt:", "Cap", "NoNewPrivs:", "Seccomp", NULL});
  puts("== limits");
  say_lines("/proc/self/limits",
            (char const* const[]){"Max core", "Max data", "Max processes", "Max open files",
                                  "Max locked", "Max address", "Max msgqueue", NULL});
  puts("== mounts");
  say_file("/proc/self/mountinfo");
  puts("== descriptors");
  say_fds();
  puts("== cgroup");
  say_lines("/proc/self/cgroup", (char const* const[]){"0::", NULL});
  puts("== self");
  struct utsname names;
  uname(&names);
  char cwd[256];
  printf("host %s domain %s\n", names.nodename, names.domainname);
  printf("pid %d parent %d session %d group %d\n", getpid(), getppid(), getsid(0), getpgrp());
  printf("directory %s\n", getcwd(cwd, sizeof cwd));
  say_file("/proc/self/oom_score_adj");
  for (char** e = environ; *e; ++e) printf("environment %s\n", *e);
  puts("== tree");
  nftw("/", say_entry, 32, FTW_PHYS | FTW_ACTIONRETVAL);
  puts("== proc");
  say_proc();
  puts("== etc");
  say_file("/etc/passwd");
  say_file("/etc/group");
  say_file("/etc/hosts");
  say_file("/etc/nsswitch.conf");
  say_file("/etc/resolv.conf");
  puts("== namespaces");
  say_namespaces();
  return 0;
}
