// The life of a call: refused, waiting, running, gone.
#include "scheduler/impl.hpp"
#include "scheduler/refusal.hpp"

namespace faas::inline v0 {

using namespace scheduler;

std::optional<Error> Scheduler::Impl::refuse_at_once(event::Arrived const& e,
                                                     Revision const* revision) {
  if (draining) return refuse_draining();
  if (!revision || revision->retired) return refuse_unknown(e.revision);
  if (auto error = too_big(*revision, !e.tenant.empty())) return error;
  if (e.deadline && *e.deadline <= now) return refuse_deadline({.arrived = now}, now);
  if (auto error = over_caller_rate(e.caller)) return error;
  return over_concurrency(*revision, !e.tenant.empty());
}

// One that has instances may wait for them, whatever has been provisioned since; but a tenant does
// not get those that are kept.
std::optional<Error> Scheduler::Impl::too_big(Revision const& revision, bool tenant) const {
  if (auto const resource = budget.short_of({}, revision.need))
    return refuse_impossible(revision, options, *resource);
  std::size_t const never = tenant ? revision.kept : 0;
  if (!revision.below_concurrency(never)) return refuse_tenant(revision);
  if (revision.committed > never) return {};
  if (auto const resource = budget.short_of(kept_amount, revision.need))
    return refuse_provisioned(revision, options, *resource, kept_amount);
  return {};
}

std::optional<Error> Scheduler::Impl::over_caller_rate(std::string const& caller) {
  switch (callers.admit(caller, now)) {
    case Callers::Verdict::welcome: return {};
    case Callers::Verdict::too_fast: return refuse_caller_rate(options, callers.next(caller) - now);
    case Callers::Verdict::no_place: break;
  }
  return refuse_caller(options);
}

std::optional<Error> Scheduler::Impl::over_concurrency(Revision const& revision,
                                                       bool tenant) const {
  Share const& share = revision.share;
  FunctionState const& function = *share.function;
  if (function.reserved) {
    if (function.calls < *function.reserved) return {};
    return refuse_reserved(function);
  }
  AccountState const& account = *function.account;
  if (share.has_own(tenant) || !accounts.pool_is_full(account)) return {};
  return refuse_account(account, accounts.limit_of(account), accounts.pool_of(account));
}

// The limits of the queues hold for calls that no instance is starting for, so a queue of 0 still
// allows as many cold starts as there is room for.
void Scheduler::Impl::wait(Call& call) {
  enqueue(call);
  auto error = over_limit(call);
  if (!error) return;
  out->emplace_back(action::Refuse{call.id, std::move(*error)});
  leave_queue(call);
  forget(call);
}

void Scheduler::Impl::enqueue(Call& call) {
  call.pool->uncovered.push_back(call);
  ++uncovered;
  ++call.pool->revision->uncovered;
  if (call.deadline != TimePoint::max()) deadlines.push(call);
  balance(*call.pool);
  serve();
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
  if (rests_after_failure(revision)) return refuse_crash_loop(revision, now);
  if (scales_too_fast(revision))
    return refuse_scaling(options, may_start_at(revision) - now, queue);
  bool const gated = pressure && (revision.committed > 0 || now < relief);
  if (gated) return refuse_pressure(revision.committed > 0, queue);
  if (auto const resource = budget.short_of(budget.committed, revision.need))
    return refuse_host(revision, options, *resource, budget.committed, queue);
  return refuse_turn(queue);
}

void Scheduler::Impl::dispatch(Call& call, Instance& instance, StartLevel level) {
  if (instance.phase == Instance::Phase::idle) {
    leave_idle(instance);
    sort_idle(*instance.pool);
    update_turn(*instance.pool->revision);
  }
  call.instance = &instance;
  ++instance.served;
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
  accounts.remove_call(pool.revision->share, !pool.tenant.empty());
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
