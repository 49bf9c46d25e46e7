// The kernel's random numbers.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace faas::inline v0::sys {

// Never fails on a kernel we support; blocks only before the pool is ready at boot.
void random_bytes(std::span<std::byte>);
// A new version 4 UUID in text.
std::string random_uuid();

}  // namespace faas::inline v0::sys
