#include "sys/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.hpp"

// The child of spawn_hidden runs on the caller's memory with another stack: no sanitizer may look
// at it.
#define FAAS_RAW __attribute__((no_sanitize("address", "undefined", "thread")))

// glibc's other name of clone: TSan takes the child of `clone` for a fork's, with memory of its
// own.
extern "C" int __clone(int (*body)(void*), void* stack, int flags, void* argument, ...);

namespace faas::inline v0::sys {
namespace {

constexpr int kMaxFds = 4;
constexpr std::size_t kStack = 4096;  // of max_align_t: 128 KiB and more
constexpr int kAboveAll = 16;         // first number for descriptors on their way to their place

struct Birth {
  int image;
  char const* const* argv;
  int const* fds;
  int count;
  int first;
  int error;  // errno of the step that failed
  void* stack;
  int pid;
  int pidfd;
};

// Not _exit: sanitizers take that for the end of the process whose memory this is.
FAAS_RAW void leave(int status) { ::syscall(SYS_exit_group, status); }

// Between clone and exec: system calls only, on the parent's memory, with every signal blocked.
FAAS_RAW int be_born(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  auto const fail = [&]() FAAS_RAW {
    birth.error = errno;
    leave(127);
  };
  // A handler of the host must not run here; exec keeps ignored signals ignored.
  for (int s = 1; s < NSIG; ++s) {
    struct {
      std::uintptr_t handler, flags, restorer, mask;
    } const standard{};
    ::syscall(SYS_rt_sigaction, s, &standard, nullptr, 8);
  }
  int moved[kMaxFds + 1];
  for (int i = 0; i < birth.count; ++i) {
    moved[i] = static_cast<int>(::syscall(SYS_fcntl, birth.fds[i], F_DUPFD_CLOEXEC, kAboveAll));
    if (moved[i] < 0) fail();
  }
  auto const program =
      static_cast<int>(::syscall(SYS_fcntl, birth.image, F_DUPFD_CLOEXEC, kAboveAll));
  auto const null = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0));
  if (program < 0 || null < 0) fail();
  for (int fd = 0; fd < 3; ++fd)
    if (null != fd && ::syscall(SYS_dup3, null, fd, 0) < 0) fail();
  for (int i = 0; i < birth.count; ++i)
    if (::syscall(SYS_dup3, moved[i], birth.first + i, 0) < 0) fail();
  int const end = birth.first + birth.count;
  int const image = end > 3 ? end : 3;
  if (::syscall(SYS_dup3, program, image, O_CLOEXEC) < 0) fail();
  // Descriptors of the host without O_CLOEXEC too.
  if (birth.first > 3 && ::syscall(SYS_close_range, 3, birth.first - 1, 0) != 0) fail();
  if (::syscall(SYS_close_range, image + 1, ~0u, 0) != 0) fail();
  char const* envp[] = {nullptr};
  ::syscall(SYS_execveat, image, "", birth.argv, envp, AT_EMPTY_PATH);
  fail();
  return 0;
}

FAAS_RAW int end_at_once(void*) {
  leave(0);
  return 0;
}

// clone with every signal blocked, so that no handler of the host runs in the child, and without an
// exit signal: not the host's child as far as wait(-1) and SIGCHLD go. No PDEATHSIG: it would fire
// when this thread ends, not when the host does.
Result<Child> clone_hidden(int (*body)(void*), void* argument, int flags) {
  std::vector<std::max_align_t> stack(kStack);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  int const pid = ::__clone(body, stack.data() + stack.size(),
                            flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD, argument, &pidfd);
  int const error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return errno_error("clone", error);
  return Child{pid, Fd(pidfd)};
}

// The parent of the one to be born, for as long as that takes. exec gives a process SIGCHLD for an
// exit signal whatever it was cloned with, so what execs must not be the host's child: its parent,
// which does not exec, ends at once, and init inherits it.
FAAS_RAW int give_birth(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  birth.pid =
      ::__clone(be_born, birth.stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD, argument, &birth.pidfd);
  if (birth.pid < 0) birth.error = errno;
  leave(0);
  return 0;
}

void bury(Child const& child) {
  wait_until_ended(child.pidfd.get(), std::chrono::seconds(1));
  reap(child.pidfd.get());
}

}  // namespace

Result<Fd> open_process(pid_t pid) {
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return errno_error("pidfd_open", errno);
  return fd;
}

void signal_process(int pidfd, int signal) {
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

bool has_ended(int pidfd) { return wait_until_ended(pidfd, Duration::zero()); }

bool wait_until_ended(int pidfd, Duration at_most) {
  auto const end = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    auto const left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    pollfd p{pidfd, POLLIN, 0};
    int const n = ::poll(&p, 1, static_cast<int>(std::max<milliseconds::rep>(0, left.count())));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

void reap(int pidfd) {
  siginfo_t info{};
  ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | __WALL);
}

Result<Child> spawn_hidden(HiddenProgram program) {
  FAAS_CHECK(program.fds.size() <= kMaxFds);
  program.argv.push_back(nullptr);
  std::vector<std::max_align_t> stack(kStack);
  Birth birth{program.image,
              program.argv.data(),
              program.fds.data(),
              static_cast<int>(program.fds.size()),
              program.first,
              0,
              stack.data() + stack.size(),
              -1,
              -1};
  // CLONE_FILES: the pidfd it gets is ours.
  auto parent = clone_hidden(give_birth, &birth, CLONE_FILES);
  if (!parent) return parent.error();
  bury(*parent);
  Child child{birth.pid, Fd(birth.pidfd)};
  if (birth.error) {
    if (child.pidfd) bury(child);
    return errno_error(fmt::format("exec of {}", program.argv.front()), birth.error);
  }
  return child;
}

Result<void> try_namespaces(int flags) {
  auto child = clone_hidden(end_at_once, nullptr, flags);
  if (!child) return child.error();
  bury(*child);
  return {};
}

}  // namespace faas::inline v0::sys
