// A start, from the request to a jail that builds itself.
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "sandbox/spawner/state.hpp"

namespace spawner {
namespace {

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
  if (start.network.space >= 0) args.flags &= ~static_cast<std::uint64_t>(CLONE_NEWNET);
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
  jail.proc = jail.tmp = -1;
  jail.pooled = start.pooled;
  jail.listener = start.network.listener;
  jail.network = {start.network.space, -1};
  jail.recycle = start.head.recycle;
  if (!jail.recycle) close_network(jail.network);  // it lasts as long as its jail
  ++state.building;
  jail.memory = start.head.watched_memory;
  if (index >= state.highest) state.highest = index + 1;
  return jail;
}

void refuse(Start& start, char const* step, int error) {
  close_fd(start.own_report);
  close_fd(start.cgroup);
  close_network(start.network);
  close_start(start);
  bool const tree_missing = start.head.tree && !has_tree(start.head.tree - 1);
  reply_failed(start.head.ticket, step, error, tree_missing);
}

// The jail waits for its maps, so they come before the way home.
pid_t clone_on_tree(Start& start, int& pidfd, char const*& failed, int& error) {
  if (start.head.tree && !enter_tree(start.head.tree - 1, failed, error)) return -1;
  pid_t const pid = start.pid = clone_jail(start, pidfd);
  if (pid == 0) return 0;
  if (pid < 0)
    failed = "clone", error = errno;
  else
    start.unfinished = walk(start, side(wire::Where::after), start.error);
  if (start.head.tree) leave_tree();
  return pid;
}

// Where the jail is to be born, and back.
pid_t clone_in_place(Start& start, int& pidfd, char const*& failed, int& error) {
  if (start.network.space < 0) return clone_on_tree(start, pidfd, failed, error);
  if (!enter_network(start.network)) return failed = "enter-network", error = errno, -1;
  pid_t const pid = clone_on_tree(start, pidfd, failed, error);
  if (pid != 0) leave_network();
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
  } else if (host_proc() < 0) {
    failed = "open-host-proc", error = errno;
  } else if (!report_sockets(start)) {
    failed = "report-socket", error = errno;
  } else if (!watch_fd(start.own_report, Source::report, index)) {
    failed = "watch-report", error = errno;
  } else if (auto const* step = walk(start, side(wire::Where::before), error)) {
    failed = step->name;
  } else {
    if (clone_in_place(start, pidfd, failed, error) == 0 && !failed) run_jail(start);
  }
  if (failed) return refuse(start, failed, error);
  close_fd(start.jail_report);
  auto& jail = add_jail(index, start, pidfd);
  if (start.unfinished) {  // it waits for us, so it has run nothing
    memcpy(jail.step, start.unfinished->name, sizeof jail.step);
    jail.error = start.error;
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  }
  close_start(start);
}

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

// A start as it came, with its descriptors in their slots.
void take_start(Start& start, std::size_t size, int const* fds, int count) {
  memcpy(&start.head, state.message, sizeof start.head);
  take_steps(start, sizeof start.head, start.head.steps, start.head.arena, size);
  int next = 0;
  auto const take = [&](unsigned flag) {
    return (start.head.fds & flag) && next < count ? fds[next++] : -1;
  };
  start.slots[wire::kOutput] = take(wire::kHasOutput);
  start.slots[wire::kError] = take(wire::kHasError);
  start.cgroup = take(wire::kHasCgroup);
  start.slots[wire::kChannel] = take(wire::kHasChannel);
}

Jail* find_shell(std::uint64_t ticket) {
  for (int i = 0; i < state.highest; ++i) {
    auto& jail = state.jails[i];
    if (jail.used && jail.waiting && !jail.ended && jail.ticket == ticket) return &jail;
  }
  return nullptr;
}

// The request goes on to it, but for what it has already.
bool send_program(Start& start, std::size_t size, int report) {
  int fds[3], count = 0;
  for (int const slot : {wire::kOutput, wire::kError, wire::kChannel})
    if (start.slots[slot] >= 0) fds[count++] = start.slots[slot];
  auto head = start.head;
  head.fds &= ~static_cast<std::uint32_t>(wire::kHasCgroup);
  memcpy(state.message, &head, sizeof head);
  return send_with(report, state.message, size, fds, count) == static_cast<ssize_t>(size);
}

void close_trees(Start& start) {
  for (int i = wire::kListener; i < wire::kChannel; ++i) close_fd(start.slots[i]);
}

// The package, then all that its program takes. False: it cannot be reached. A step that failed is
// no reason of its own.
bool fill_shell(Start& start, std::size_t size, Jail const& jail, char const*& failed, int& error) {
  auto const* step = walk(start, side(wire::Where::before), error);
  if (!step) {
    if (!enter_mounts(jail.pidfd)) return false;
    step = walk(start, side(wire::Where::package), error);
    leave_tree();
  }
  if (step) return failed = step->name, true;
  return send_program(start, size, jail.report);
}

// Package and program for a jail that waits. False: it has ended, or ends now, for the next jail
// has its id and its cgroup; start another.
bool wake_shell(Start& start, std::size_t size, bool whole) {
  auto* jail = find_shell(start.head.shell);
  if (!jail) return false;
  char const* failed = nullptr;
  int error = 0;
  if (!whole) {
    failed = "receive-files", error = EMFILE;
  } else if (!fill_shell(start, size, *jail, failed, error)) {
    syscall(SYS_pidfd_send_signal, jail->pidfd, SIGKILL, nullptr, 0);
    return close_trees(start), false;
  }
  jail->ticket = start.head.ticket;
  jail->memory = start.head.watched_memory;
  jail->waiting = false;
  jail->shell = true;
  ++state.building;
  if (failed) {
    memccpy(jail->step, failed, 0, sizeof jail->step - 1);
    jail->error = error;
    syscall(SYS_pidfd_send_signal, jail->pidfd, SIGKILL, nullptr, 0);
  }
  close_fd(start.cgroup);
  close_start(start);
  return true;
}

}  // namespace

void on_networks(std::size_t size) {
  wire::Networks head;
  memcpy(&head, state.message, sizeof head);
  take_steps(state.start, sizeof head, head.steps, head.arena, size);
  plan_networks(head, state.message + sizeof head);
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

void take_program(Start& start, std::size_t size, int const* fds, int count) {
  int before[wire::kSlots];
  memcpy(before, start.slots, sizeof before);
  int const report = start.jail_report;
  take_start(start, size, fds, count);
  if (missing(start.head.fds, count)) _exit(1);
  for (int i = 0; i < wire::kSlots; ++i)
    if (start.slots[i] < 0) start.slots[i] = before[i];
  start.jail_report = report;
  relocate(start);
}

void on_start(std::size_t size, int const* fds, int count) {
  auto& start = state.start;
  take_start(start, size, fds, count);
  start.network = kNoNetwork;
  if (start.head.tree > wire::kTrees) _exit(2);
  bool const whole = !missing(start.head.fds, count);
  if (start.head.shell && wake_shell(start, size, whole)) return;
  if (!whole) return refuse(start, "receive-files", EMFILE);
  bool const listener = start.head.listener;
  start.network = take_network(start.head.recycle, listener);
  start.pooled = start.network.space >= 0;
  if (!start.pooled) start.network = network_to_keep(start.head.recycle);
  if (!listener) close_fd(start.network.listener);
  start_jail(start);
}

}  // namespace spawner
