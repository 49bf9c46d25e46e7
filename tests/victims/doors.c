// Ways through that an ordinary Linux leaves open to a program without rights. Each is really gone,
// not knocked at: one line each, "ROW name open" or "ROW name ERRNO". What a control lets through
// and a jail does not is what a jail is worth.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kcmp.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

extern char** environ;

static void say(char const* row, char const* name, int error) {
  printf("%s %s %s\n", row, name, error ? strerrorname_np(error) : "open");
}
static void say_call(char const* row, char const* name, long result) {
  say(row, name, result == -1 ? errno : 0);
}
#define TRY(row, name, ...) say_call(row, #name, syscall(SYS_##name, __VA_ARGS__))

// In a child, so that a way gone does not change what the next one starts from. A child that a
// signal ends was refused, too.
static void in_child(char const* row, char const* name, long (*way)(unsigned long),
                     unsigned long argument) {
  fflush(stdout);
  pid_t const child = fork();
  if (child == 0) _exit(way(argument) == -1 ? errno : 0);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    printf("%s %s SIG%s\n", row, name, sigabbrev_np(WTERMSIG(status)));
  else
    say(row, name, WEXITSTATUS(status));
}

// --- C2, C3: other architectures' doors

#ifdef __x86_64__
static long int80(unsigned long number) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number) : "memory");
  return errno = result < 0 ? (int)-result : 0, result < 0 ? -1 : 0;
}
// socketcall(SYS_SOCKET, {AF_NETLINK, SOCK_RAW, 0}): past any rule for socket().
static long int80_socket(unsigned long unused) {
  static int arguments[] = {AF_NETLINK, SOCK_RAW, 0};  // static: below 4 GiB, as that door wants it
  long result;
  (void)unused;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(102l), "b"(1l), "c"(arguments) : "memory");
  return errno = result < 0 ? (int)-result : 0, result < 0 ? -1 : 0;
}
static long x32(unsigned long number) { return syscall((long)(0x40000000 | number)); }

static void architectures(void) {
  in_child("C2", "int80-getpid", int80, 20);
  in_child("C2", "int80-socketcall", int80_socket, 0);
  in_child("C3", "x32-getpid", x32, SYS_getpid);
}
#else
static void architectures(void) {}
#endif

// --- C4, C5: namespaces of one's own, in which one is root

static long do_unshare(unsigned long flags) { return syscall(SYS_unshare, flags); }

static long do_clone(unsigned long flags) {
  long const pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return pid;
}

static long do_clone3(unsigned long flags) {
  struct {
    unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } arguments = {.flags = flags, .exit_signal = SIGCHLD};
  long const pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  return pid;
}

static long mount_as_root(unsigned long flags) {
  if (do_unshare(CLONE_NEWUSER | CLONE_NEWNS | flags) == -1) return -1;
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) return -1;
  return mount("tmpfs", "/proc", "tmpfs", 0, NULL);
}

