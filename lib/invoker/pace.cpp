#include "invoker/pace.hpp"

#include <algorithm>

namespace faas::inline v0::invoker {

// In two steps: nanoseconds of a large amount would not fit.
Duration Pace::time_of(std::uint64_t amount) const {
  using std::chrono::nanoseconds, std::chrono::seconds;
  return seconds(amount / rate_) + nanoseconds(amount % rate_ * 1'000'000'000 / rate_);
}

Duration Pace::take(std::uint64_t amount, TimePoint now) {
  if (rate_ == 0) return {};
  auto const full = now - time_of(burst_);
  paid_until_ = std::max(paid_until_, full) + time_of(amount);
  return std::max(paid_until_ - now, Duration{});
}

}  // namespace faas::inline v0::invoker
