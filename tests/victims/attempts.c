// Every call a jail has no business with, tried for real: one line each, "name ERRNO" or "name
// done".
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

static void say(char const* name, long result) {
  printf("%s %s\n", name, result == -1 ? strerrorname_np(errno) : "done");
}
#define TRY(name, ...) say(#name, syscall(SYS_##name, __VA_ARGS__))

static void try_namespaces(void) {
  static struct {
    char const* name;
    unsigned long flag;
  } const kinds[] = {{"user", CLONE_NEWUSER},    {"pid", CLONE_NEWPID}, {"mount", CLONE_NEWNS},
                     {"net", CLONE_NEWNET},      {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
                     {"cgroup", CLONE_NEWCGROUP}};
  char name[64];
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    snprintf(name, sizeof name, "unshare-%s", kinds[i].name);
    say(name, syscall(SYS_unshare, kinds[i].flag));
    snprintf(name, sizeof name, "clone-%s", kinds[i].name);
    long const pid = syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    say(name, pid);
  }
  say("clone3", syscall(SYS_clone3, NULL, 0));
  say("setns", syscall(SYS_setns, 0, 0));
}

static void try_mounts(void) {
  TRY(mount, "none", "/tmp", "tmpfs", 0, NULL);
  TRY(umount2, "/tmp", 2);
  TRY(pivot_root, ".", ".");
  TRY(chroot, "/tmp");
  TRY(open_tree, -100, "/tmp", 1);
  TRY(move_mount, -1, "", -100, "/tmp", 4);
  TRY(fsopen, "tmpfs", 0);
  TRY(fsconfig, -1, 0, "", NULL, 0);
  TRY(fsmount, -1, 0, 0);
  TRY(fspick, -100, "/tmp", 0);
  TRY(mount_setattr, -100, "/", 0, NULL, 0);
}

static void try_kernel(void) {
  TRY(ptrace, 0, 0, 0, 0);
  TRY(process_vm_readv, 1, NULL, 0, NULL, 0, 0);
  TRY(process_vm_writev, 1, NULL, 0, NULL, 0, 0);
  TRY(pidfd_getfd, 0, 0, 0);
  TRY(kcmp, 1, 2, 0, 0, 0);
  TRY(process_madvise, -1, NULL, 0, 0, 0);
  TRY(keyctl, 0, -3, 0, 0, 0);
  TRY(add_key, "user", "x", "y", 1, -3);
  TRY(request_key, "user", "x", NULL, -3);
  TRY(bpf, 0, NULL, 0);
  TRY(perf_event_open, NULL, 0, -1, -1, 0);
  TRY(userfaultfd, 0);
  TRY(io_uring_setup, 1, NULL);
  TRY(io_uring_enter, -1, 0, 0, 0, NULL, 0);
  TRY(io_uring_register, -1, 0, NULL, 0);
  TRY(kexec_load, 0, 0, NULL, 0);
  TRY(init_module, NULL, 0, "");
  TRY(finit_module, -1, "", 0);
  TRY(delete_module, "x", 0);
  TRY(reboot, 0, 0, 0, NULL);
  TRY(swapon, "/tmp/x", 0);
  TRY(acct, NULL);
  TRY(quotactl, 0, "", 0, NULL);
  TRY(clock_settime, 0, NULL);
  TRY(settimeofday, NULL, NULL);
  TRY(adjtimex, NULL);
  TRY(sethostname, "x", 1);
  TRY(open_by_handle_at, -1, NULL, 0);
  TRY(name_to_handle_at, -1, "", NULL, NULL, 0);
  TRY(fanotify_init, 0, 0);
  TRY(syslog, 3, NULL, 0);
  TRY(personality, 0x0400000);
  TRY(seccomp, 1, 0, NULL);
  TRY(setuid, 0);
  TRY(setgid, 0);
  TRY(setresuid, 0, 0, 0);
  TRY(setgroups, 0, NULL);
  TRY(capset, NULL, NULL);
  TRY(sched_setscheduler, 0, SCHED_FIFO, NULL);
  TRY(ioprio_set, 1, 0, 1 << 13);
  TRY(shmget, 0, 4096, 0600 | 01000);
  TRY(semget, 0, 1, 0600 | 01000);
  TRY(msgget, 0, 0600 | 01000);
  TRY(mq_open, "/x", 0102, 0600, NULL);
#ifdef __x86_64__
  TRY(iopl, 3);
  TRY(modify_ldt, 0, NULL, 0);
#endif
  say("mknod-device", mknod("/tmp/device", S_IFCHR | 0600, 0x103));
}

