// What follows a failed attempt, and the words for it. Pure.
#include <algorithm>
#include <faas/event_queue.hpp>

namespace faas::inline v0 {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstWait{60};
constexpr seconds kSecondWait{120};
constexpr unsigned kMostDoublings = 9;  // 1 s, 2 s, … 256 s, then 300 s
constexpr seconds kMostBackoff{300};

// Full jitter, as of the same lease many are refused at once.
milliseconds backoff(unsigned refusals, double random) {
  auto const most = refusals >= kMostDoublings ? kMostBackoff : seconds{1u << refusals};
  auto const part = std::clamp(random, 0.0, 1.0) * 1000.0 * static_cast<double>(most.count());
  return milliseconds{static_cast<std::int64_t>(part)};
}

Settlement dead(Settlement settlement, Condition condition) {
  settlement.what = Settlement::What::dead;
  settlement.condition = condition;
  return settlement;
}

}  // namespace

Settlement after_failure(Lease const& lease, Failure failure, RetryPolicy const& policy,
                         SystemTime now, double random) {
  bool const ran = failure == Failure::function_error;
  Settlement next;
  next.id = lease.id;
  next.attempts = lease.attempts + (ran ? 1 : 0);
  next.throttles = ran ? 0 : lease.throttles + 1;
  if (ran && next.attempts > policy.retries) return dead(next, Condition::retries_exhausted);
  auto const wait = !ran                 ? backoff(lease.throttles, random)
                    : next.attempts == 1 ? milliseconds(kFirstWait)
                                         : milliseconds(kSecondWait);
  next.due = now + wait;
  if (next.due >= lease.accepted + policy.max_age) return dead(next, Condition::event_age);
  next.what = Settlement::What::retry;
  return next;
}

std::string_view to_string(Condition condition) {
  switch (condition) {
    case Condition::retries_exhausted: return "RetriesExhausted";
    case Condition::event_age: return "EventAgeExceeded";
    case Condition::zero_concurrency: return "ZeroReservedConcurrency";
    case Condition::poisoned: return "Poisoned";
    case Condition::gone: return "FunctionNotFound";
  }
  return "RetriesExhausted";
}

std::string_view to_string(EventState state) {
  switch (state) {
    case EventState::waiting: return "waiting";
    case EventState::leased: return "leased";
    case EventState::done: return "done";
    case EventState::dead: return "dead";
    case EventState::damaged: return "damaged";
  }
  return "damaged";
}

}  // namespace faas::inline v0
