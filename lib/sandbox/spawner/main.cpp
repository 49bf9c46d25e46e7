// The spawner's loop: requests from the library, reports from the jails, their ends, the memory
// watch.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/spawner/spawner.hpp"

namespace spawner {
namespace {

constexpr int kMaxJails = 16'384;
constexpr int kWatchPeriodMs = 100;

enum class Source : std::uint32_t { library, host, report, pidfd };

struct State {
  int epoll;
  int watched;  // jails with a memory limit
  std::uint64_t next_watch_ms;
  int highest;  // index of the last jail in use, plus one
  sock_fprog programs[wire::kFilters];
  alignas(8) sock_filter filters[wire::kFilters][wire::kMaxFilter / sizeof(sock_filter)];
  alignas(8) char message[wire::kMaxMessage];
  Start start;
  Jail jails[kMaxJails];
};
State state;  // static: nothing is allocated, and pages never touched cost nothing

std::uint64_t now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1000 +
         static_cast<std::uint64_t>(t.tv_nsec) / 1'000'000;
}

bool watch_fd(int fd, Source source, int index) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<std::uint64_t>(source) << 32 | static_cast<std::uint32_t>(index);
  return epoll_ctl(state.epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// By name: a jail just cloned has copies of every descriptor for a moment, and as long as one is
// open the kernel would go on reporting a file we closed, for an index that is another jail's by
// then.
void unwatch_fd(int fd) { epoll_ctl(state.epoll, EPOLL_CTL_DEL, fd, nullptr); }

[[noreturn]] void end_all();

// A library that cannot be told what became of its jails must not be left believing in them: what
// cannot be said ends the spawner, and that is heard.
void reply(wire::Reply const& message, int const* fds, int count) {
  ssize_t const sent = send_with(wire::kSpawnerSocket, &message, sizeof message, fds, count);
  if (sent < 0) end_all();
}

void reply_failed(std::uint64_t ticket, char const* step, int error, bool tree_missing) {
  wire::Reply r{};
  r.tree_missing = tree_missing;
  r.kind = wire::ReplyKind::failed;
  r.ticket = ticket;
  r.error = error;
  memccpy(r.step, step, 0, sizeof r.step - 1);
  reply(r, nullptr, 0);
}

// --- starting
// ---------------------------------------------------------------------------------------

// Offsets of a list of strings become addresses.
void relocate(Start& start) {
  for (std::uint32_t i = 0; i < start.head.steps; ++i)
    for (int a = 0; a < 6; ++a) {
      if (start.steps[i].kinds[a] != wire::ArgKind::list) continue;
      auto* item = reinterpret_cast<std::uint64_t*>(start.arena + start.steps[i].args[a]);
      for (; *item != ~0ull; ++item) *item += reinterpret_cast<std::uint64_t>(start.arena);
      *item = 0;
    }
}

bool report_sockets(Start& start) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
  int const on = 1;
  start.own_report = pair[0];
  start.jail_report = pair[1];
  start.slots[wire::kReport] = pair[0];
  return setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
}

// The effective id alone, and the raw call: capabilities stay (see forget_host), and the way back
// is open.
bool become(std::uint32_t uid) { return syscall(SYS_setresuid, -1, uid, -1) == 0; }

pid_t clone_as(std::uint32_t owner, clone_args& args) {
  if (owner == wire::kSpawnersOwn)
    return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
  if (!become(owner)) return -1;
  auto const pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
  int const error = errno;
  if (pid != 0 && !become(0)) _exit(2);
  errno = error;
  return pid;
}

pid_t clone_jail(Start& start, int& pidfd) {
  clone_args args{};
  args.flags = start.head.clone_flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (start.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;  // G9: no instant outside its limits
    args.cgroup = static_cast<std::uint64_t>(start.cgroup);
  }
  return clone_as(start.head.owner, args);
}

int free_index() {
  for (int i = 0; i < kMaxJails; ++i)
    if (!state.jails[i].used) return i;
  return -1;
}

// What was opened for this start and is not kept.
void close_start(Start& start) {
  for (int i = wire::kOutput; i < wire::kSlots; ++i) close_fd(start.slots[i]);
  close_fd(start.jail_report);
}

Jail& add_jail(int index, Start const& start, int pidfd) {
  auto& jail = state.jails[index];
  jail = {};
  jail.used = true;
  jail.ticket = start.head.ticket;
  jail.pid = start.pid;
  jail.pidfd = pidfd;
  jail.report = start.own_report;
  jail.cgroup = start.cgroup;
  jail.proc = jail.tmp = jail.listener = -1;
  jail.memory = start.head.watched_memory;
  if (index >= state.highest) state.highest = index + 1;
  return jail;
}

void refuse(Start& start, char const* step, int error) {
  close_fd(start.own_report);
  close_fd(start.cgroup);
  close_start(start);
  bool const tree_missing = start.head.tree && !has_tree(start.head.tree - 1);
  reply_failed(start.head.ticket, step, error, tree_missing);
}

// Where the jail is to be born, and back.
pid_t clone_in_place(Start& start, int& pidfd, char const*& failed, int& error) {
  if (start.head.tree && !enter_tree(start.head.tree - 1, failed, error)) return -1;
  pid_t const pid = clone_jail(start, pidfd);
  if (pid == 0) return 0;
  if (pid < 0) failed = "clone", error = errno;
  if (start.head.tree) leave_tree();
  return pid;
}

void start_jail(Start& start) {
  relocate(start);
  int const index = free_index();
  int error = 0;
  char const* failed = nullptr;
  int pidfd = -1;
  if (index < 0) {
    failed = "jail-table", error = ENOSPC;
  } else if (!report_sockets(start)) {
    failed = "report-socket", error = errno;
  } else if (!watch_fd(start.own_report, Source::report, index)) {
    failed = "watch-report", error = errno;
  } else if (auto const* step = walk(start, side(wire::Where::before), error)) {
    failed = step->name;
  } else {
    start.pid = clone_in_place(start, pidfd, failed, error);
    if (!failed && start.pid == 0) run_jail(start);
  }
  if (failed) return refuse(start, failed, error);
  close_fd(start.jail_report);
  auto& jail = add_jail(index, start, pidfd);
  if (auto const* step = walk(start, side(wire::Where::after), error)) {
    memcpy(jail.step, step->name, sizeof jail.step);  // it waits for us, so it has run nothing
    jail.error = error;
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  }
  close_start(start);
}

// --- requests of the library
// ------------------------------------------------------------------------

// What follows a request: its steps, then the arena, and nothing else.
void take_steps(Start& start, std::size_t head, std::uint32_t steps, std::uint32_t arena,
                std::size_t size) {
  for (int& slot : start.slots) slot = -1;
  start.own_report = start.jail_report = start.cgroup = -1;
  start.filters = state.programs;
  if (head + steps * sizeof(wire::Step) + arena != size) _exit(2);  // not our library
  start.head.steps = steps;
  start.steps = reinterpret_cast<wire::Step const*>(state.message + head);
  start.arena = state.message + head + steps * sizeof(wire::Step);
}

void on_tree(std::size_t size) {
  wire::Tree head;
  memcpy(&head, state.message, sizeof head);
  if (head.index >= wire::kTrees) _exit(2);
  state.start.head = {};
  state.start.head.clone_flags = head.clone_flags;
  take_steps(state.start, sizeof head, head.steps, head.arena, size);
  build_tree(state.start, head.index);
}

// The kernel drops descriptors that find no room here. A jail without its cgroup would be one
// without limits.
bool missing(unsigned flags, int count) { return __builtin_popcount(flags) != count; }

void on_start(std::size_t size, int const* fds, int count) {
  auto& start = state.start;
  memcpy(&start.head, state.message, sizeof start.head);
  take_steps(start, sizeof start.head, start.head.steps, start.head.arena, size);
  if (start.head.tree > wire::kTrees) _exit(2);
  int next = 0;
  auto const take = [&](unsigned flag) {
    return (start.head.fds & flag) && next < count ? fds[next++] : -1;
  };
  start.slots[wire::kOutput] = take(wire::kHasOutput);
  start.slots[wire::kError] = take(wire::kHasError);
  start.cgroup = take(wire::kHasCgroup);
  start.slots[wire::kChannel] = take(wire::kHasChannel);
  if (missing(start.head.fds, count)) return refuse(start, "receive-files", EMFILE);
  start_jail(start);
}

void on_signal(wire::Verb verb) {
  wire::Signal request;
  memcpy(&request, state.message, sizeof request);
  for (int i = 0; i < state.highest; ++i) {
    auto& jail = state.jails[i];
    if (!jail.used || jail.ticket != request.ticket) continue;
    int const signal = verb == wire::Verb::kill ? SIGKILL : SIGTERM;
    syscall(SYS_pidfd_send_signal, jail.pidfd, signal, nullptr, 0);
  }
}

void on_filter(std::size_t size) {
  wire::Filter head;
  memcpy(&head, state.message, sizeof head);
  if (head.index >= wire::kFilters || head.bytes > wire::kMaxFilter ||
      sizeof head + head.bytes != size)
    _exit(2);
  memcpy(state.filters[head.index], state.message + sizeof head, head.bytes);
  state.programs[head.index].filter = state.filters[head.index];
  state.programs[head.index].len = static_cast<unsigned short>(head.bytes / sizeof(sock_filter));
}

[[noreturn]] void end_all() {
  for (int i = 0; i < state.highest; ++i)
    if (state.jails[i].used)
      syscall(SYS_pidfd_send_signal, state.jails[i].pidfd, SIGKILL, nullptr, 0);
  // Reaped here, so that no jail is ever an orphan of somebody else's.
  for (int i = 0; i < state.highest; ++i)
    if (state.jails[i].used) waitpid(state.jails[i].pid, nullptr, 0);
  _exit(0);
}

void on_library() {
  int fds[kMaxFds], count;
  ssize_t const n = receive(wire::kSpawnerSocket, state.message, sizeof state.message, MSG_DONTWAIT,
                            fds, count, nullptr);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) end_all();
  if (n < 8) return;
  wire::Verb verb;
  memcpy(&verb, state.message, sizeof verb);
  switch (verb) {
    case wire::Verb::start: return on_start(static_cast<std::size_t>(n), fds, count);
    case wire::Verb::kill:
    case wire::Verb::terminate: return on_signal(verb);
    case wire::Verb::filter: return on_filter(static_cast<std::size_t>(n));
    case wire::Verb::tree: return on_tree(static_cast<std::size_t>(n));
  }
  _exit(2);
}