static void try_sockets(void) {
  static struct {
    char const* name;
    int family, type, protocol;
  } const kinds[] = {{"unix-stream", AF_UNIX, SOCK_STREAM, 0},
                     {"inet-stream", AF_INET, SOCK_STREAM, 0},
                     {"inet6-dgram", AF_INET6, SOCK_DGRAM, 0},
                     {"netlink", AF_NETLINK, SOCK_RAW, 0},
                     {"packet", AF_PACKET, SOCK_RAW, 0},
                     {"inet-raw", AF_INET, SOCK_RAW, 1},
                     {"inet-ping", AF_INET, SOCK_DGRAM, 1},
                     {"alg", AF_ALG, SOCK_SEQPACKET, 0},
                     {"vsock", AF_VSOCK, SOCK_STREAM, 0},
                     {"mptcp", AF_INET, SOCK_STREAM, 262},
                     {"sctp", AF_INET, SOCK_STREAM, 132},
                     {"udplite", AF_INET, SOCK_DGRAM, 136},
                     {"xdp", 44, SOCK_RAW, 0},
                     {"unix-seqpacket", AF_UNIX, SOCK_SEQPACKET, 0}};
  char name[64];
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    snprintf(name, sizeof name, "socket-%s", kinds[i].name);
    say(name, socket(kinds[i].family, kinds[i].type, kinds[i].protocol));
  }
  int refused = 0;
  for (int family = 0; family < 64; ++family)
    for (int type = 1; type < 16; ++type)
      for (int protocol = 0; protocol < 300; ++protocol) {
        int const s = socket(family, type, protocol);
        if (s < 0 && ++refused) continue;
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
          printf("socket-sweep %d/%d/%d done\n", family, type, protocol);
        close(s);
      }
  printf("socket-sweep-refused %d\n", refused > 64 * 15 * 290);
}

static void try_terminal(void) {
  char c = 'x';
  say("TIOCSTI", ioctl(0, 0x5412, &c));
  say("TIOCLINUX", ioctl(0, 0x541c, &c));
  say("TIOCSCTTY", ioctl(0, 0x540e, 1));
  // The kernel looks at 32 bits of the request only.
  say("TIOCSTI-high", syscall(SYS_ioctl, 0, 0x500005412ul, &c));
}

// A call of another architecture ends the process; the signal is the line.
static void try_architecture(void) {
#ifdef __x86_64__
  fflush(stdout);
  for (int which = 0; which < 2; ++which) {
    pid_t const child = fork();
    if (child == 0) {
      if (which == 0) {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20l) : "memory");  // getpid
      } else {
        syscall(0x40000000 | SYS_getpid);
      }
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("%s %s\n", which ? "x32" : "int80",
           WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "done");
  }
#endif
}

int attempts(void) {
  try_namespaces();
  try_mounts();
  try_kernel();
  try_sockets();
  try_terminal();
  say("unknown-call", syscall(500));
  say("prctl-seccomp", prctl(PR_SET_SECCOMP, 2, NULL));
  say("prctl-no-new-privs-off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  say("prctl-ambient-raise", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
  int bounding = 0;
  for (int c = 0; c < 64; ++c) bounding += prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1;
  printf("bounding %d\n", bounding);
  try_architecture();
  return 0;
}

// G19: the limit is 1 and stays so, however it is asked.
int core_limit(void) {
  struct rlimit64 zero = {0, 0}, now;
  say("prlimit64", syscall(SYS_prlimit64, 0, RLIMIT_CORE, &zero, NULL));
  say("prlimit64-high", syscall(SYS_prlimit64, 0, 0x100000000ul | RLIMIT_CORE, &zero, NULL));
  say("prlimit64-pid", syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, &zero, NULL));
#ifdef SYS_setrlimit
  say("setrlimit", syscall(SYS_setrlimit, RLIMIT_CORE, &zero));
#endif
  syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &now);
  return printf("core %llu %llu\n", (unsigned long long)now.rlim_cur,
                (unsigned long long)now.rlim_max) < 0;
}
