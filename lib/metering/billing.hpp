// What a call costs. Pure.
#pragma once

#include <faas/outcome.hpp>

namespace faas::inline v0::metering {

enum class InitPaid { no, yes };

// run, and init when this call paid for it, rounded up to 1 ms.
Duration billed(Timing const&, InitPaid);

// Memory times billed time, in MiB milliseconds (Lambda's GB-seconds are this over 1,024,000).
std::uint64_t memory_time(Bytes memory, Duration billed);

}  // namespace faas::inline v0::metering
