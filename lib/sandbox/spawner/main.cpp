// The spawner's loop: requests from the library, reports from the jails, their ends, the memory
// watch.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/spawner/state.hpp"

namespace spawner {

State state;

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

[[noreturn]] void end_all() {
  for (int i = 0; i < state.highest; ++i)
    if (state.jails[i].used)
      syscall(SYS_pidfd_send_signal, state.jails[i].pidfd, SIGKILL, nullptr, 0);
  // Reaped here, so that no jail is ever an orphan of somebody else's.
  for (int i = 0; i < state.highest; ++i)
    if (state.jails[i].used) waitpid(state.jails[i].pid, nullptr, 0);
  _exit(0);
}

namespace {

constexpr int kWatchPeriodMs = 100;
constexpr int kIdleMs = 1;  // so long nobody asks for anything before networks are made

std::uint64_t now_ms() { return now_ns() / 1'000'000; }

// --- requests of the library
// ------------------------------------------------------------------------

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
    case wire::Verb::networks: return on_networks(static_cast<std::size_t>(n));
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
  if (flags & wire::kHasListener) jail.listener = take(wire::kHasListener);
  jail.proc = take(wire::kHasProc);
  jail.tmp = take(wire::kHasTmp);
  jail.program = sender;
  if (!missing(flags, count)) return;
  // The memory watch could not look at it.
  strcpy(jail.step, "receive-files");
  jail.error = EMFILE;
  syscall(SYS_pidfd_send_signal, jail.pidfd, SIGKILL, nullptr, 0);
}

void on_waiting(Jail& jail) {
  jail.waiting = true;
  --state.building;
  wire::Reply r{};
  r.kind = wire::ReplyKind::waiting;
  r.ticket = jail.ticket;
  reply(r, nullptr, 0);
}

void on_started(Jail& jail, wire::Report const& report) {
  jail.started = true;
  --state.building;
  wire::Reply r{};
  r.pooled = jail.pooled;
  r.shell = jail.shell;
  r.exec_at = report.exec_at;
  r.exec_ns = report.exec_ns;
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
    case wire::ReportKind::waiting: return on_waiting(jail);
    case wire::ReportKind::announce: return on_announce(jail, report.fds, fds, count, sender);
    case wire::ReportKind::started: return on_started(jail, report);
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
  state.building -= !jail.started && !jail.waiting;
  keep_network(jail.network, jail.recycle);
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
    on_started(jail, {});
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

int until_watch() {
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

// Nothing comes for so long that there is time to make ready what the next start will want.
bool may_prepare() { return state.building == 0 && networks_wanted(); }

int timeout() {
  int const watch = until_watch();
  if (!may_prepare() || (watch >= 0 && watch < kIdleMs)) return watch;
  return kIdleMs;
}

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
    int const n = epoll_wait(state.epoll, events, 64, timeout());
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
    if (n == 0 && may_prepare()) make_network();
  }
}

}  // namespace
}  // namespace spawner

int main() {
  spawner::forget_host();
  spawner::serve();
}
