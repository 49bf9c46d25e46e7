// The rate of one caller, and how many of them are remembered.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

TEST_CASE("a caller has a burst, and then so many calls a second") {
  Host host({.caller_rate = 10, .caller_burst = 3});
  host.function();
  for (unsigned call : {1, 2, 3}) CHECK(host.calls_from("ann", call).find("start") == 0);
  CHECK(host.calls_from("ann", 4) == "refuse c4");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == "CallerRateLimitExceeded");
  CHECK(host.error().message ==
        "one caller may make 10 calls a second (SchedulerOptions::caller_rate) and 3 at once "
        "(SchedulerOptions::caller_burst): retry in 100 ms");
  CHECK(host.calls_from("bob", 5).find("start") == 0);
  CHECK(host.arrives(6).find("start") == 0);  // nobody's call
  host.passes(99ms);
  CHECK(host.calls_from("ann", 7) == "refuse c7");
  host.passes(1ms);
  CHECK(host.calls_from("ann", 8).find("start") == 0);
  CHECK(host.calls_from("ann", 9) == "refuse c9");
}

TEST_CASE("a caller that waits gets its burst back, and no more") {
  Host host({.caller_rate = 10, .caller_burst = 3});
  host.function();
  for (unsigned call : {1, 2, 3}) host.calls_from("ann", call);
  host.passes(1h);
  for (unsigned call : {4, 5, 6}) CHECK(host.calls_from("ann", call).find("start") == 0);
  CHECK(host.calls_from("ann", 7) == "refuse c7");
}

TEST_CASE("a burst of 0 is as many as the rate") {
  Host host({.caller_rate = 2});
  host.function();
  host.calls_from("ann", 1), host.calls_from("ann", 2);
  CHECK(host.calls_from("ann", 3) == "refuse c3");
}

TEST_CASE("with no rate no caller is counted") {
  Host host({.callers = 0});
  host.function();
  for (unsigned call = 1; call <= 100; ++call)
    REQUIRE(host.calls_from("ann", call).find("start") == 0);
}

TEST_CASE("a new caller that finds no place is refused, until one has its whole burst again") {
  Host host({.caller_rate = 10, .caller_burst = 2, .callers = 2});
  host.function();
  host.calls_from("ann", 1);
  host.calls_from("bob", 2), host.calls_from("bob", 3);
  CHECK(host.calls_from("cid", 4) == "refuse c4");
  CHECK(host.error().reason == "CallerRateLimitExceeded");
  CHECK(host.error().message ==
        "this host keeps the rates of 2 callers (SchedulerOptions::callers), and all of them "
        "called just now: retry later, or raise it");
  CHECK(host.calls_from("ann", 5).find("start") == 0);  // who is known goes on
  host.passes(199ms);
  CHECK(host.calls_from("cid", 6) == "refuse c6");
  host.passes(1ms);
  CHECK(host.calls_from("cid", 7).find("start") == 0);
}

TEST_CASE("a call that is refused for its function's sake has counted for its caller") {
  Host host({.caller_rate = 1});
  host.version("f");
  host.reserves("f", 0);
  host.calls_from("ann", 1);
  CHECK(host.error().reason == "ReservedFunctionConcurrentInvocationLimitExceeded");
  host.calls_from("ann", 2);
  CHECK(host.error().reason == "CallerRateLimitExceeded");
}
