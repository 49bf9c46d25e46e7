// How fast something that a function asks for may go: a token bucket, told the time.
#pragma once

#include <cstdint>
#include <faas/units.hpp>

namespace faas::inline v0::invoker {

class Pace {
 public:
  // `burst` at once, then `rate` a second. A rate of 0 is none: nothing ever waits.
  Pace(std::uint64_t burst, std::uint64_t rate) : burst_(burst), rate_(rate) {}

  // Takes `amount`, also beyond what is there. Returns how long to wait before taking more: zero
  // while something is left.
  Duration take(std::uint64_t amount, TimePoint now);

 private:
  Duration time_of(std::uint64_t amount) const;

  std::uint64_t burst_, rate_;
  TimePoint paid_until_{};  // what was taken would last until then at `rate_`, had it begun empty
};

}  // namespace faas::inline v0::invoker
