#include "metering/billing.hpp"

#include <algorithm>
#include <chrono>

namespace faas::inline v0::metering {

Duration billed(Timing const& timing, InitPaid init_paid) {
  auto used = std::max(timing.run, Duration::zero());
  if (init_paid == InitPaid::yes)
    used += std::max(timing.init.value_or(Duration::zero()), Duration::zero());
  return std::chrono::ceil<milliseconds>(used);
}

std::uint64_t memory_time(Bytes memory, Duration billed) {
  return memory.mib() * static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(billed).count());
}

}  // namespace faas::inline v0::metering
