// What one Sandbox owns. Private to sandbox.cpp and events.cpp.
#pragma once

#include <array>
#include <deque>
#include <faas/sandbox.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/cgroups.hpp"
#include "sandbox/facts.hpp"
#include "sandbox/plan_cache.hpp"
#include "sandbox/spawner_process.hpp"
#include "sandbox/uid_pool.hpp"

namespace faas::inline v0 {

struct Sandbox::Impl {
  // One ticket that has not ended.
  struct Jail {
    std::string id;
    std::optional<std::uint32_t> uid;  // from the pool
    sandbox::Cgroup cgroup;
    sys::Fd pidfd;   // of its pid 1, once started
    sys::Fd events;  // of its cgroup, once lost
    int pid = 0;
    TimePoint submitted;
    std::uint32_t tree = 0;  // as in wire::Start
    std::size_t files = 1;   // that come with `started`: pidfd, listener
    std::string shape;       // of a shell; empty: a jail somebody asked for
    bool waiting = false;    // a shell that is complete
    bool building = false;   // it has neither started nor ended
    bool pooled = false;     // its cgroup was there before
    bool killed = false;     // kill() was called: if it never starts, that is why
    bool lost = false;
  };
  using Jails = std::map<Ticket, Jail>;
  // A root the spawner keeps, for all jails with these files.
  struct Tree {
    std::vector<SpecFile> files;
    std::uint64_t used = 0;  // the ticket that wanted it last; 0: never
    bool sent = false;       // to this spawner
  };

  ~Impl();

  // sandbox.cpp: opening, and requests.
  Result<void> open(SandboxOptions const&);
  Result<void> open_cgroups(SandboxOptions const&);
  Result<void> open_ids(SandboxOptions const&);
  Result<void> open_handles();
  Result<Ticket> submit(Spec const&);
  Result<Ticket> start(Spec const&, TimePoint submitted);
  Result<void> begin(Spec const&, Jail, Ticket);
  Result<Ticket> start_in(Jails::iterator shell, Spec const&, TimePoint submitted);
  void signal(Ticket, sandbox::wire::Verb);
  bool freeze(Ticket, bool stand_still) const;
  Bytes max_memory(Ticket) const;
  Result<void> ensure_spawner();
  Result<void> ensure_filter(SeccompClass);
  Result<std::uint32_t> ensure_tree(Spec const&, Ticket);
  Result<void> claim(Spec const&, Jail&);
  void look_at_spawner();
  Result<void> send_pool();
  // shells.cpp
  std::string shape_of(Spec const&) const;
  void want_shells(Spec const&);
  void prepare_shell();
  Jails::iterator find_shell(std::string const& shape);
  void end_shell(Jails::iterator);
  std::uint64_t recycle_key(std::string const&);
  void prepare();
  Result<void> send_start(Spec const&, Jail const&, Ticket, Ticket shell = 0);
  Result<void> send(std::string message, std::vector<int> const& fds);
  void end_building(Jail&);
  void release(Jail&);

  // events.cpp: what came back.
  std::optional<SandboxEvent> poll();
  void take_reply(sandbox::SpawnerReply);
  void on_started(Jails::iterator, sandbox::SpawnerReply&);
  void on_failed(Jails::iterator, sandbox::wire::Reply const&);
  void on_exited(Jails::iterator, sandbox::wire::Reply const&);
  void lose_all();
  void lose(Jail&);
  static bool is_gone(Jail const&);
  void finish_lost();
  void watch_socket();
  void show_readable();

  sandbox::Facts facts;
  std::optional<sandbox::Cgroups> cgroups;  // outlives the spawner: its end clears what is left
  std::optional<sandbox::UidPool> uids;
  std::array<std::string, sandbox::wire::kFilters> filters;  // compiled at first use
  std::array<bool, sandbox::wire::kFilters> filter_sent{};   // to this spawner
  std::array<Tree, sandbox::wire::kTrees> trees;             // the least recently used gives way
  sandbox::PlanCache plans;
  unsigned networks = 0;
  unsigned shells = 0;  // of each shape
  struct Shape {
    std::string key;
    Spec spec;  // without package, program and descriptors
  };
  std::deque<Shape> shapes;    // the last ones asked for
  bool shells_failed = false;  // until the next submit
  // Numbers for Spec::recycle, never used again; the oldest are forgotten.
  std::deque<std::pair<std::string, std::uint64_t>> recycled;
  std::uint64_t next_recycle = 1;
  std::size_t building = 0;  // jails that have neither started nor ended
  std::unique_ptr<sandbox::SpawnerProcess> spawner;
  sys::Fd epoll;
  bool watching_writes = false;  // of this spawner's socket
  sys::Fd wake;                  // eventfd: readable while `ready` is not empty
  bool awake = false;
  std::deque<SandboxEvent> ready;
  Jails jails;
  std::size_t lost_jails = 0;  // of them
  Ticket next_ticket = 1;
};

}  // namespace faas::inline v0
