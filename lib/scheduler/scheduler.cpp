#include <algorithm>

#include "scheduler/impl.hpp"
#include "scheduler/refusal.hpp"

namespace faas::inline v0 {

using namespace scheduler;

Scheduler::Impl::Impl(SchedulerOptions o)
    : options(o),
      accounts(o.account_concurrency),
      callers(o),
      scaling(o.scaling_burst, o.scaling_rate),
      budget(o) {}

// Deadlines first: a call past its own is not started by the event that comes late. Idle expiry
// last: an event that comes late may still use what is idle.
void Scheduler::Impl::on(SchedulerEvent& event, TimePoint time, Actions& actions) {
  now = time;
  out = &actions;
  expire_deadlines();
  wake_rested();
  std::visit([this](auto& e) { handle(e); }, event);
  serve();
  expire_idle();
}

void Scheduler::Impl::handle(event::RevisionAdded const& e) {
  if (revisions.find(e.revision)) return;
  Revision& revision = revision_slab.take();
  revision.id = e.revision;
  revision.limits = e.limits;
  revision.place = e.place;
  revision.capacity = std::max(1u, e.capacity);
  revision.need = need_of(e.limits, options);
  revision.common.revision = &revision;
  revision.for_calls.revision = revision.for_provisioned.revision = &revision;
  accounts.join(revision.share, e.function, e.revision);
  revisions.insert(revision);
}

void Scheduler::Impl::handle(event::RevisionRetired const& e) {
  Revision* revision = revisions.find(e.revision);
  if (!revision || revision->retired) return;
  revision->retired = true;
  accounts.provision(revision->share, 0);
  sort_idle(revision->common);
  update_turn(*revision);
  while (Instance* longest_idle = revision->spare.front()) stop(*longest_idle);
  clean(revision->common);
}

void Scheduler::Impl::handle(event::Reserved const& e) {
  if (!e.function.name.empty()) accounts.reserve(e.function, e.concurrency);
}

void Scheduler::Impl::handle(event::AccountLimit const& e) {
  accounts.limit(e.account, e.concurrency);
}

void Scheduler::Impl::handle(event::Drain const&) {
  draining = true;
  while (Claim* claim = row(Turn::provisioned).front()) update_turn(*claim->revision);
}

void Scheduler::Impl::handle(event::Arrived& e) {
  if (calls.find(e.call)) return;
  Revision* revision = revisions.find(e.revision);
  if (auto error = refuse_at_once(e, revision))
    return out->emplace_back(action::Refuse{e.call, std::move(*error)}), void();

  Call& call = call_slab.take();
  call.id = e.call;
  call.pool = &pool_of(*revision, e.tenant);
  call.order = ++last_order;
  call.arrived = now;
  call.deadline = e.deadline.value_or(TimePoint::max());
  calls.insert(call);
  accounts.add_call(revision->share, !call.pool->tenant.empty());

  if (Instance* instance = call.pool->available.back())
    return dispatch(call, *instance, StartLevel::warm);
  wait(call);
}

void Scheduler::Impl::handle(event::Moved const& e) {
  Call* call = calls.find(e.call);
  Revision* to = revisions.find(e.revision);
  if (!call || call->instance || !to || to->retired) return;
  Pool& from = *call->pool;
  std::string tenant = from.tenant;
  leave_queue(*call);
  accounts.remove_call(from.revision->share, !tenant.empty());
  call->pool = &pool_of(*to, tenant);
  call->order = ++last_order;  // in a queue every call is older than those behind it
  accounts.add_call(to->share, !call->pool->tenant.empty());
  clean(from);  // it may be gone then
  if (Instance* instance = call->pool->available.back())
    return dispatch(*call, *instance, StartLevel::warm);
  enqueue(*call);
}

void Scheduler::Impl::handle(event::Cancelled const& e) {
  Call* call = calls.find(e.call);
  if (!call || call->instance) return;
  leave_queue(*call);
  forget(*call);
}

void Scheduler::Impl::handle(event::Ready const& e) {
  Instance* instance = instances.find(e.instance);
  if (!instance || instance->phase != Instance::Phase::starting) return;
  --starting;
  --instance->pool->starting;
  --instance->pool->revision->starting;
  instance->pool->revision->failures = 0;
  ++instance->pool->standing;
  instance->ready_at = now;
  instance->phase = Instance::Phase::busy;
  instance->pool->available.push_back(*instance);
  take_calls(*instance, StartLevel::cold);
}

void Scheduler::Impl::handle(event::StartFailed const& e) {
  Instance* instance = instances.find(e.instance);
  if (instance && instance->phase == Instance::Phase::starting) fail_start(*instance);
}

void Scheduler::Impl::handle(event::Finished const& e) {
  Call* call = calls.find(e.call);
  if (!call || !call->instance) return;
  Instance& instance = *call->instance;
  leave_instance(*call);
  forget(*call);
  if (instance.phase != Instance::Phase::busy) return;
  Pool& pool = *instance.pool;
  if (instance.running.size() + 1 < pool.revision->capacity) pool.available.erase(instance);
  pool.available.push_back(instance);
  e.reusable ? take_calls(instance, StartLevel::warm) : lose(instance);
}

void Scheduler::Impl::handle(event::Exited const& e) {
  Instance* instance = instances.find(e.instance);
  if (!instance || instance->phase == Instance::Phase::held) return;
  if (instance->phase == Instance::Phase::starting) fail_start(*instance);
  if (instance->phase == Instance::Phase::idle) leave_idle(*instance);
  if (instance->phase != Instance::Phase::stopping) lose(*instance);
  while (Call* call = instance->running.front()) {
    leave_instance(*call);
    forget(*call);
  }
  Pool& pool = *instance->pool;
  Revision& revision = *pool.revision;
  budget.present -= revision.need;
  --revision.share.function->instances;
  --revision.occupied;
  instances.erase(*instance);
  instance_slab.give_back(*instance);
  release_held(revision);
  --pool.leaving;  // not before: until here it keeps the pool and the revision alive
  clean(pool);
}

Scheduler::Impl::Pool& Scheduler::Impl::pool_of(Revision& revision, std::string& tenant) {
  if (tenant.empty()) return revision.common;
  if (!revision.tenants)
    revision.tenants = std::make_unique<std::unordered_map<std::string, Pool>>();
  auto [found, added] = revision.tenants->try_emplace(tenant);
  if (added) {
    found->second.revision = &revision;
    found->second.tenant = std::move(tenant);
  }
  return found->second;
}

void Scheduler::Impl::clean(Pool& pool) {
  Revision& revision = *pool.revision;
  if (!pool.unused()) return;
  if (&pool != &revision.common) revision.tenants->erase(revision.tenants->find(pool.tenant));
  bool const needed = !revision.retired || !revision.common.unused() ||
                      (revision.tenants && !revision.tenants->empty());
  if (needed) return;
  accounts.leave(revision.share);
  revisions.erase(revision);
  revision_slab.give_back(revision);
}

std::optional<TimePoint> Scheduler::Impl::next_wake() const {
  TimePoint wake = TimePoint::max();
  if (Call const* call = deadlines.top()) wake = call->deadline;
  if (Instance const* instance = spare.front())
    if (instance->spare_since < TimePoint::max() - options.idle_expiry)
      wake = std::min(wake, instance->spare_since + options.idle_expiry);
  if (Revision const* revision = resting.top()) wake = std::min(wake, revision->wakes);
  bool const waits = std::ranges::any_of(rows, [](Turns const& row) { return !row.empty(); });
  if (pressure && waits && now < relief) wake = std::min(wake, relief);
  if (wake == TimePoint::max()) return {};
  return wake;
}

SchedulerStats Scheduler::Impl::stats() const {
  return {.calls_waiting = covered + uncovered,
          .calls_running = running,
          .instances = budget.present.instances(),
          .idle = spare.size() + kept_idle,
          .starting = starting,
          .memory_reserved = budget.present.memory(),
          .revisions = revisions.size()};
}

std::vector<InstanceState> Scheduler::Impl::all_instances() const {
  using Phase = InstanceState::Phase;
  std::vector<InstanceState> all;
  instances.each([&](Instance const& i) {
    if (i.phase == Instance::Phase::held) return;
    Phase phase = i.phase == Instance::Phase::starting ? Phase::starting
                  : i.phase == Instance::Phase::idle   ? Phase::idle
                  : i.phase == Instance::Phase::busy   ? Phase::busy
                                                       : Phase::stopping;
    all.push_back({i.id, i.pool->revision->id, phase});
  });
  std::ranges::sort(all, {}, &InstanceState::instance);
  return all;
}

ProvisionedCounts Scheduler::Impl::provisioned_counts(RevisionId id) const {
  Revision const* revision = revisions.find(id);
  if (!revision) return {};
  unsigned const requested = revision->share.provisioned;
  Pool const& pool = revision->common;
  auto const up_to_requested = [&](std::size_t count) {
    return static_cast<unsigned>(std::min<std::size_t>(requested, count));
  };
  return {.requested = requested,
          .allocated = up_to_requested(pool.starting + pool.standing),
          .available = up_to_requested(pool.standing),
          .failing = revision->failures > 0};
}

Scheduler::Scheduler(SchedulerOptions options) : impl_(std::make_unique<Impl>(options)) {}
Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

void Scheduler::on(SchedulerEvent event, TimePoint now, std::vector<SchedulerAction>& out) {
  impl_->on(event, now, out);
}
std::optional<TimePoint> Scheduler::next_wake() const { return impl_->next_wake(); }
SchedulerStats Scheduler::stats() const { return impl_->stats(); }
std::vector<InstanceState> Scheduler::instances() const { return impl_->all_instances(); }
std::optional<FunctionCounts> Scheduler::function(FunctionName const& name) const {
  return impl_->accounts.counts(name);
}
AccountCounts Scheduler::account(std::string_view id) const { return impl_->accounts.counts(id); }
ProvisionedCounts Scheduler::provisioned(RevisionId id) const {
  return impl_->provisioned_counts(id);
}

}  // namespace faas::inline v0
