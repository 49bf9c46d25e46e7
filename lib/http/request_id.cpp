#include "http/request_id.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/check.hpp"
#include "base/text.hpp"

namespace faas::inline v0::http {

std::string RequestIds::next() {
  if (left_ == 0) {
    FAAS_CHECK(::getrandom(pool_.data(), pool_.size(), 0) == static_cast<ssize_t>(pool_.size()));
    left_ = pool_.size();
  }
  std::array<std::uint8_t, 16> bytes;
  left_ -= bytes.size();
  std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(left_), bytes.size(), bytes.begin());
  return to_uuid(bytes);
}

std::string new_trace_id(std::string_view request_id) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<char, 32> hex;
  hex.fill('0');
  auto to = hex.begin();
  for (char const c : request_id)
    if (c != '-' && to != hex.end()) *to++ = c;
  std::string out = "Root=1-";
  out.reserve(74);
  auto const time = static_cast<std::uint32_t>(std::time(nullptr));
  for (int shift = 28; shift >= 0; shift -= 4) out += kHex[time >> shift & 15];
  out.append("-").append(hex.data(), 24).append(";Parent=").append(hex.data() + 16, 16);
  return out.append(";Sampled=0");
}

}  // namespace faas::inline v0::http
