// The life of an instance: reuse, capacity, failed starts, expiry, retirement.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

TEST_CASE("a call that finds an idle instance runs at once, warm") {
  Host host;
  host.function();
  host.warm_up(1, 1);
  CHECK(host.arrives(2) == "run c2 on i1 warm");
  CHECK(host.waited() == 0ms);
}

TEST_CASE("the most recently used idle instance is taken first") {
  Host host;
  host.function();
  host.arrives(1), host.arrives(2), host.arrives(3);
  host.ready(1), host.ready(2), host.ready(3);
  host.finished(1), host.finished(3), host.finished(2);
  CHECK(host.arrives(4) == "run c4 on i2 warm");
  CHECK(host.arrives(5) == "run c5 on i3 warm");
  CHECK(host.arrives(6) == "run c6 on i1 warm");
}

TEST_CASE("a call takes the instance that finishes before its own start is ready") {
  Host host;
  host.function();
  host.arrives(1);
  host.ready(1);
  CHECK(host.arrives(2) == "start i2");
  CHECK(host.finished(1) == "run c2 on i1 warm");
  CHECK(host.ready(2) == "");  // nobody waits: idle
  CHECK(host.stats().idle == 1);
  CHECK(host.arrives(3) == "run c3 on i2 warm");
}

TEST_CASE("a start left over by a warm answer serves the next call instead of another start") {
  Host host;
  host.function();
  host.arrives(1);
  host.ready(1);
  host.arrives(2);
  host.finished(1);
  CHECK(host.arrives(3) == "");  // i2 is starting and nobody waits for it any more
  CHECK(host.ready(2) == "run c3 on i2 cold");
}

TEST_CASE("an instance that is not reusable is not used again and takes budget until it has left") {
  Host host;
  host.function();
  host.arrives(1);
  host.ready(1);
  CHECK(host.finished_badly(1) == "");
  CHECK(host.stats().instances == 1);
  CHECK(host.arrives(2) == "start i2");
  CHECK(host.exited(1) == "");
  CHECK(host.stats().instances == 1);
}

TEST_CASE("an instance idle for the expiry is stopped, not one moment before") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.warm_up(1, 1);
  CHECK(host.next_wake() == 10s);
  CHECK(host.after(10s - 1ns) == "");
  CHECK(host.after(1ns) == "stop i1");
  CHECK(host.next_wake() == std::nullopt);
  CHECK(host.arrives(2) == "start i2");
}

TEST_CASE("a call that comes before a late tick still uses what is idle") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.warm_up(1, 1);
  host.passes(1h);
  CHECK(host.arrives(2) == "run c2 on i1 warm");
}

TEST_CASE("use puts off expiry") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.warm_up(1, 1);
  host.passes(9s);
  host.arrives(2);
  host.finished(2);
  CHECK(host.next_wake() == 10s);
}

TEST_CASE("a busy instance never expires") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.arrives(1);
  host.ready(1);
  CHECK(host.next_wake() == std::nullopt);
  CHECK(host.after(1h) == "");
}

TEST_CASE("retirement stops idle instances now and busy ones when they finish") {
  Host host;
  host.function();
  host.arrives(1), host.arrives(2);
  host.ready(1), host.ready(2);
  host.finished(2);
  CHECK(host.retires(1) == "stop i2");
  CHECK(host.finished(1) == "stop i1");
}

TEST_CASE("calls that wait when their revision is retired still run") {
  Host host;
  host.function({.concurrency = 1});
  host.arrives(1);
  host.ready(1);
  host.arrives(2);
  CHECK(host.retires(1) == "");
  CHECK(host.finished(1) == "run c2 on i1 warm");
  CHECK(host.finished(2) == "stop i1");
}

TEST_CASE("an instance that becomes ready after retirement runs who waits, or is stopped") {
  Host host;
  host.function();
  host.arrives(1), host.arrives(2);
  host.retires(1);
  host.cancelled(2);
  CHECK(host.ready(2) == "run c1 on i2 cold");
  CHECK(host.ready(1) == "stop i1");
}

TEST_CASE("a call for a retired or unknown revision is refused as not found") {
  Host host;
  host.function();
  host.retires(1);
  CHECK(host.arrives(1) == "refuse c1");
  CHECK(host.error().code == Errc::not_found);
  CHECK(host.arrives(2, 77) == "refuse c2");
  CHECK(host.error().message.find("77") != std::string::npos);
}