// --- reports of the jails
// ---------------------------------------------------------------------------

void on_announce(Jail& jail, unsigned flags, int const* fds, int count, pid_t sender) {
  int next = 0;
  auto const take = [&](unsigned flag) {
    return (flags & flag) && next < count ? fds[next++] : -1;
  };
  jail.listener = take(wire::kHasListener);
  jail.proc = take(wire::kHasProc);
  jail.tmp = take(wire::kHasTmp);
  jail.program = sender;
  if (!missing(flags, count)) return;
  // The memory watch could not look at it.
  strcpy(jail.step, "receive-files");
  jail.error = EMFILE;
  syscall(SYS_pidfd_send_signal, jail.pidfd, SIGKILL, nullptr, 0);
}

void on_started(Jail& jail) {
  jail.started = true;
  wire::Reply r{};
  r.kind = wire::ReplyKind::started;
  r.ticket = jail.ticket;
  r.pid = jail.program;
  int const fds[] = {jail.pidfd, jail.listener};
  reply(r, fds, jail.listener >= 0 ? 2 : 1);
  close_fd(jail.listener);
  if (jail.memory) {
    if (state.watched++ == 0) state.next_watch_ms = now_ms() + kWatchPeriodMs;
  } else {
    close_fd(jail.proc);
    close_fd(jail.tmp);
  }
}

