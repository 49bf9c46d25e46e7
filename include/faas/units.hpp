// Sizes and times with their unit in the type.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace faas::inline v0 {

// A count of bytes. Memory of a function is given in whole MiB on the AWS wire.
struct Bytes {
  std::uint64_t count = 0;

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }
  constexpr std::uint64_t mib() const { return count >> 20; }
};

using std::chrono::milliseconds;

// Monotonic: every deadline. System: only what a person or a client reads.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
using SystemTime = std::chrono::system_clock::time_point;

namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return {n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return {n << 30}; }
}  // namespace literals
using namespace literals;

}  // namespace faas::inline v0
