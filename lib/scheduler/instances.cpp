// The life of an instance: held, starting, busy and idle, stopping, gone.
#include "scheduler/impl.hpp"

namespace faas::inline v0 {

using namespace scheduler;

Scheduler::Impl::Instance& Scheduler::Impl::new_instance(Pool& pool) {
  Instance& instance = instance_slab.take();
  instance.id = InstanceId{++last_instance};
  instance.pool = &pool;
  instances.insert(instance);
  budget.committed += pool.revision->need;
  ++pool.revision->committed;
  ++pool.revision->starting;
  ++pool.starting;
  instance.provisioned = pool.starting + pool.standing <= pool.provisioned();
  return instance;
}

void Scheduler::Impl::admit(Instance& instance) {
  Revision& revision = *instance.pool->revision;
  if (!revision.below_concurrency(revision.occupied)) return revision.held.push_back(instance);
  clear_for_host(instance);
}

void Scheduler::Impl::clear_for_host(Instance& instance) {
  Revision& revision = *instance.pool->revision;
  ++revision.occupied;
  if (!budget.fits_now(revision.need)) return held.push_back(instance);
  announce(instance);
}

void Scheduler::Impl::announce(Instance& instance) {
  Revision& revision = *instance.pool->revision;
  budget.present += revision.need;
  ++revision.share.function->instances;
  instance.phase = Instance::Phase::starting;
  instance.started_at = now;
  instance.begun = ++begun;
  ++starting;
  out->emplace_back(action::Start{instance.id, revision.id, revision.place,
                                  !instance.pool->tenant.empty(), instance.provisioned});
}

// The other starting instances will serve everybody who waits: some calls were cancelled, or found
// a warm instance, while this one was held.
bool Scheduler::Impl::superfluous(Instance const& instance) const {
  Pool const& pool = *instance.pool;
  if (pool.starting + pool.standing <= pool.provisioned()) return false;
  return pool.covered.size() <= (pool.starting - 1) * pool.revision->capacity;
}

void Scheduler::Impl::drop_held(Instance& instance, bool cleared) {
  Pool& pool = *instance.pool;
  Revision& revision = *pool.revision;
  budget.committed -= revision.need;
  --revision.committed;
  --revision.starting;
  --pool.starting;
  if (cleared) --revision.occupied;
  instances.erase(instance);
  instance_slab.give_back(instance);
  update_turn(revision);
  clean(pool);
}

void Scheduler::Impl::release_held(Revision& revision) {
  while (!revision.held.empty() && revision.below_concurrency(revision.occupied)) {
    Instance& next = *revision.held.pop_front();
    superfluous(next) ? drop_held(next, false) : clear_for_host(next);
  }
  while (Instance* next = held.front()) {
    bool const drop = superfluous(*next);
    if (!drop && !budget.fits_now(next->pool->revision->need)) return;
    held.pop_front();
    drop ? drop_held(*next, true) : announce(*next);
  }
}

void Scheduler::Impl::take_calls(Instance& instance, StartLevel level) {
  Pool& pool = *instance.pool;
  if (pool.waits() && gives_way(instance)) return stop(instance);
  while (instance.running.size() < pool.revision->capacity && pool.waits()) {
    Call& call = *pool.oldest();
    leave_queue(call);
    dispatch(call, instance, level);
  }
  balance(pool);
  if (instance.running.empty()) settle(instance);
}

void Scheduler::Impl::settle(Instance& instance) {
  if (instance.pool->revision->retired) return stop(instance);
  become_idle(instance);
}

void Scheduler::Impl::stop(Instance& instance) {
  if (instance.phase == Instance::Phase::idle) leave_idle(instance);
  lose(instance);
  out->emplace_back(action::Stop{instance.id});
}

void Scheduler::Impl::lose(Instance& instance) {
  Pool& pool = *instance.pool;
  Revision& revision = *pool.revision;
  if (instance.phase == Instance::Phase::starting) {
    --starting;
    --pool.starting;
    --revision.starting;
  } else {
    --pool.standing;
    if (instance.running.size() < revision.capacity) pool.available.erase(instance);
  }
  ++pool.leaving;
  instance.phase = Instance::Phase::stopping;
  budget.committed -= revision.need;
  --revision.committed;
  sort_idle(pool);
  balance(pool);
}

// Exactly one call pays for it: the oldest, for which this start or an equal one was made.
void Scheduler::Impl::fail_start(Instance& instance) {
  Revision& revision = *instance.pool->revision;
  count_failure(revision, instance);
  if (Call* call = instance.pool->oldest()) {
    out->emplace_back(action::Fail{call->id, instance.id});
    leave_queue(*call);
    forget(*call);
  }
  lose(instance);
  if (crash_loops(revision)) refuse_waiting(revision);
}

}  // namespace faas::inline v0