static long firewall_as_root(unsigned long flags) {
  if (do_unshare(CLONE_NEWUSER | flags) == -1) return -1;
  return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static void namespaces(void) {
  in_child("C4", "unshare-user", do_unshare, CLONE_NEWUSER);
  static struct {
    char const* name;
    unsigned long flag;
  } const kinds[] = {{"pid", CLONE_NEWPID}, {"mount", CLONE_NEWNS}, {"net", CLONE_NEWNET},
                     {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},  {"cgroup", CLONE_NEWCGROUP}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    char name[32];
    snprintf(name, sizeof name, "unshare-user+%s", kinds[i].name);
    in_child("C4", name, do_unshare, CLONE_NEWUSER | kinds[i].flag);
  }
  in_child("C4", "clone-user", do_clone, CLONE_NEWUSER);
  in_child("C4", "clone3-user", do_clone3, CLONE_NEWUSER);
  in_child("C5", "mount-as-root", mount_as_root, 0);
  in_child("C5", "raw-socket-as-root", firewall_as_root, CLONE_NEWNET);
}

// --- C8: into another process of one's own

static void other_process(void) {
  static int secret = 7;
  pid_t const child = fork();
  if (child == 0)
    for (;;) pause();
  int copy;
  struct iovec to = {&copy, sizeof copy}, from = {&secret, sizeof secret};
  TRY("C8", process_vm_readv, child, &to, 1, &from, 1, 0);
  TRY("C8", process_vm_writev, child, &to, 1, &from, 1, 0);
  TRY("C8", kcmp, getpid(), child, KCMP_VM, 0, 0);
  int const pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  TRY("C8", pidfd_getfd, pidfd, 1, 0);
  TRY("C8", ptrace, PTRACE_SEIZE, child, 0, 0);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

// --- C9 to C17: subsystems with a long history

static void keys(void) {
  enum { kProcessKeyring = -2 };
  TRY("C9", add_key, "user", "door", "x", 1, kProcessKeyring);
  TRY("C9", request_key, "user", "door", NULL, kProcessKeyring);
  TRY("C9", keyctl, 0, kProcessKeyring, 1);
}

static void subsystems(void) {
  TRY("C12", userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  struct io_uring_params ring;
  memset(&ring, 0, sizeof ring);
  TRY("C13", io_uring_setup, 1, &ring);
  struct {
    struct file_handle head;
    char bytes[128];
  } handle = {.head.handle_bytes = 128};
  int mount_id;
  TRY("C16", name_to_handle_at, AT_FDCWD, "/", &handle.head, &mount_id, 0);
  TRY("C17", fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, 0);
  TRY("C17", personality, 0x0040000);  // ADDR_NO_RANDOMIZE
#ifdef __x86_64__
  char descriptors[64];
  TRY("C17", modify_ldt, 0, descriptors, sizeof descriptors);
#endif
}

// --- C18, C20: sockets

static void families(void) {
  for (int family = 0; family < 46; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6) continue;
    int s = -1, error = 0;
    for (int type = SOCK_STREAM; type <= SOCK_PACKET && s < 0; ++type) {
      s = socket(family, type, 0);
      if (s < 0 && (errno == EPERM || !error)) error = errno;
    }
    char name[32];
    snprintf(name, sizeof name, "family-%d", family);
    say("C18", name, s < 0 ? error : 0);
    close(s);
  }
}

static void sockets(void) {
  families();
  static struct {
    char const* name;
    int family, type, protocol;
  } const kinds[] = {
      {"netlink-route", AF_NETLINK, SOCK_RAW, 0}, {"netlink-xfrm", AF_NETLINK, SOCK_RAW, 6},
      {"netlink-audit", AF_NETLINK, SOCK_RAW, 9}, {"netlink-netfilter", AF_NETLINK, SOCK_RAW, 12},
      {"packet", AF_PACKET, SOCK_RAW, 0},         {"raw", AF_INET, SOCK_RAW, IPPROTO_ICMP},
      {"mptcp", AF_INET, SOCK_STREAM, 262},       {"sctp", AF_INET, SOCK_STREAM, 132},
      {"vsock", AF_VSOCK, SOCK_STREAM, 0}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    int const s = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);
    say_call("C20", kinds[i].name, s);
    close(s);
  }
}

// --- C23, C30: what each thread still is

// Whether a line of a status file is exactly that; "" if the file is not to be had.
static int status_says(char const* path, char const* line) {
  char text[256];
  int found = 0;
  FILE* const f = fopen(path, "re");
  while (f && !found && fgets(text, sizeof text, f)) found = !strcmp(text, line);
  if (f) fclose(f);
  return found;
}

static void capabilities(void) {
  static char const* const kSets[] = {"Inh", "Prm", "Eff", "Bnd", "Amb"};
  for (size_t i = 0; i < sizeof kSets / sizeof *kSets; ++i) {
    char line[64], name[32];
    snprintf(line, sizeof line, "Cap%s:\t0000000000000000\n", kSets[i]);
    snprintf(name, sizeof name, "capabilities-%s", kSets[i]);
    say("C23", name, status_says("/proc/self/status", line) ? EPERM : 0);
  }
}

static pthread_barrier_t all_there;
static void* stay(void* unused) {
  pthread_barrier_wait(&all_there);
  pthread_barrier_wait(&all_there);
  return unused;
}

static void threads(void) {
  enum { kThreads = 63 };
  pthread_barrier_init(&all_there, NULL, kThreads + 1);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  pthread_t thread[kThreads];
  for (int i = 0; i < kThreads; ++i)
    if (pthread_create(&thread[i], &small, stay, NULL) != 0) return (void)puts("C30 threads none");
  pthread_barrier_wait(&all_there);
  int unfiltered = 0, with_rights = 0, seen = 0;
  DIR* const d = opendir("/proc/self/task");
  for (struct dirent* e; d && (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    char path[300];
    snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
    ++seen;
    unfiltered += !status_says(path, "Seccomp:\t2\n");
    with_rights += !status_says(path, "NoNewPrivs:\t1\n");
    with_rights += !status_says(path, "CapEff:\t0000000000000000\n");
  }
  if (d) closedir(d);
  say("C30", "unfiltered-threads", unfiltered || seen != kThreads + 1 ? 0 : EPERM);
  say("C30", "threads-with-rights", with_rights ? 0 : EPERM);
  pthread_barrier_wait(&all_there);
  for (int i = 0; i < kThreads; ++i) pthread_join(thread[i], NULL);
}

// --- C29, D: what can be seen and was inherited

static void read_something(char const* row, char const* path) {
  char text[256];
  int const fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t const n = fd < 0 ? -1 : read(fd, text, sizeof text);
  say(row, path, n < 0 ? errno : n == 0 ? ENODATA : 0);
  close(fd);
}

static void directory_descriptors(void) {
  int found = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat s;
    found += fstat(fd, &s) == 0 && S_ISDIR(s.st_mode);
  }
  say("D1", "directory-descriptor", found ? 0 : EBADF);
}

static void view(void) {
  say_call("C29", "/sys/devices", access("/sys/devices", F_OK));
  directory_descriptors();
  read_something("D7", "/proc/cmdline");
  read_something("D7", "/proc/interrupts");
  read_something("D7", "/proc/modules");
  read_something("D8", "/proc/loadavg");
  read_something("D8", "/proc/meminfo");
  read_something("D8", "/proc/stat");
  say_call("D9", "/sys/fs/cgroup", access("/sys/fs/cgroup", F_OK));
  int canaries = 0;
  for (char** e = environ; *e; ++e) canaries += strstr(*e, "CANARY") != NULL;
  say("D16", "environment-of-the-host", canaries ? 0 : ENOENT);
}

int doors(void) {
  architectures();
  namespaces();
  other_process();
  keys();
  subsystems();
  sockets();
  capabilities();
  threads();
  view();
  return 0;
}
