// Random identifiers of requests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace faas::inline v0::http {

// Version 4 UUIDs, with one system call for many. Not thread-safe; no secrets.
class RequestIds {
 public:
  std::string next();

 private:
  std::array<std::uint8_t, 16 * 16> pool_;
  std::size_t left_ = 0;
};

// "Root=1-<time>-<24 hex>;Parent=<16 hex>;Sampled=0", the hexadecimal taken from the request's id.
std::string new_trace_id(std::string_view request_id);

}  // namespace faas::inline v0::http
