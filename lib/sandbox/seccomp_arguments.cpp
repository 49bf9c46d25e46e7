// System calls of which only some uses are allowed.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/prctl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "sandbox/seccomp_rules.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr std::uint64_t kInt = 0xffffffff;  // the kernel reads 32 bits of it, and musl sign-extends
constexpr std::uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                         CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t kType = 0xf;  // a socket's type without SOCK_NONBLOCK and SOCK_CLOEXEC

constexpr ArgumentRule call(char const* name, char const* reason, Compare a) {
  return {name, reason, {a, {}, {}}, 1};
}
constexpr ArgumentRule call(char const* name, char const* reason, Compare a, Compare b) {
  return {name, reason, {a, b, {}}, 2};
}
constexpr ArgumentRule call(char const* name, char const* reason, Compare a, Compare b, Compare c) {
  return {name, reason, {a, b, c}, 3};
}

constexpr ArgumentRule socket(std::uint64_t family, std::uint64_t type, std::uint64_t protocol,
                              char const* reason) {
  return call("socket", reason, {0, family}, {1, type, ~0ull & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)},
              {2, protocol});
}
constexpr ArgumentRule control(std::uint64_t request, char const* reason) {
  return call("ioctl", reason, {1, request & kInt, kInt});
}
constexpr ArgumentRule option(std::uint64_t which, char const* reason) {
  return call("prctl", reason, {0, which});
}
// Of the caller itself (pid 0), so that no process moves another's limits.
constexpr ArgumentRule limit(std::uint64_t resource, char const* reason) {
  return call("prlimit64", reason, {0, 0}, {1, resource});
}

constexpr ArgumentRule kArguments[] = {
    call("clone", "threads and children, never with a namespace of their own (G8)",
         {0, 0, kNewNamespaces}),

    // No AF_NETLINK, AF_ALG, AF_PACKET, AF_VSOCK; no raw sockets; no SCTP, MPTCP, UDP-Lite.
    socket(AF_UNIX, SOCK_STREAM, 0, "local servers and clients"),
    socket(AF_UNIX, SOCK_DGRAM, 0, "syslog clients, local messages"),
    socket(AF_INET, SOCK_STREAM, 0, "the Runtime API, local servers"),
    socket(AF_INET, SOCK_STREAM, IPPROTO_TCP, "getaddrinfo's result as given; Node, Python"),
    socket(AF_INET, SOCK_DGRAM, 0, "name lookups"),
    socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "glibc's resolver"),
    socket(AF_INET6, SOCK_STREAM, 0, "servers that listen on both"),
    socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP, "getaddrinfo's result as given"),
    socket(AF_INET6, SOCK_DGRAM, 0, "glibc sorts addresses by trying to reach them"),
    socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "glibc's resolver"),
    call("socketpair", "libuv's pipes to children", {0, AF_UNIX}, {1, SOCK_STREAM, kType}),
    call("socketpair", "local messages", {0, AF_UNIX}, {1, SOCK_DGRAM, kType}),
    call("socketpair", "Python multiprocessing, local records", {0, AF_UNIX},
         {1, SOCK_SEQPACKET, kType}),

    // No TIOCSTI, TIOCLINUX, TIOCSCTTY, and nothing of a driver's.
    control(FIONREAD, "bytes waiting: Python, libuv, Java"),
    control(FIONBIO, "non-blocking mode: libuv, Node"),
    control(FIOCLEX, "close-on-exec: Python"),
    control(FIONCLEX, "close-on-exec: Python"),
    control(FIOASYNC, "signal-driven I/O of old programs"),
    control(TIOCOUTQ, "bytes not yet sent"),
    control(TCGETS, "isatty; there is no terminal"),
    control(0x802c542a, "isatty of newer C libraries (TCGETS2)"),
    control(TIOCGWINSZ, "window size: coreutils, Node; there is no terminal"),
    control(TIOCGPGRP, "bash; there is no terminal"),
    control(SIOCGIFCONF, "interfaces: old getifaddrs, psutil"),
    control(SIOCGIFNAME, "interfaces: if_indextoname"),
    control(SIOCGIFINDEX, "interfaces: if_nametoindex"),
    control(SIOCGIFFLAGS, "interfaces: Java, psutil"),
    control(SIOCGIFADDR, "interfaces: Java, psutil"),
    control(SIOCGIFNETMASK, "interfaces: Java, psutil"),
    control(SIOCGIFBRDADDR, "interfaces: Java"),
    control(SIOCGIFHWADDR, "interfaces: Python uuid1"),
    control(SIOCGIFMTU, "interfaces: Java, psutil"),
    control(FICLONE, "cp and Node copyFile try it first; tmpfs answers that it cannot"),
    control(FS_IOC_GETFLAGS, "lsattr-like checks of cp and tar"),

    option(PR_SET_NAME, "thread names"),
    option(PR_GET_NAME, "thread names"),
    option(PR_SET_PDEATHSIG, "supervisors"),
    option(PR_GET_PDEATHSIG, "supervisors"),
    option(PR_SET_DUMPABLE, "secrets in memory"),
    option(PR_GET_DUMPABLE, "Java, crash handlers"),
    option(PR_CAPBSET_READ, "libcap's start-up"),
    option(PR_SET_NO_NEW_PRIVS, "set already; sandboxing libraries set it again"),
    option(PR_GET_NO_NEW_PRIVS, "sandboxing libraries"),
    option(PR_GET_SECCOMP, "sandboxing libraries"),
    option(PR_SET_CHILD_SUBREAPER, "supervisors"),
    option(PR_SET_TIMERSLACK, "event loops"),
    option(PR_SET_THP_DISABLE, "allocators, Go"),
    option(PR_GET_TIMERSLACK, "event loops"),
    option(0x53564d41, "names of anonymous mappings: Go, V8, Java (PR_SET_VMA)"),

    call("prlimit64", "reading limits", {2, 0}),
    // Not RLIMIT_CORE: lowered from 1 to 0, a crash would start the host's core handler as root
    // (G19).
    limit(RLIMIT_NOFILE, "Go and Java raise the soft limit to the hard one"),
    limit(RLIMIT_STACK, "Node, Java, bash ulimit"),
    limit(RLIMIT_DATA, "bash ulimit, Python resource"),
    limit(RLIMIT_AS, "bash ulimit, Python resource"),
    limit(RLIMIT_CPU, "bash ulimit, Python resource"),
    limit(RLIMIT_FSIZE, "bash ulimit, Python resource"),
    limit(RLIMIT_NPROC, "bash ulimit, Python resource"),
    call("setrlimit", "Go before 1.21 raises the soft limit of files", {0, RLIMIT_NOFILE}),

    call("personality", "asking for the current one: debuggers' libraries", {0, kInt, kInt}),
};

constexpr ErrorRule kErrors[] = {
    // Its flags are in memory, where no filter can look; every C library falls back to clone.
    {"clone3", ENOSYS, "C libraries fall back to clone, whose flags a filter sees (G8)"},
    {"memfd_create", ENOSYS, "where it is not allowed: libffi and others fall back to files"},
};

}  // namespace

std::span<ArgumentRule const> argument_rules() { return kArguments; }
std::span<ErrorRule const> error_rules() { return kErrors; }

}  // namespace faas::inline v0::sandbox