TEST_CASE("a failed start ends exactly one call, the oldest; the others keep their starts") {
  Host host;
  host.function();
  host.arrives(1), host.arrives(2), host.arrives(3);
  CHECK(host.start_failed(2) == "fail c1 with i2");
  CHECK(host.exited(2) == "");
  CHECK(host.ready(1) == "run c2 on i1 cold");
  CHECK(host.ready(3) == "run c3 on i3 cold");
}

TEST_CASE("a failed start that nobody waits for ends nobody") {
  Host host;
  host.function();
  host.arrives(1);
  host.cancelled(1);
  CHECK(host.start_failed(1) == "");
  CHECK(host.exited(1) == "");
  CHECK(host.stats().instances == 0);
}

TEST_CASE("an instance that leaves without a word while starting counts as a failed start") {
  Host host;
  host.function();
  host.arrives(1);
  CHECK(host.exited(1) == "fail c1 with i1");
  CHECK(host.stats().instances == 0);
  CHECK(host.stats().starting == 0);
}

TEST_CASE("an instance that leaves while idle is not used again") {
  Host host;
  host.function();
  host.warm_up(1, 1);
  host.exited(1);
  CHECK(host.stats().idle == 0);
  CHECK(host.next_wake() == std::nullopt);
  CHECK(host.arrives(2) == "start i2");
}

TEST_CASE(
    "an instance that leaves while busy frees its place; the late end of its call is ignored") {
  Host host({.max_instances = 1});
  host.function();
  host.arrives(1);
  host.ready(1);
  host.arrives(2);
  CHECK(host.exited(1) == "start i2");
  CHECK(host.stats().calls_running == 0);
  CHECK(host.finished(1) == "");
}

TEST_CASE("an instance of capacity 3 takes three calls at once and no fourth") {
  Host host;
  host.function({.concurrency = 1}, 3);
  CHECK(host.arrives(1) == "start i1");
  CHECK(host.arrives(2) == "");
  CHECK(host.arrives(3) == "");
  CHECK(host.arrives(4) == "");
  CHECK(host.ready(1) == "run c1 on i1 cold, run c2 on i1 cold, run c3 on i1 cold");
  CHECK(host.finished(2) == "run c4 on i1 warm");
  CHECK(host.arrives(5) == "");
  host.finished(1), host.finished(3);
  CHECK(host.arrives(6) == "run c6 on i1 warm");
}

TEST_CASE("starts are made for calls beyond the capacity of those that start already") {
  Host host;
  host.function({}, 2);
  CHECK(host.arrives(1) == "start i1");
  CHECK(host.arrives(2) == "");
  CHECK(host.arrives(3) == "start i2");
}

TEST_CASE("a failed start of capacity 3 fails one call and starts again for the others") {
  Host host({.max_instances = 1});
  host.function({}, 3);
  host.arrives(1), host.arrives(2), host.arrives(3);
  CHECK(host.start_failed(1) == "fail c1 with i1");
  CHECK(host.exited(1) == "start i2");
  CHECK(host.ready(2) == "run c2 on i2 cold, run c3 on i2 cold");
}

TEST_CASE("an instance of capacity 2 is idle only when both calls have ended") {
  Host host({.idle_expiry = 1s});
  host.function({}, 2);
  host.arrives(1), host.arrives(2);
  host.ready(1);
  host.finished(1);
  CHECK(host.after(1h) == "");
  host.finished(2);
  CHECK(host.after(1s) == "stop i1");
}

TEST_CASE(
    "one bad end makes an instance of capacity 2 take no more, and its other call still ends") {
  Host host;
  host.function({}, 2);
  host.arrives(1), host.arrives(2);
  host.ready(1);
  host.finished_badly(1);
  CHECK(host.arrives(3) == "start i2");
  CHECK(host.stats().calls_running == 1);
  CHECK(host.finished(2) == "");
  CHECK(host.stats().calls_running == 0);
}

TEST_CASE("a failed start ends a call of its own tenant only") {
  Host host;
  host.function();
  host.arrives(1, 1, "blue");
  host.arrives(2, 1, "red");
  CHECK(host.start_failed(2) == "fail c2 with i2");
}

TEST_CASE("a start that was to follow a stop is forgotten with its call") {
  SUBCASE("the host has one place") {
    Host host({.max_instances = 1});
    host.function(), host.function();
    host.warm_up(1, 1, 1);
    CHECK(host.arrives(2, 2) == "stop i1");
    host.cancelled(2);
    CHECK(host.exited(1) == "");
  }
  SUBCASE("the function has one place, and another tenant had it") {
    Host host;
    host.function({.concurrency = 1});
    host.warm_up(1, 1, 1, "a");
    CHECK(host.arrives(2, 1, "b") == "stop i1");
    host.cancelled(2);
    CHECK(host.exited(1) == "");
  }
}
