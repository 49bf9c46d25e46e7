#include "invoker/pace.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::invoker;
using namespace std::chrono_literals;

namespace {

TimePoint const kStart{1000s};

}  // namespace

TEST_CASE("a burst goes at once, and what is beyond it at the rate") {
  Pace pace(100, 10);
  CHECK(pace.take(99, kStart) == 0s);
  CHECK(pace.take(1, kStart) == 0s);
  CHECK(pace.take(1, kStart) == 100ms);
  CHECK(pace.take(1, kStart + 100ms) == 100ms);
  CHECK(pace.take(10, kStart + 200ms) == 1s);
}

TEST_CASE("who waits longer than the burst needs has the burst again, and no more") {
  Pace pace(100, 10);
  CHECK(pace.take(150, kStart) == 5s);
  CHECK(pace.take(50, kStart + 10s) == 0s);
  CHECK(pace.take(1, kStart + 10s) == 100ms);
  CHECK(pace.take(100, kStart + 1h) == 0s);
  CHECK(pace.take(1, kStart + 1h) == 100ms);
}

TEST_CASE("large amounts and rates do not wrap around") {
  constexpr std::uint64_t kMany = std::uint64_t{1} << 33;  // of nanoseconds each: beyond 64 bits
  CHECK(Pace(0, 2 << 20).take(kMany, kStart) == 4096s);
  CHECK(Pace(kMany, kMany).take(kMany, kStart) == 0s);
}

TEST_CASE("a rate of none never waits") { CHECK(Pace(0, 0).take(~std::uint64_t{0}, kStart) == 0s); }
