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

constexpr ArgumentRule level(std::uint64_t which, char const* reason) {
  return call("setsockopt", reason, {1, which & kInt, kInt});
}
constexpr ArgumentRule of_socket(std::uint64_t value, std::uint64_t mask, char const* reason) {
  return call("setsockopt", reason, {1, SOL_SOCKET, kInt}, {2, value, mask & kInt});
}

constexpr ArgumentRule kArguments[] = {
    call("clone", "glibc, musl, Go: threads and children, never with a namespace of their own (G8)",
         {0, 0, kNewNamespaces}),

    // No AF_NETLINK, AF_ALG, AF_PACKET, AF_VSOCK; no raw sockets; no SCTP, MPTCP, UDP-Lite.
    socket(AF_UNIX, SOCK_STREAM, 0, "Node, Python, Go: local servers and clients"),
    socket(AF_UNIX, SOCK_DGRAM, 0, "glibc and musl syslog, Python logging"),
    socket(AF_INET, SOCK_STREAM, 0, "the Runtime API: every runtime"),
    socket(AF_INET, SOCK_STREAM, IPPROTO_TCP, "getaddrinfo's result as given; Node, Python"),
    socket(AF_INET, SOCK_DGRAM, 0, "the resolvers of glibc, musl and Go"),
    socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "getaddrinfo's result as given; Python"),
    socket(AF_INET6, SOCK_STREAM, 0, "Node, Go, Java: servers that listen on both"),
    socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP, "getaddrinfo's result as given; Python"),
    socket(AF_INET6, SOCK_DGRAM, 0, "glibc sorts addresses by trying to reach them"),
    socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "getaddrinfo's result as given; Python"),
    call("socketpair", "libuv's pipes to children", {0, AF_UNIX}, {1, SOCK_STREAM, kType}),
    call("socketpair", "Rust UnixDatagram::pair, Python", {0, AF_UNIX}, {1, SOCK_DGRAM, kType}),
    call("socketpair", "Chromium and its zygote", {0, AF_UNIX}, {1, SOCK_SEQPACKET, kType}),

    // Where there is a channel to the host. The first 32 options of a socket but SO_LINGER, 13:
    // such a socket, passed to the host, would have the host wait in close() for as long as it
    // says, also as a stowaway in the queue of another socket. From 6.17 SO_PASSRIGHTS could keep
    // it away.
    level(IPPROTO_IP, "servers and clients of libuv, Go, Java"),
    level(IPPROTO_TCP, "TCP_NODELAY and keep-alive: libuv, Go, Java"),
    level(IPPROTO_UDP, "segmentation: QUIC in Go"),
    level(IPPROTO_IPV6, "IPV6_V6ONLY: libuv, Go, Java"),
    of_socket(0, ~0xeu, "0, 2 to 14, even: Go, libuv, Java, as SO_REUSEADDR and SO_RCVBUF"),
    of_socket(2, ~0xdu, "2, 3, 6, 7, 10, 11, 14, 15: Go, libuv, Java, as SO_REUSEPORT"),
    of_socket(0, ~0xbu, "0 to 3, 8 to 11: Go, libuv, Java, as SO_KEEPALIVE"),
    of_socket(0, ~0x7u, "0 to 7: Go, libuv, Java, as SO_SNDBUF"),
    of_socket(0x10, ~0xfu, "16 to 31: glibc, Java, as SO_RCVTIMEO"),

    // No TIOCSTI, TIOCLINUX, TIOCSCTTY, and nothing of a driver's.
    control(FIONREAD, "bytes waiting: Python, libuv, Java"),
    control(FIONBIO, "non-blocking mode: libuv, Node"),
    control(FIOCLEX, "close-on-exec: Python"),
    control(FIONCLEX, "close-on-exec: Python"),
    control(FIOASYNC, "nginx between its processes"),
    control(TCGETS, "glibc and musl isatty; there is no terminal"),
    control(0x802c542a, "isatty of glibc 2.42 (TCGETS2)"),
    control(TIOCGWINSZ, "window size: coreutils, Node; there is no terminal"),
    control(TIOCGPGRP, "bash; there is no terminal"),
    control(SIOCGIFCONF, "interfaces: Java, Python"),
    control(SIOCGIFNAME, "interfaces: glibc and musl if_indextoname"),
    control(SIOCGIFINDEX, "interfaces: glibc and musl if_nametoindex, Java"),
    control(SIOCGIFFLAGS, "interfaces: Java, psutil"),
    control(SIOCGIFADDR, "interfaces: Python, by the usual recipe for an address of one's own"),
    control(SIOCGIFNETMASK, "interfaces: Java"),
    control(SIOCGIFBRDADDR, "interfaces: Java"),
    control(SIOCGIFHWADDR, "interfaces: Python uuid1"),
    control(SIOCGIFMTU, "interfaces: Java, psutil"),
    control(FICLONE, "cp and Node copyFile try it first; tmpfs answers that it cannot"),

    option(PR_SET_NAME, "thread names: glibc, Java, V8"),
    option(PR_GET_NAME, "thread names: glibc, musl"),
    option(PR_SET_PDEATHSIG, "Go SysProcAttr.Pdeathsig, Chromium"),
    option(PR_GET_PDEATHSIG, "the posture test reads it back"),
    option(PR_GET_DUMPABLE, "the posture test reads it back"),
    option(PR_GET_TIMERSLACK, "the posture test reads it back"),
    option(PR_CAPBSET_READ, "libcap, when it is loaded"),
    option(PR_SET_NO_NEW_PRIVS, "set already; Chromium sets it again"),
    option(PR_SET_CHILD_SUBREAPER, "tini, the first process of images"),
    option(PR_SET_THP_DISABLE, "Redis, at start"),
    option(0x53564d41, "names of anonymous mappings: Go 1.25, glibc 2.41 (PR_SET_VMA)"),

    call("prlimit64", "glibc and musl getrlimit", {2, 0}),
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
};

constexpr ErrorRule kErrors[] = {
    // Its flags are in memory, where no filter can look; every C library falls back to clone.
    {"clone3", ENOSYS, "glibc and musl fall back to clone, whose flags a filter sees (G8)"},
    {"memfd_create", ENOSYS, "where it is not allowed: libffi and others fall back to files"},
    // As on a file system that keeps no attributes, of which the jail needs none.
    {"setxattr", EOPNOTSUPP, "cp -a, install and Python shutil go on with the mode alone"},
    {"lsetxattr", EOPNOTSUPP, "cp -a and tar go on with the mode alone"},
    {"fsetxattr", EOPNOTSUPP, "cp -a and mv go on with the mode alone"},
};

}  // namespace

std::span<ArgumentRule const> argument_rules() { return kArguments; }
std::span<ErrorRule const> error_rules() { return kErrors; }

}  // namespace faas::inline v0::sandbox
