// Walking a plan. Async-signal-safe: it runs after clone3 and in a vforked child.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/spawner/spawner.hpp"

namespace spawner {
namespace {

std::uint64_t resolve(Start& start, wire::ArgKind kind, std::uint64_t value) {
  switch (kind) {
    case wire::ArgKind::number: return value;
    case wire::ArgKind::slot: return static_cast<std::uint64_t>(start.slots[value]);
    case wire::ArgKind::data:
    case wire::ArgKind::list: return reinterpret_cast<std::uint64_t>(start.arena + value);
    case wire::ArgKind::scratch: return reinterpret_cast<std::uint64_t>(start.scratch);
    case wire::ArgKind::filter: return reinterpret_cast<std::uint64_t>(&start.filters[value]);
  }
  return 0;
}

// The report that carries descriptors, and with it (SO_PASSCRED) the pid of this process.
long announce(Start& start, wire::Step const& step) {
  wire::Report report{};
  report.kind = wire::ReportKind::announce;
  int fds[3], count = 0;
  for (unsigned i = 0; i < 3; ++i) {
    int const fd = start.slots[step.args[i]];
    if (fd < 0) continue;
    fds[count++] = fd;
    report.fds |= 1u << i;
  }
  return send_with(start.slots[wire::kReport], &report, sizeof report, fds, count);
}

long open_jail_directory(Start& start) {
  char path[12], digits[12];
  int n = 0;
  for (pid_t p = start.pid; p; p /= 10) digits[n++] = static_cast<char>('0' + p % 10);
  char* end = path;
  while (n) *end++ = digits[--n];
  *end = '\0';
  return openat(host_proc(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

long run(Start& start, wire::Step const& step) {
  if (step.call == static_cast<std::uint32_t>(wire::Special::announce))
    return announce(start, step);
  if (step.call == static_cast<std::uint32_t>(wire::Special::jail_directory))
    return open_jail_directory(start);
  if (step.call == SYS_execve) start.exec_at = now_ns();
  std::uint64_t a[6];
  for (int i = 0; i < 6; ++i) a[i] = resolve(start, step.kinds[i], step.args[i]);
  long result;
  do result = syscall(step.call, a[0], a[1], a[2], a[3], a[4], a[5]);
  while (result == -1 && errno == EINTR);
  return result;
}

int verdict(Start& start, wire::Step const& step, long result) {
  if (result == -1) return errno;
  if (step.check == wire::Check::equals && static_cast<std::uint64_t>(result) != step.expected)
    return EIO;
  if (step.check == wire::Check::absolute && start.scratch[0] != '/') return ENOENT;
  if (step.check == wire::Check::device) {
    struct stat s;
    memcpy(&s, start.scratch, sizeof s);
    if (!S_ISCHR(s.st_mode) || s.st_rdev != step.expected) return ENODEV;
  }
  return 0;
}

}  // namespace

int host_proc() {
  static int proc = -1;
  if (proc < 0) proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return proc;
}

std::uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

wire::Step const* walk(Start& start, unsigned sides, int& error) {
  for (std::uint32_t i = 0; i < start.head.steps; ++i) {
    auto const& step = start.steps[i];
    if (!(sides & side(step.where))) continue;
    long const result = run(start, step);
    error = verdict(start, step, result);
    if (error) return &step;
    if (step.into >= 0) start.slots[step.into] = static_cast<int>(result);
  }
  error = 0;
  return nullptr;
}

}  // namespace spawner
