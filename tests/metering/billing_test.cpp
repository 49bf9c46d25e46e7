#include "metering/billing.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::metering;
using namespace std::chrono_literals;

TEST_CASE("the run is billed by the millisecond begun") {
  struct {
    Duration run, billed;
  } const cases[] = {{0ns, 0ms},    {1ns, 1ms},        {1ms, 1ms}, {1ms + 1ns, 2ms},
                     {3010us, 4ms}, {900s, 900'000ms}, {-5ms, 0ms}};
  for (auto const& c : cases) CHECK(billed({.run = c.run}, InitPaid::no) == c.billed);
}

TEST_CASE("init is billed to the call that paid for it, before rounding") {
  Timing const cold{.queued = 50ms, .code = 70ms, .jail = 90ms, .init = 1500us, .run = 700us};
  CHECK(billed(cold, InitPaid::yes) == 3ms);
  CHECK(billed(cold, InitPaid::no) == 1ms);
  CHECK(billed({.run = 1ms}, InitPaid::yes) == 1ms);  // a warm call has none
}

TEST_CASE("memory time is memory by billed time") {
  CHECK(memory_time(128_MiB, 4ms) == 512);
  CHECK(memory_time(10'240_MiB, 900s) == 10'240ull * 900'000);
  CHECK(memory_time(1_GiB, 1000ms) == 1'024'000);  // one GB-second
}
