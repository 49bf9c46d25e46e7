// pid 1 of a jail: builds it, starts the function as its child, reaps, and ends when the function
// ends; the kernel then kills whatever is left in the pid namespace. It never execs, so no libc
// starts here.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/spawner/state.hpp"

namespace spawner {
namespace {

bool send_report(int socket, wire::Report const& report) {
  ssize_t sent;
  do sent = send(socket, &report, sizeof report, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == sizeof report;
}

[[noreturn]] void fail(Start& start, char const* step, int error) {
  wire::Report report{};
  report.kind = wire::ReportKind::failed;
  report.error = error;
  memccpy(report.step, step, 0, sizeof report.step - 1);
  send_report(start.jail_report, report);
  _exit(1);
}

// The copies of the spawner's descriptors: its library's socket, other jails. Only those of this
// start stay, up to the plan's own close_range.
bool close_strangers(Start const& start) {
  int keep[8];
  int count = 0;
  auto const add = [&](int fd) {
    if (fd < 0) return;
    int at = count++;
    for (; at > 0 && keep[at - 1] > fd; --at) keep[at] = keep[at - 1];
    keep[at] = fd;
  };
  add(start.jail_report);
  for (int i = wire::kOutput; i < wire::kSlots && count < 7; ++i) add(start.slots[i]);
  unsigned from = 3;
  for (int i = 0; i < count; ++i) {
    auto const fd = static_cast<unsigned>(keep[i]);
    if (fd > from && syscall(SYS_close_range, from, fd - 1, 0) != 0) return false;
    from = fd + 1;
  }
  return syscall(SYS_close_range, from, ~0u, 0) == 0;
}

// Shared with the vforked child, which writes it before it gives up.
struct Launch {
  Start* start;
  wire::Step const* failed;
  int error;
};

int run_program(void* argument) {
  auto& launch = *static_cast<Launch*>(argument);
  launch.failed = walk(*launch.start, side(wire::Where::program), launch.error);
  _exit(1);  // only a failed step gets here
}

// The function's process. Shares our memory until its exec (nothing is copied), and we stand still.
pid_t start_program(Launch& launch) {
  alignas(16) static char stack[32 * 1024];
  return clone(run_program, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
}

std::uint64_t own_microseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto const us = [](timeval t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

[[noreturn]] void reap(int report_socket, pid_t program) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  for (;;) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) != 0) {
      if (pid != program) continue;  // also if it failed: the program is still there to wait for
      wire::Report report{};
      report.kind = wire::ReportKind::exited;
      report.status = status;
      report.own_us = own_microseconds();
      bool const told = send_report(report_socket, report);
      _exit(told ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    if (sigwaitinfo(&awaited, nullptr) == SIGTERM) kill(program, SIGTERM);
  }
}

// pid 1 keeps nothing but its report socket: the copies the program has are its own.
bool keep_report_only(int report) {
  return (report == 3 || dup3(report, 3, O_CLOEXEC) == 3) &&
         syscall(SYS_close_range, 4u, ~0u, 0) == 0;
}

// Complete but for its package and its program, and locked already.
void await_program(Start& start) {
  wire::Report report{};
  report.kind = wire::ReportKind::waiting;
  if (!send_report(start.jail_report, report)) _exit(1);
  int fds[kMaxFds], count;
  ssize_t n;
  do n = receive(start.jail_report, state.message, sizeof state.message, 0, fds, count, nullptr);
  while (n < 0 && errno == EINTR);
  if (n <= 0) _exit(1);  // the spawner has ended
  take_program(start, static_cast<std::size_t>(n), fds, count);
}

}  // namespace

void run_jail(Start& start) {
  if (!close_strangers(start)) fail(start, "close-strangers", errno);
  start.slots[wire::kReport] = start.jail_report;
  Launch launch{&start, nullptr, 0};
  unsigned own = side(wire::Where::jail);
  if (!start.head.pause) own |= side(wire::Where::package);
  if (start.network.space < 0) own |= side(wire::Where::network);
  if (auto const* step = walk(start, own, launch.error)) fail(start, step->name, launch.error);
  if (start.head.pause) await_program(start);
  pid_t const program = start_program(launch);
  if (program == -1) fail(start, "start-program", errno);
  if (launch.failed) fail(start, launch.failed->name, launch.error);
  wire::Report report{};
  report.kind = wire::ReportKind::started;
  report.exec_at = start.exec_at;
  report.exec_ns = now_ns() - start.exec_at;
  if (!keep_report_only(start.jail_report) || !send_report(3, report)) _exit(kRanUntold);
  reap(3, program);
}

}  // namespace spawner
