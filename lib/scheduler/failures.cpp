// When a revision may start no instance for a while.
//
// Starts that fail: of a function that crashes in its init, or of a host that cannot make a jail
// (A14).
//
// While the last start of a revision has failed, its starts are spaced: five at once, then five a
// second, so never more than ten in a second. After ten failures in a row it is in a crash loop:
// one start a second, of which all its calls await the end, and then are told why. One start that
// succeeds makes it like any other again.
#include <algorithm>

#include "scheduler/impl.hpp"
#include "scheduler/refusal.hpp"

namespace faas::inline v0 {

using namespace scheduler;

namespace {
constexpr unsigned kLoop = 10;
constexpr Duration kSpacing = std::chrono::milliseconds(200);
constexpr Duration kAtOnce = 5 * kSpacing;
constexpr Duration kProbe = std::chrono::seconds(1);
}  // namespace

bool Scheduler::Impl::crash_loops(Revision const& revision) const {
  return revision.failures >= kLoop;
}

bool Scheduler::Impl::rests_after_failure(Revision const& revision) const {
  if (revision.failures == 0) return false;
  return now < revision.rests_until || (crash_loops(revision) && revision.starting > 0);
}

// A healthy function rests too when it has started many at once (SchedulerOptions::scaling_rate).
bool Scheduler::Impl::scales_too_fast(Revision const& revision) const {
  return now < scaling.next(revision.share.function->scaling);
}

bool Scheduler::Impl::rests(Revision const& revision) const {
  return rests_after_failure(revision) || scales_too_fast(revision);
}

TimePoint Scheduler::Impl::may_start_at(Revision const& revision) const {
  TimePoint const scaled = scaling.next(revision.share.function->scaling);
  return revision.failures == 0 ? scaled : std::max(scaled, revision.rests_until);
}

// Also while nothing has failed yet, for what is begun then counts; but not for longer than a
// second.
void Scheduler::Impl::count_start(Revision& revision) {
  scaling.take(revision.share.function->scaling, now);
  if (crash_loops(revision)) {
    revision.rests_until = now + kProbe;
  } else {
    auto const full = std::max(revision.rests_until, now + kSpacing - kAtOnce) + kSpacing;
    revision.rests_until = std::min(full, now + kSpacing);
  }
}

// What began before the failure counted last may have met the same fault: a host that has no room
// for a moment fails a hundred starts at once, and none of them was tried again.
void Scheduler::Impl::count_failure(Revision& revision, Instance const& instance) const {
  if (instance.begun <= revision.begun_at_failure) return;
  revision.begun_at_failure = begun;
  if (++revision.failures == kLoop) revision.rests_until = now + kProbe;
}

// Those that only a start could help. What was tried for one of them would have failed for all.
void Scheduler::Impl::refuse_waiting(Revision& revision) {
  std::vector<Call*> waiting;
  auto const collect = [&](Pool const& pool) {
    if (pool.standing > 0) return;
    for (Call* call = pool.uncovered.front(); call; call = call->link.next) waiting.push_back(call);
  };
  collect(revision.common);
  if (revision.tenants)
    for (auto const& [tenant, pool] : *revision.tenants) collect(pool);
  for (Call* call : waiting) {
    out->emplace_back(action::Refuse{call->id, refuse_crash_loop(revision, now)});
    leave_queue(*call);
    forget(*call);
  }
}

// `waits`: it would take a turn, did it not rest.
void Scheduler::Impl::update_rest(Revision& revision, bool waits) {
  bool const listed = resting.contains(revision);
  TimePoint const wakes = may_start_at(revision);
  bool const belongs = waits && now < wakes;
  if (belongs) revision.wakes = wakes;
  if (listed && belongs) resting.update(revision);
  if (listed && !belongs) resting.erase(revision);
  if (!listed && belongs) resting.push(revision);
}

void Scheduler::Impl::wake_rested() {
  for (Revision* first = resting.top(); first && first->wakes <= now; first = resting.top())
    update_turn(*first);
}

}  // namespace faas::inline v0
