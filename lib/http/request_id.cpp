#include "http/request_id.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/check.hpp"
#include "base/text.hpp"

namespace faas::inline v0::http {

std::string new_request_id() {
  std::array<std::uint8_t, 16> bytes{};
  FAAS_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return to_uuid(bytes);
}

std::string new_trace_id(std::string_view request_id) {
  std::string hex;
  std::ranges::copy_if(request_id, std::back_inserter(hex), [](char c) { return c != '-'; });
  hex.resize(32, '0');
  return fmt::format("Root=1-{:08x}-{};Parent={};Sampled=0",
                     static_cast<std::uint32_t>(std::time(nullptr)), hex.substr(0, 24),
                     hex.substr(16, 16));
}

}  // namespace faas::inline v0::http
