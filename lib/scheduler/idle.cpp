// Idle instances: those that are provisioned are kept, the others are spare. A spare one is stopped
// when it has been idle for too long, or when its place is needed.
//
// Which one is stopped for its place: GreedyDual-Size-Frequency (L. Cherkasova, "Improving WWW
// Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HP Labs HPL-98-69R1, 1998):
//   worth = inflation + calls served * seconds its start took / MiB,
// where inflation is the worth of the one stopped last, so that what is not used again gets behind
// what is new. Of equals the longest idle goes first.
#include <algorithm>

#include "scheduler/impl.hpp"

namespace faas::inline v0 {

using namespace scheduler;

namespace {
double worth_of(Instance const& instance) {
  std::chrono::duration<double> const start = instance.ready_at - instance.started_at;
  double const mib = static_cast<double>(instance.pool->revision->need.memory().count) / (1 << 20);
  return static_cast<double>(instance.served) * start.count() / std::max(1.0, mib);
}
}  // namespace

void Scheduler::Impl::become_idle(Instance& instance) {
  Pool& pool = *instance.pool;
  instance.phase = Instance::Phase::idle;
  pool.kept.push_back(instance);
  ++kept_idle;
  sort_idle(pool);
  update_turn(*pool.revision);
}

void Scheduler::Impl::leave_idle(Instance& instance) {
  Pool& pool = *instance.pool;
  if (instance.spare) keep_one(instance);
  pool.kept.erase(instance);
  --kept_idle;
  instance.phase = Instance::Phase::busy;
}

// Of the provisioned ones the busy ones count first: those nobody can stop anyway.
void Scheduler::Impl::sort_idle(Pool& pool) {
  std::size_t const idle = pool.spare.size() + pool.kept.size();
  std::size_t const surplus =
      pool.standing > pool.provisioned() ? pool.standing - pool.provisioned() : 0;
  std::size_t const spares = std::min(idle, surplus);
  while (pool.spare.size() < spares) spare_one(*pool.kept.front());
  while (pool.spare.size() > spares) keep_one(*pool.spare.back());
}

void Scheduler::Impl::spare_one(Instance& instance) {
  Pool& pool = *instance.pool;
  pool.kept.erase(instance);
  --kept_idle;
  instance.spare = true;
  instance.spare_since = now;
  instance.spare_order = ++last_spare;
  instance.worth = inflation + worth_of(instance);
  pool.spare.push_back(instance);
  pool.revision->spare.push_back(instance);
  spare.push_back(instance);
  cheapest.push(instance);
  spare_amount += pool.revision->need;
}

void Scheduler::Impl::keep_one(Instance& instance) {
  Pool& pool = *instance.pool;
  spare_amount -= pool.revision->need;
  cheapest.erase(instance);
  spare.erase(instance);
  pool.revision->spare.erase(instance);
  pool.spare.erase(instance);
  instance.spare = false;
  pool.kept.push_back(instance);
  ++kept_idle;
}

void Scheduler::Impl::evict_cheapest() {
  Instance& instance = *cheapest.top();
  inflation = instance.worth;
  stop(instance);
}

void Scheduler::Impl::expire_idle() {
  while (Instance* longest = spare.front()) {
    if (now - longest->spare_since < options.idle_expiry) return;
    stop(*longest);
  }
}

}  // namespace faas::inline v0