void on_report(int index) {
  auto& jail = state.jails[index];
  wire::Report report;
  int fds[kMaxFds], count;
  pid_t sender = 0;
  ssize_t const n = receive(jail.report, &report, sizeof report, MSG_DONTWAIT, fds, count, &sender);
  // ECONNRESET: its pid 1 ended without reading all we wrote; what it wrote can still be read.
  if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET)) return;
  // What it says could be that its program has started.
  if (n < 0) end_all();
  if (n != sizeof report) {  // its pid 1 is ending; the pidfd says when all of the jail is gone
    unwatch_fd(jail.report);
    close_fd(jail.report);
    jail.ended = true;
    if (!watch_fd(jail.pidfd, Source::pidfd, index)) end_all();
    return;
  }
  switch (report.kind) {
    case wire::ReportKind::announce: return on_announce(jail, report.fds, fds, count, sender);
    case wire::ReportKind::started: return on_started(jail);
    case wire::ReportKind::failed:
      memcpy(jail.step, report.step, sizeof jail.step);
      jail.error = report.error;
      return;
    case wire::ReportKind::exited:
      jail.has_status = true;
      jail.status = report.status;
      jail.own_us = report.own_us;
      return;
  }
}

void reply_exited(Jail const& jail, int status, rusage const& usage) {
  auto const us = [](timeval t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
  };
  wire::Reply r{};
  r.kind = wire::ReplyKind::exited;
  r.ticket = jail.ticket;
  r.status = jail.has_status ? jail.status : status;
  r.out_of_memory = jail.out_of_memory;
  r.cpu_us = us(usage.ru_utime) + us(usage.ru_stime);
  r.own_us = jail.own_us;
  auto const largest = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  r.peak = jail.peak > largest ? jail.peak : largest;
  reply(r, nullptr, 0);
}

