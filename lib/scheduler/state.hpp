// What the scheduler knows: calls, instances, and the revisions they belong to.
#pragma once

#include <faas/scheduler.hpp>
#include <memory>
#include <string>
#include <unordered_map>

#include "scheduler/accounts.hpp"
#include "scheduler/budget.hpp"
#include "scheduler/heap.hpp"
#include "scheduler/list.hpp"

namespace faas::inline v0::scheduler {

struct Pool;
struct Revision;
struct Instance;

// Waiting (no instance) or running. A waiting call is *covered* when an instance is starting that
// will serve it; only the others count as a queue.
struct Call {
  CallId id{};
  Pool* pool = nullptr;
  Instance* instance = nullptr;
  std::uint64_t order = 0;
  TimePoint arrived;
  TimePoint deadline = TimePoint::max();
  bool covered = false;
  Link<Call> link;  // in Pool::covered, Pool::uncovered or Instance::running
  std::size_t deadline_place = kNotInHeap;
};
using CallList = List<Call, &Call::link>;

struct EarlierDeadline {
  bool operator()(Call const& a, Call const& b) const {
    return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
  }
};
using Deadlines = Heap<Call, &Call::deadline_place, EarlierDeadline>;

struct Instance {
  // held: decided and counted, but not announced before what was stopped for it has left the host.
  enum class Phase { held, starting, idle, busy, stopping };

  InstanceId id{};
  Pool* pool = nullptr;
  Phase phase = Phase::held;
  std::uint64_t begun = 0;   // its place among all starts that were announced
  bool provisioned = false;  // when it was decided, it was one that is kept
  bool spare = false;        // idle, and may be stopped
  std::uint64_t served = 0;  // calls
  TimePoint started_at, ready_at;
  TimePoint spare_since;
  std::uint64_t spare_order = 0;
  double worth = 0;  // while it is spare (idle.cpp)
  CallList running;
  Link<Instance> pool_link;            // in Pool::available, Revision::held or Impl::held
  Link<Instance> pool_idle_link;       // in Pool::spare or Pool::kept
  Link<Instance> spare_link;           // in Impl::spare
  Link<Instance> revision_spare_link;  // in Revision::spare
  std::size_t worth_place = kNotInHeap;
};

struct WorthLess {
  bool operator()(Instance const& a, Instance const& b) const {
    return a.worth != b.worth ? a.worth < b.worth : a.spare_order < b.spare_order;
  }
};

// The calls and instances of one tenant of one revision. They are never mixed with another's.
struct Pool {
  Revision* revision = nullptr;
  std::string tenant;
  CallList covered, uncovered;  // every covered call is older than every uncovered one
  List<Instance, &Instance::pool_link> available;   // room for a call; most recently used last
  List<Instance, &Instance::pool_idle_link> spare;  // idle, and may be stopped; longest first
  List<Instance, &Instance::pool_idle_link> kept;   // idle, and provisioned
  std::size_t starting = 0;                         // held or starting
  std::size_t standing = 0;                         // idle or busy
  std::size_t leaving = 0;                          // stopping
  std::size_t wanting_place = kNotInHeap;

  std::size_t provisioned() const;  // 0 for a tenant's
  bool waits() const { return !covered.empty() || !uncovered.empty(); }
  Call* oldest() const { return covered.empty() ? uncovered.front() : covered.front(); }
  bool unused() const { return !waits() && starting + standing + leaving == 0; }
  bool without_instance() const { return starting + standing == 0; }
};

struct OlderPool {
  bool operator()(Pool const& a, Pool const& b) const {
    return a.uncovered.front()->order < b.uncovered.front()->order;
  }
};

// In the order in which they are served.
enum class Turn { without_instance, provisioned, with_instance, none };

// That an instance be started: for calls that wait, or for what is provisioned.
struct Claim {
  Revision* revision = nullptr;
  Turn turn = Turn::none;
  Link<Claim> link;  // in its row of turns
  std::size_t memory_place = kNotInHeap, cpus_place = kNotInHeap;
};

struct Revision {
  RevisionId id{};
  Limits limits;
  Place place = Place::here;
  unsigned capacity = 1;
  bool retired = false;
  Share share;  // of its function and account
  Amount need;  // of one instance
  Pool common;  // calls without a tenant
  std::unique_ptr<std::unordered_map<std::string, Pool>> tenants;
  Heap<Pool, &Pool::wanting_place, OlderPool> wanting;   // pools with uncovered calls
  List<Instance, &Instance::revision_spare_link> spare;  // longest first
  List<Instance, &Instance::pool_link> held;             // wait for one of this revision to leave
  std::size_t committed = 0;                             // held, starting, idle, busy
  std::size_t occupied = 0;  // on the host (stopping too), or cleared to go there
  std::size_t uncovered = 0;
  std::size_t kept = 0;  // of `committed`, those that are provisioned
  Claim for_calls, for_provisioned;
  std::size_t starting = 0;                  // held or starting, of all its pools
  unsigned failures = 0;                     // starts that failed, one after the other, in a row
  std::uint64_t begun_at_failure = 0;        // Impl::begun when the last of them was counted
  TimePoint rests_until = TimePoint::min();  // no start before, if the last one has failed
  TimePoint wakes = TimePoint::min();        // while it is in Impl::resting: when it may start
  std::size_t rest_place = kNotInHeap;

  bool below_concurrency(std::size_t count) const {
    return limits.concurrency == 0 || count < limits.concurrency;
  }
};

inline std::size_t Pool::provisioned() const {
  return this == &revision->common ? revision->share.provisioned : 0;
}

template <Resource resource>
struct NeedsLess {
  bool operator()(Claim const& a, Claim const& b) const {
    Revision const& x = *a.revision;
    Revision const& y = *b.revision;
    return x.need[resource] != y.need[resource] ? x.need[resource] < y.need[resource] : x.id < y.id;
  }
};

struct RestsShorter {
  bool operator()(Revision const& a, Revision const& b) const {
    return a.wakes != b.wakes ? a.wakes < b.wakes : a.id < b.id;
  }
};

}  // namespace faas::inline v0::scheduler
