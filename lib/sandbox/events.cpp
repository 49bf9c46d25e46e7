// What the spawner and the kernel say, as events for the host.
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "sandbox/sandbox_impl.hpp"

namespace faas::inline v0 {

using namespace sandbox;

std::optional<SandboxEvent> Sandbox::Impl::poll() {
  while (ready.empty()) {
    finish_lost();
    if (!ready.empty() || !spawner) break;
    if (spawner->wants_to_write()) {
      spawner->write_more();
      watch_socket();
    }
    auto reply = spawner->receive();
    if (!reply) {
      lose_all();
      continue;
    }
    if (!*reply) break;
    take_reply(std::move(**reply));
  }
  std::optional<SandboxEvent> event;
  if (!ready.empty()) {
    event = std::move(ready.front());
    ready.pop_front();
  } else {
    prepare();
  }
  show_readable();
  return event;
}

void Sandbox::Impl::take_reply(SpawnerReply reply) {
  auto const it = jails.find(reply.head.ticket);
  if (it == jails.end()) return;
  switch (reply.head.kind) {
    case wire::ReplyKind::hello: return;
    case wire::ReplyKind::waiting: it->second.waiting = true; return end_building(it->second);
    case wire::ReplyKind::started: return on_started(it, reply);
    case wire::ReplyKind::failed: return on_failed(it, reply.head);
    case wire::ReplyKind::exited: return on_exited(it, reply.head);
  }
}

void Sandbox::Impl::on_started(Jails::iterator it, SpawnerReply& reply) {
  auto& jail = it->second;
  jail.pid = reply.head.pid;
  end_building(jail);
  // None was free here: without its listener or its pidfd it is of no use and out of reach.
  if (reply.fds.size() != jail.files) signal(it->first, wire::Verb::kill);
  Started event;
  event.ticket = it->first;
  event.pid = jail.pid;
  // steady_clock is CLOCK_MONOTONIC, for both C++ libraries of Linux.
  TimePoint const exec_at{std::chrono::nanoseconds(reply.head.exec_at)};
  event.jail = (reply.head.exec_at ? exec_at : std::chrono::steady_clock::now()) - jail.submitted;
  event.exec = std::chrono::nanoseconds(reply.head.exec_ns);
  if (jail.pooled || reply.head.pooled) event.from = StartedFrom::pooled;
  if (reply.head.shell) event.from = StartedFrom::shell;
  if (!reply.fds.empty()) jail.pidfd = std::move(reply.fds[0]);
  if (reply.fds.size() > 1) event.listener = reply.fds[1].release();
  ready.push_back(event);
}

void Sandbox::Impl::on_failed(Jails::iterator it, wire::Reply const& reply) {
  auto& jail = it->second;
  if (reply.tree_missing && jail.tree) trees[jail.tree - 1].sent = false;
  if (!jail.shape.empty()) return end_shell(it);
  release(jail);
  Failed event;
  event.ticket = it->first;
  event.step = std::string(reply.step, ::strnlen(reply.step, sizeof reply.step));
  event.error = reply.error;
  // Whatever step the kill met: a write to a jail that is dead is EPIPE, and not the reason.
  if (jail.killed) event.step = "killed", event.error = ECANCELED;
  ready.push_back(std::move(event));
  jails.erase(it);
}

void Sandbox::Impl::on_exited(Jails::iterator it, wire::Reply const& reply) {
  auto& jail = it->second;
  Exited event;
  event.ticket = it->first;
  if (WIFEXITED(reply.status))
    event.code = WEXITSTATUS(reply.status);
  else
    event.signal = WTERMSIG(reply.status);
  auto cpu = reply.cpu_us;
  std::uint64_t peak = 0;
  event.out_of_memory = reply.out_of_memory != 0;
  if (jail.cgroup) {
    // Also counts children nobody waited for, which a rusage loses.
    cpu = std::max(cpu, jail.cgroup.cpu_us());
    peak = jail.cgroup.peak();
    event.out_of_memory |= jail.cgroup.was_out_of_memory();
    event.out_of_processes = jail.cgroup.was_out_of_processes();
  }
  event.cpu = std::chrono::microseconds(cpu > reply.own_us ? cpu - reply.own_us : 0);
  event.max_memory = {peak ? peak : reply.peak};
  release(jail);
  ready.push_back(event);
  jails.erase(it);
}

// --- the spawner has ended under its jails
// ----------------------------------------------------------

void Sandbox::Impl::lose_all() {
  spawner.reset();
  for (auto& [ticket, jail] : jails)
    if (!jail.lost) lose(jail);
}

// The kernel has sent SIGKILL to its pid 1 (PDEATHSIG); this is for a jail whose parent died before
// that was armed, and to learn when it is gone.
void Sandbox::Impl::lose(Jail& jail) {
  jail.lost = true;
  ++lost_jails;
  epoll_event event{};
  if (jail.cgroup) jail.cgroup.kill();
  if (jail.pidfd) {
    sys::signal_process(jail.pidfd.get(), SIGKILL);
    event.events = EPOLLIN;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, jail.pidfd.get(), &event);
  } else if (jail.cgroup) {
    jail.events = jail.cgroup.events();
    event.events = EPOLLPRI;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, jail.events.get(), &event);
  }
}

// Gone with all its processes. A jail without pidfd and cgroup never got as far as running
// anything.
bool Sandbox::Impl::is_gone(Jail const& jail) {
  if (jail.pidfd) return sys::has_ended(jail.pidfd.get());
  return !jail.cgroup || !sandbox::Cgroup::populated(jail.events.get());
}

void Sandbox::Impl::finish_lost() {
  if (lost_jails == 0) return;  // asked for every event, whatever the number of jails
  for (auto it = jails.begin(); it != jails.end();) {
    auto& jail = it->second;
    if (!jail.lost || !is_gone(jail)) {
      ++it;
      continue;
    }
    --lost_jails;
    if (!jail.shape.empty()) {
      release(jail);
      it = jails.erase(it);
      continue;
    }
    if (jail.pidfd) sys::reap(jail.pidfd.get());  // ours if this process is a subreaper or pid 1
    Exited event;
    event.ticket = it->first;
    event.lost = true;
    event.max_memory = {jail.cgroup.peak()};
    release(jail);
    ready.push_back(event);
    it = jails.erase(it);
  }
}

// --- the one descriptor a host waits on
// -------------------------------------------------------------

void Sandbox::Impl::watch_socket() {
  if (!spawner || spawner->wants_to_write() == watching_writes) return;
  watching_writes = !watching_writes;
  epoll_event event{};
  event.events = EPOLLIN | (watching_writes ? EPOLLOUT : 0u);
  ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, spawner->socket(), &event);
}

void Sandbox::Impl::show_readable() {
  if (awake == !ready.empty()) return;
  std::uint64_t value = 1;
  if (ready.empty())
    awake = ::read(wake.get(), &value, sizeof value) != sizeof value;
  else
    awake = ::write(wake.get(), &value, sizeof value) == sizeof value;
}

}  // namespace faas::inline v0
