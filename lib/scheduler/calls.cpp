// The life of a call: refused, waiting, running, gone.
#include "scheduler/impl.hpp"
#include "scheduler/refusal.hpp"

namespace faas::inline v0 {

using namespace scheduler;

std::optional<Error> Scheduler::Impl::refuse_at_once(event::Arrived const& e,
                                                     Revision const* revision) const {
  if (draining) return refuse_draining();
  if (!revision || revision->retired) return refuse_unknown(e.revision);
  if (!budget.possible(revision->need())) return refuse_impossible(*revision, options);
  if (e.deadline && *e.deadline <= now) return refuse_deadline({.arrived = now}, now);
  return {};
}

// The limits of the queues hold for calls that no instance is starting for, so a queue of 0 still
// allows as many cold starts as there is room for.
void Scheduler::Impl::wait(Call& call) {
  call.pool->uncovered.push_back(call);
  ++uncovered;
  ++call.pool->revision->uncovered;
  if (call.deadline != TimePoint::max()) deadlines.push(call);
  balance(*call.pool);
  serve();
  auto error = over_limit(call);
  if (!error) return;
  out->emplace_back(action::Refuse{call.id, std::move(*error)});
  leave_queue(call);
  forget(call);
}

std::optional<Error> Scheduler::Impl::over_limit(Call const& call) const {
  if (call.covered) return {};
  Revision const& revision = *call.pool->revision;
  bool const tried = revision.starting > 0 || now >= revision.rests_until;
  if (crash_loops(revision) && !tried && call.pool->standing == 0)
    return refuse_crash_loop(revision, now);
  if (revision.uncovered > revision.limits.queue)
    return revision.limits.queue == 0 ? nothing_free(revision, "Limits::queue")
                                      : refuse_function_queue(revision);
  if (uncovered > options.queue)
    return options.queue == 0 ? nothing_free(revision, "SchedulerOptions::queue")
                              : refuse_host_queue(options);
  return {};
}

Error Scheduler::Impl::nothing_free(Revision const& revision, std::string const& queue) const {
  if (!revision.below_concurrency(revision.committed)) return refuse_concurrency(revision, queue);
  if (rests(revision)) return refuse_crash_loop(revision, now);
  if (budget.fits(revision.need())) return refuse_turn(queue);
  Amount const used = budget.committed;
  if (budget.memory_is_short(used, revision.need()))
    return refuse_host_memory(revision, options, used.memory, queue);
  return refuse_host_instances(options, queue);
}

void Scheduler::Impl::dispatch(Call& call, Instance& instance, StartLevel level) {
  if (instance.phase == Instance::Phase::idle) leave_idle(instance);
  call.instance = &instance;
  instance.running.push_back(call);
  if (instance.running.size() == instance.pool->revision->capacity)
    instance.pool->available.erase(instance);
  ++running;
  out->emplace_back(action::Dispatch{call.id, instance.id, level, now - call.arrived});
}

void Scheduler::Impl::leave_queue(Call& call) {
  Pool& pool = *call.pool;
  if (call.covered) {
    pool.covered.erase(call);
    --covered;
  } else {
    pool.uncovered.erase(call);
    --uncovered;
    --pool.revision->uncovered;
  }
  if (Deadlines::contains(call)) deadlines.erase(call);
  balance(pool);
}

void Scheduler::Impl::leave_instance(Call& call) {
  call.instance->running.erase(call);
  --running;
}

void Scheduler::Impl::forget(Call& call) {
  Pool& pool = *call.pool;
  calls.erase(call);
  call_slab.give_back(call);
  clean(pool);
}

void Scheduler::Impl::expire_deadlines() {
  for (Call* call = deadlines.top(); call && call->deadline <= now; call = deadlines.top()) {
    out->emplace_back(action::Refuse{call->id, refuse_deadline(*call, now)});
    leave_queue(*call);
    forget(*call);
  }
}

}  // namespace faas::inline v0
