// What the scheduler knows: calls, instances, and the revisions they belong to.
#pragma once

#include <faas/scheduler.hpp>
#include <memory>
#include <string>
#include <unordered_map>

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
  std::uint64_t begun = 0;  // its place among all starts that were announced
  TimePoint ready_at;
  TimePoint idle_since;
  CallList running;
  Link<Instance> pool_link;           // in Pool::available, Revision::held or Impl::held
  Link<Instance> idle_link;           // in Impl::idle
  Link<Instance> revision_idle_link;  // in Revision::idle
};

// The calls and instances of one tenant of one revision. They are never mixed with another's.
struct Pool {
  Revision* revision = nullptr;
  std::string tenant;
  CallList covered, uncovered;  // every covered call is older than every uncovered one
  List<Instance, &Instance::pool_link> available;  // room for a call; most recently used last
  std::size_t starting = 0;                        // held or starting
  std::size_t standing = 0;                        // idle or busy
  std::size_t leaving = 0;                         // stopping
  std::size_t wanting_place = kNotInHeap;

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

enum class Turn { none, without_instance, with_instance };

struct Revision {
  RevisionId id{};
  Limits limits;
  Place place = Place::here;
  unsigned capacity = 1;
  bool retired = false;
  Pool common;  // calls without a tenant
  std::unique_ptr<std::unordered_map<std::string, Pool>> tenants;
  Heap<Pool, &Pool::wanting_place, OlderPool> wanting;  // pools with uncovered calls
  List<Instance, &Instance::revision_idle_link> idle;   // longest idle first
  List<Instance, &Instance::pool_link> held;            // wait for one of this revision to leave
  std::size_t committed = 0;                            // held, starting, idle, busy
  std::size_t occupied = 0;  // on the host (stopping too), or cleared to go there
  std::size_t uncovered = 0;
  Turn turn = Turn::none;
  Link<Revision> turn_link;
  std::size_t need_place = kNotInHeap;
  std::size_t starting = 0;                  // held or starting, of all its pools
  unsigned failures = 0;                     // starts that failed, one after the other, in a row
  std::uint64_t begun_at_failure = 0;        // Impl::begun when the last of them was counted
  TimePoint rests_until = TimePoint::min();  // no start before, if the last one has failed
  std::size_t rest_place = kNotInHeap;

  Bytes need() const { return limits.memory + limits.tmp; }
  bool below_concurrency(std::size_t count) const {
    return limits.concurrency == 0 || count < limits.concurrency;
  }
};

struct SmallerNeed {
  bool operator()(Revision const& a, Revision const& b) const {
    return a.need() != b.need() ? a.need() < b.need() : a.id < b.id;
  }
};

struct RestsShorter {
  bool operator()(Revision const& a, Revision const& b) const {
    return a.rests_until != b.rests_until ? a.rests_until < b.rests_until : a.id < b.id;
  }
};

}  // namespace faas::inline v0::scheduler
