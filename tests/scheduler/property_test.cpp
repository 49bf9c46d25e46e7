// Random backends and callers; the promises are checked after every event (driver.hpp).
#include <doctest/doctest.h>

#include "scheduler/driver.hpp"

using namespace faas::scheduler_test;

namespace {
constexpr std::uint64_t kSeeds = 400;
constexpr int kSteps = 1000;

std::uint64_t play(std::uint64_t seed, int steps) {
  Driver driver(seed);
  for (int i = 0; i < steps; ++i) driver.step();
  return driver.digest();
}
}  // namespace

TEST_CASE("every promise holds after every event, and every accepted call ends exactly once") {
  std::size_t finished = 0, refused = 0, failed = 0, late = 0, cancelled = 0, lost = 0;
  std::size_t gated = 0;  // refused for a concurrency
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    int step = 0;
    try {
      Driver driver(seed);
      for (; step < kSteps; ++step) driver.step();
      driver.calm_down();
      driver.finish();
      gated += driver.ended_by("gated");
      finished += driver.ended_by("finished");
      refused += driver.ended_by("refused");
      failed += driver.ended_by("failed");
      late += driver.ended_by("deadline");
      cancelled += driver.ended_by("cancelled");
      lost += driver.ended_by("lost");
      std::size_t const ended = driver.ended_by("finished") + driver.ended_by("refused") +
                                driver.ended_by("failed") + driver.ended_by("deadline") +
                                driver.ended_by("cancelled") + driver.ended_by("lost");
      REQUIRE(ended == driver.arrived());
    } catch (BrokenPromise const& broken) {
      FAIL("seed " << seed << ", step " << step << ": " << std::string(broken.what()));
    }
  }
  MESSAGE("finished " << finished << ", refused " << refused << ", failed " << failed
                      << ", past deadline " << late << ", cancelled " << cancelled << ", lost "
                      << lost << ", refused for a concurrency " << gated);
  // The driver reaches every ending, or it proves little.
  for (std::size_t count : {finished, refused, failed, late, cancelled, lost, gated})
    CHECK(count > 500);
}

TEST_CASE("the same events give the same actions") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) CHECK(play(seed, 500) == play(seed, 500));
  CHECK(play(1, 500) != play(2, 500));
}