void forget_jail(Jail& jail) {
  if (jail.started && jail.memory) --state.watched;
  close_fd(jail.report);
  close_fd(jail.pidfd);
  close_fd(jail.proc);
  close_fd(jail.tmp);
  close_fd(jail.cgroup);
  close_fd(jail.listener);
  jail.used = false;
  while (state.highest > 0 && !state.jails[state.highest - 1].used) --state.highest;
}

// pid 1 is dead, and with it every process of its namespace. Told last: who hears of the end finds
// nothing left of the jail here.
void on_end(int index) {
  auto& jail = state.jails[index];
  siginfo_t info{};
  rusage usage{};
  // The raw call: it gives the usage, and all of the namespace's with it.
  syscall(SYS_waitid, P_PIDFD, jail.pidfd, &info, WEXITED | WNOHANG, &usage);
  if (info.si_pid == 0) return;
  unwatch_fd(jail.pidfd);
  int const status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
  if (status == kRanUntold << 8 && !jail.started) {
    on_started(jail);
    jail.has_status = true;
    jail.status = SIGKILL;  // what the program died of when pid 1 was gone
  }
  forget_jail(jail);
  if (jail.started)
    reply_exited(jail, status, usage);
  else if (jail.error)
    reply_failed(jail.ticket, jail.step, jail.error, false);
  else
    reply_failed(jail.ticket, "jail-ended", ECANCELED, false);
}

// --- the memory watch
// -------------------------------------------------------------------------------

int watch_timeout() {
  if (state.watched == 0) return -1;
  auto const now = now_ms();
  return now >= state.next_watch_ms ? 0 : static_cast<int>(state.next_watch_ms - now);
}

void watch_memory() {
  if (state.watched == 0 || now_ms() < state.next_watch_ms) return;
  for (int i = 0; i < state.highest; ++i) {
    auto& jail = state.jails[i];
    if (!jail.used || !jail.started || !jail.memory || jail.ended) continue;
    auto const used = memory_of(jail);
    if (used > jail.peak) jail.peak = used;
    if (used <= jail.memory) continue;
    jail.out_of_memory = true;
    syscall(SYS_pidfd_send_signal, jail.pidfd, SIGKILL, nullptr, 0);
  }
  state.next_watch_ms = now_ms() + kWatchPeriodMs;
}

// --- the process
// ------------------------------------------------------------------------------------

[[noreturn]] void serve() {
  must((state.epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0);
  must(watch_fd(wire::kSpawnerSocket, Source::library, 0));
  must(watch_fd(wire::kSpawnerHost, Source::host, 0));
  wire::Reply hello{};
  hello.kind = wire::ReplyKind::hello;
  hello.version = wire::kVersion;
  reply(hello, nullptr, 0);
  for (;;) {
    epoll_event events[64];
    int const n = epoll_wait(state.epoll, events, 64, watch_timeout());
    for (int i = 0; i < n; ++i) {
      auto const source = static_cast<Source>(events[i].data.u64 >> 32);
      auto const index = static_cast<int>(events[i].data.u64 & 0xffffffff);
      switch (source) {
        case Source::library: on_library(); break;
        case Source::host: end_all();
        case Source::report: on_report(index); break;
        case Source::pidfd: on_end(index); break;
      }
    }
    watch_memory();
  }
}

}  // namespace
}  // namespace spawner

int main() {
  spawner::forget_host();
  spawner::serve();
}
