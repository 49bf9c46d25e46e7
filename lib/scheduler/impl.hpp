// The state machine. One member function an event (scheduler.cpp), the life of a call (calls.cpp),
// the life of an instance (instances.cpp), which idle one may be stopped (idle.cpp), what is kept
// without a call (provisioned.cpp), what comes of starts that fail or come too fast (failures.cpp),
// and whose turn it is when something is short (placement.cpp).
#pragma once

#include <faas/scheduler.hpp>

#include "scheduler/accounts.hpp"
#include "scheduler/budget.hpp"
#include "scheduler/callers.hpp"
#include "scheduler/index.hpp"
#include "scheduler/slab.hpp"
#include "scheduler/state.hpp"

namespace faas::inline v0 {

struct Scheduler::Impl {
  using Actions = std::vector<SchedulerAction>;
  using Call = scheduler::Call;
  using Claim = scheduler::Claim;
  using Instance = scheduler::Instance;
  using Pool = scheduler::Pool;
  using Revision = scheduler::Revision;
  using Turns = scheduler::List<Claim, &Claim::link>;

  explicit Impl(SchedulerOptions);

  void on(SchedulerEvent&, TimePoint now, Actions&);
  std::optional<TimePoint> next_wake() const;
  SchedulerStats stats() const;
  std::vector<InstanceState> all_instances() const;
  ProvisionedCounts provisioned_counts(RevisionId) const;

  // Events.
  void handle(event::RevisionAdded const&);
  void handle(event::RevisionRetired const&);
  void handle(event::Reserved const&);
  void handle(event::AccountLimit const&);
  void handle(event::Provisioned const&);
  void handle(event::Pressure const&);
  void handle(event::Arrived&);
  void handle(event::Moved const&);
  void handle(event::Cancelled const&);
  void handle(event::Ready const&);
  void handle(event::StartFailed const&);
  void handle(event::Finished const&);
  void handle(event::Exited const&);
  void handle(event::Tick const&) {}
  void handle(event::Drain const&);

  // Calls.
  std::optional<Error> refuse_at_once(event::Arrived const&, Revision const*);
  std::optional<Error> too_big(Revision const&, bool tenant) const;
  std::optional<Error> over_caller_rate(std::string const& caller);
  std::optional<Error> over_concurrency(Revision const&, bool tenant) const;
  void wait(Call&);     // or it is refused
  void enqueue(Call&);  // whatever the limits of queues
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
  void stop(Instance&);
  void lose(Instance&);  // committed no longer; still on the host
  void fail_start(Instance&);

  // Idle instances.
  void become_idle(Instance&);
  void leave_idle(Instance&);
  void sort_idle(Pool&);  // after any change of its instances, or of what is provisioned
  void spare_one(Instance&);
  void keep_one(Instance&);
  void evict_cheapest();
  void expire_idle();

  // Provisioned instances.
  bool lacks_provisioned(Revision const&) const;
  void count_kept(Revision&);

  // Failing starts, and those that come too fast.
  bool crash_loops(Revision const&) const;
  bool rests(Revision const&) const;
  bool rests_after_failure(Revision const&) const;
  bool scales_too_fast(Revision const&) const;
  TimePoint may_start_at(Revision const&) const;
  void count_start(Revision&);
  void count_failure(Revision&, Instance const&) const;
  void refuse_waiting(Revision&);
  void update_rest(Revision&, bool waits);
  void wake_rested();

  // Placement.
  void balance(Pool&);  // after any change of its calls or instances
  void update_turn(Revision&);
  void take_turn(Claim&, scheduler::Turn);
  Turns& row(scheduler::Turn turn) { return rows[static_cast<std::size_t>(turn)]; }
  void serve();
  Claim* next_in_turn();
  Claim* first_under_pressure(scheduler::Turn);
  Claim* smaller_that_fits();
  template <class Claims>
  Claim* first_awake(Claims& claims, Claim* (Claims::*first)() const);
  bool make_room(Revision&);
  void begin(Claim&);
  void to_the_end(Claim&);  // of its row
  bool starving(Claim const&) const;
  bool hopeless(Revision const&) const;
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

  scheduler::Accounts accounts;
  scheduler::Callers callers;
  scheduler::Rate scaling;
  scheduler::Budget budget;
  scheduler::Deadlines deadlines;

  scheduler::List<Instance, &Instance::spare_link> spare;  // longest first
  scheduler::Heap<Instance, &Instance::worth_place, scheduler::WorthLess> cheapest;  // of them
  scheduler::Amount spare_amount;
  std::uint64_t last_spare = 0;
  double inflation = 0;  // what the last evicted one was worth
  std::size_t kept_idle = 0;
  scheduler::Amount kept_amount;  // of what is provisioned, idle or not

  scheduler::List<Instance, &Instance::pool_link> held;  // wait for the host
  std::array<Turns, 3> rows;
  scheduler::Heap<Claim, &Claim::memory_place, scheduler::NeedsLess<scheduler::Resource::memory>>
      least_memory;
  scheduler::Heap<Claim, &Claim::cpus_place, scheduler::NeedsLess<scheduler::Resource::cpus>>
      least_cpus;
  scheduler::Heap<Revision, &Revision::rest_place, scheduler::RestsShorter> resting;
  bool pressure = false;
  TimePoint relief = TimePoint::min();  // no start before while there is pressure

  // Only while on() runs.
  TimePoint now;
  Actions* out = nullptr;
};

}  // namespace faas::inline v0
