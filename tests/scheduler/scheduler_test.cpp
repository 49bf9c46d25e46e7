// Each event by itself: what it does, and that late, repeated and unknown ones do nothing.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

TEST_CASE("the first call of a function starts an instance and runs when it is ready") {
  Host host;
  host.function();
  CHECK(host.arrives(1) == "start i1");
  host.passes(3ms);
  CHECK(host.ready(1) == "run c1 on i1 cold");
  CHECK(host.waited() == 3ms);
}

TEST_CASE("a call that finds its function's only instance busy starts another") {
  Host host;
  host.function();
  host.arrives(1);
  host.ready(1);
  CHECK(host.arrives(2) == "start i2");
}

TEST_CASE("each waiting call gets one start of its own, not two") {
  Host host;
  host.function();
  CHECK(host.arrives(1) == "start i1");
  CHECK(host.arrives(2) == "start i2");
  CHECK(host.tick() == "");
}

TEST_CASE("a draining scheduler refuses new calls and goes on with accepted ones") {
  Host host;
  host.function({.concurrency = 1});
  host.arrives(1);
  host.arrives(2);
  CHECK(host.drains() == "");
  CHECK(host.arrives(3) == "refuse c3");
  CHECK(host.error().code == Errc::unavailable);
  CHECK(host.ready(1) == "run c1 on i1 cold");
  CHECK(host.finished(1) == "run c2 on i1 warm");
}

TEST_CASE("late, repeated and unknown events change nothing") {
  Host host;
  host.function();
  host.arrives(1);
  host.ready(1);
  CHECK(host.ready(1) == "");
  CHECK(host.start_failed(1) == "");
  CHECK(host.cancelled(1) == "");  // it runs
  CHECK(host.finished(9) == "");
  CHECK(host.ready(9) == "");
  CHECK(host.exited(9) == "");
  CHECK(host.retires(9) == "");
  CHECK(host.arrives(1) == "");  // the id is in use
  host.finished(1);
  CHECK(host.finished(1) == "");
  CHECK(host.stats().idle == 1);
  CHECK(host.stats().calls_running == 0);
}

TEST_CASE("a revision added twice keeps its first limits, and is one") {
  Host host;
  host.function({.concurrency = 1});
  host.on(event::RevisionAdded{RevisionId{1}, {.concurrency = 5}});
  host.arrives(1);
  CHECK(host.arrives(2) == "");
  host.cancelled(2);
  host.ready(1);
  host.finished(1);
  host.retires(1);
  host.exited(1);
  CHECK(host.arrives(3) == "refuse c3");
}

TEST_CASE("tenants never share an instance") {
  Host host;
  host.function();
  host.warm_up(1, 1, 1, "blue");
  CHECK(host.arrives(2, 1, "red") == "start i2");
  CHECK(host.arrives(3, 1) == "start i3");
  CHECK(host.arrives(4, 1, "blue") == "run c4 on i1 warm");
}

TEST_CASE("an instance that starts for one tenant does not serve another") {
  Host host({.max_instances = 1});
  host.function();
  host.arrives(1, 1, "blue");
  host.arrives(2, 1, "red");
  host.cancelled(1);
  CHECK(host.ready(1) == "stop i1");  // idle, and in the way of red's call
  CHECK(host.exited(1) == "start i2");
  CHECK(host.ready(2) == "run c2 on i2 cold");
}

TEST_CASE("instances are told with their revision and phase") {
  using Phase = InstanceState::Phase;
  Host host;
  host.function();
  host.warm_up(1, 1);
  host.arrives(2);
  host.arrives(3);
  host.finished_badly(2);
  auto all = host.instances();
  REQUIRE(all.size() == 2);
  CHECK(all[0].phase == Phase::stopping);
  CHECK(all[0].revision == RevisionId{1});
  CHECK(all[1].phase == Phase::starting);
  host.ready(2);
  CHECK(host.instances()[1].phase == Phase::busy);
  host.finished(3);
  CHECK(host.instances()[1].phase == Phase::idle);
}
