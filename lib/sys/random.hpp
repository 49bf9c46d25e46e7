// The kernel's random numbers.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace faas::inline v0::sys {

// Never fails on a kernel we support; blocks only before the pool is ready at boot.
void random_bytes(std::span<std::byte>);
// A new version 4 UUID in text.
std::string random_uuid();

// Such UUIDs, with one system call for many. Not thread-safe; not for secrets: what a fork copies
// is handed out twice.
class RandomUuids {
 public:
  std::string next();

 private:
  std::array<std::byte, 16 * 64> pool_;
  std::size_t left_ = 0;
};

}  // namespace faas::inline v0::sys
