// The state machine. One member function an event (scheduler.cpp), the life of a call (calls.cpp),
// the life of an instance (instances.cpp), what comes of starts that fail (failures.cpp), and whose
// turn it is when something is short (placement.cpp).
#pragma once

#include <faas/scheduler.hpp>

#include "scheduler/budget.hpp"
#include "scheduler/index.hpp"
#include "scheduler/slab.hpp"
#include "scheduler/state.hpp"

namespace faas::inline v0 {

struct Scheduler::Impl {
  using Actions = std::vector<SchedulerAction>;
  using Call = scheduler::Call;
  using Instance = scheduler::Instance;
  using Pool = scheduler::Pool;
  using Revision = scheduler::Revision;
  using Turns = scheduler::List<Revision, &Revision::turn_link>;

  explicit Impl(SchedulerOptions);

  void on(SchedulerEvent&, TimePoint now, Actions&);
  std::optional<TimePoint> next_wake() const;
  SchedulerStats stats() const;
  std::vector<InstanceState> all_instances() const;

  // Events.
  void handle(event::RevisionAdded const&);
  void handle(event::RevisionRetired const&);
  void handle(event::Arrived&);
  void handle(event::Cancelled const&);
  void handle(event::Ready const&);
  void handle(event::StartFailed const&);
  void handle(event::Finished const&);
  void handle(event::Exited const&);
  void handle(event::Tick const&) {}
  void handle(event::Drain const&) { draining = true; }

  // Calls.
  std::optional<Error> refuse_at_once(event::Arrived const&, Revision const*) const;
  void wait(Call&);
  std::optional<Error> over_limit(Call const&) const;
  Error nothing_free(Revision const&, std::string const& queue) const;
  void dispatch(Call&, Instance&, StartLevel);
  void leave_queue(Call&);     // it waits no longer; the call lives on
  void leave_instance(Call&);  // it runs no longer
  void forget(Call&);
  void expire_deadlines();

  // Instances.
  Instance& new_instance(Pool&);
  void admit(Instance&);  // held until its revision's concurrency, then the host, has room
  void clear_for_host(Instance&);
  void announce(Instance&);
  bool superfluous(Instance const&) const;
  void drop_held(Instance&, bool cleared);
  void release_held(Revision&);            // one of this revision has left the host
  void take_calls(Instance&, StartLevel);  // waiting ones, as many as fit; then busy or idle
  void settle(Instance&);                  // no call waits for it
  void leave_idle(Instance&);
  void stop(Instance&);
  void lose(Instance&);  // committed no longer; still on the host
  void fail_start(Instance&);
  void expire_idle();

  // Failing starts.
  bool crash_loops(Revision const&) const;
  bool rests(Revision const&) const;
  void count_start(Revision&) const;
  void count_failure(Revision&, Instance const&) const;
  void refuse_waiting(Revision&);
  void update_rest(Revision&, bool waits);
  void wake_rested();

  // Placement.
  void balance(Pool&);  // after any change of its calls or instances
  void update_turn(Revision&);
  void take_turn(Revision&, scheduler::Turn);
  Turns& turns(scheduler::Turn);
  void serve();
  Revision* next_in_turn() const;
  bool make_room(Revision&);
  void begin(Revision&);
  bool starving(Revision const&) const;
  void reserve(Revision const&);
  bool gives_way(Instance const&) const;

  // Revisions.
  Pool& pool_of(Revision&, std::string& tenant);
  void clean(Pool&);  // removes what nothing needs any more; `pool` may be gone then

  SchedulerOptions options;
  bool draining = false;
  std::uint64_t last_order = 0;
  std::uint64_t last_instance = 0;
  std::uint64_t begun = 0;  // starts announced
  std::size_t uncovered = 0, covered = 0, running = 0, starting = 0;

  scheduler::Slab<Call> call_slab;
  scheduler::Slab<Instance> instance_slab;
  scheduler::Slab<Revision> revision_slab;
  scheduler::Index<CallId, Call> calls;
  scheduler::Index<InstanceId, Instance> instances;
  scheduler::Index<RevisionId, Revision> revisions;

  scheduler::Budget budget;
  scheduler::Deadlines deadlines;
  scheduler::List<Instance, &Instance::idle_link> idle;  // longest idle first
  scheduler::Amount idle_amount;
  scheduler::List<Instance, &Instance::pool_link> held;  // wait for the host
  Turns without_instance, with_instance;
  scheduler::Heap<Revision, &Revision::need_place, scheduler::SmallerNeed> smallest;
  scheduler::Heap<Revision, &Revision::rest_place, scheduler::RestsShorter> resting;

  // Only while on() runs.
  TimePoint now;
  Actions* out = nullptr;
};

}  // namespace faas::inline v0
