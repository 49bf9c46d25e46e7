// A token bucket kept as one time (the generic cell rate algorithm): the moment from which it will
// be full again. So a full bucket and one that was never used are the same, and can be forgotten.
#pragma once

#include <algorithm>
#include <faas/units.hpp>

namespace faas::inline v0::scheduler {

class Rate {
 public:
  // So many at once, then so many a second. 0 a second: no limit.
  Rate(unsigned burst, unsigned per_second) {
    if (per_second == 0) return;
    interval_ = Duration(std::chrono::seconds(1)) / per_second;
    ahead_ = interval_ * (std::max(1u, burst) - 1);
  }

  bool limited() const { return interval_ > Duration{}; }

  // The next token is there then, or earlier.
  TimePoint next(TimePoint full_at) const { return full_at == kFull ? kFull : full_at - ahead_; }

  void take(TimePoint& full_at, TimePoint now) const {
    if (limited()) full_at = std::max(full_at, now) + interval_;
  }

  static constexpr TimePoint kFull = TimePoint::min();

 private:
  Duration interval_{}, ahead_{};
};

}  // namespace faas::inline v0::scheduler
