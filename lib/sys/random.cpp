#include "sys/random.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/check.hpp"
#include "base/text.hpp"

namespace faas::inline v0::sys {

void random_bytes(std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    auto const n = ::getrandom(buffer.data(), buffer.size(), 0);
    FAAS_CHECK(n > 0 || errno == EINTR);
    if (n > 0) buffer = buffer.subspan(static_cast<std::size_t>(n));
  }
}

std::string random_uuid() {
  std::array<std::uint8_t, 16> bytes;
  random_bytes(std::as_writable_bytes(std::span(bytes)));
  return to_uuid(bytes);
}

std::string RandomUuids::next() {
  constexpr std::size_t kEach = 16;
  if (left_ == 0) {
    random_bytes(pool_);
    left_ = pool_.size();
  }
  left_ -= kEach;
  std::array<std::uint8_t, kEach> bytes;
  std::memcpy(bytes.data(), pool_.data() + left_, kEach);
  return to_uuid(bytes);
}

}  // namespace faas::inline v0::sys
