// Instances that are there before any call.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

namespace {
bool is(ProvisionedCounts const& counts, unsigned requested, unsigned allocated,
        unsigned available) {
  return counts.requested == requested && counts.allocated == allocated &&
         counts.available == available;
}
}  // namespace

TEST_CASE("what is provisioned starts before any call, and a call runs at once") {
  Host host;
  host.function();
  CHECK(host.provisions(1, 2) == "keep i1, keep i2");
  CHECK(is(host.provisioned(1), 2, 2, 0));
  CHECK(host.ready(1) == "");
  CHECK(is(host.provisioned(1), 2, 2, 1));
  CHECK(host.ready(2) == "");
  CHECK(is(host.provisioned(1), 2, 2, 2));
  CHECK(host.arrives(1) == "run c1 on i2 warm");
  CHECK(is(host.provisioned(1), 2, 2, 2));
}

TEST_CASE("calls beyond what is provisioned spill over to instances of their own") {
  Host host;
  host.function();
  host.provisions(1, 1);
  host.ready(1);
  CHECK(host.arrives(1) == "run c1 on i1 warm");
  CHECK(host.arrives(2) == "start i2");
}

TEST_CASE("a call that comes while what is provisioned starts waits for that") {
  Host host;
  host.function();
  host.provisions(1, 1);
  CHECK(host.arrives(1) == "");
  CHECK(host.ready(1) == "run c1 on i1 cold");
}

TEST_CASE("expiry leaves what is provisioned, and takes what is beyond it") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.provisions(1, 1);
  host.ready(1);
  host.arrives(1), host.arrives(2);
  host.ready(2);
  host.finished(1), host.finished(2);
  CHECK(host.stats().idle == 2);
  CHECK(host.after(10s).find("stop") == 0);
  CHECK(host.next_wake() == std::nullopt);
  CHECK(host.after(1h) == "");
  CHECK(is(host.provisioned(1), 1, 1, 1));
}

TEST_CASE("an instance beyond what is provisioned expires although its function is used") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.provisions(1, 1);
  host.ready(1);
  host.arrives(1), host.arrives(2);
  host.ready(2);
  host.finished(1), host.finished(2);
  std::string actions;
  for (unsigned call = 3; call < 30; ++call) {
    REQUIRE(host.arrives(call).find("run") == 0);
    actions += host.finished(call);
    actions += host.after(1s);
  }
  CHECK(actions.find("stop") != std::string::npos);
  CHECK(host.stats().idle == 1);
}

TEST_CASE("eviction leaves what is provisioned") {
  Host host({.max_instances = 2});
  host.function(), host.function();
  host.provisions(1, 1);
  host.ready(1);
  host.warm_up(1, 2, 2);
  CHECK(host.arrives(2, 2) == "run c2 on i2 warm");
  CHECK(host.arrives(3, 2) == "");  // i1 stays, and no other is idle
  CHECK(host.finished(2) == "run c3 on i2 warm");
}

TEST_CASE("what is provisioned evicts idle instances of others, and no running one") {
  Host host({.max_instances = 2});
  host.function(), host.function();
  host.arrives(1), host.arrives(2);
  host.ready(1), host.ready(2);
  host.finished(2);
  CHECK(host.provisions(2, 2) == "stop i2");
  CHECK(host.exited(2) == "keep i3");
  CHECK(is(host.provisioned(2), 2, 1, 0));
  CHECK(host.tick() == "");
  CHECK(host.finished(1) == "stop i1");  // now there is room
  CHECK(host.exited(1) == "keep i4");
}

TEST_CASE("one that leaves is replaced") {
  Host host;
  host.function();
  host.provisions(1, 1);
  host.ready(1);
  SUBCASE("idle, without a word") { CHECK(host.exited(1) == "keep i2"); }
  SUBCASE("after a bad end") {
    host.arrives(1);
    CHECK(host.finished_badly(1) == "keep i2");
  }
  CHECK(is(host.provisioned(1), 1, 1, 0));
}

TEST_CASE("fewer make what is too many ordinary, and 0 all of it") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.provisions(1, 3);
  for (unsigned i : {1, 2, 3}) host.ready(i);
  host.passes(1h);
  CHECK(host.provisions(1, 1) == "");
  CHECK(host.next_wake() == 10s);  // idle like any other from now on
  CHECK(host.after(10s) == "stop i1, stop i2");
  host.provisions(1, 0);
  CHECK(host.after(10s) == "stop i3");
}

TEST_CASE("more make what is ordinary kept again") {
  Host host({.idle_expiry = 10s});
  host.function();
  host.warm_up(1, 1);
  CHECK(host.provisions(1, 1) == "");
  CHECK(is(host.provisioned(1), 1, 1, 1));
  CHECK(host.after(1h) == "");
}

TEST_CASE("starts of what is provisioned that fail are spaced, and told") {
  Host host;
  host.function();
  host.provisions(1, 1);
  host.provisions(1, 0), host.ready(1);
  unsigned starts = 0, last = 1;
  auto const fail = [&](std::string actions) {
    while (actions.find("keep i") == 0) {
      ++starts;
      last = static_cast<unsigned>(std::stoul(actions.substr(6)));
      actions = host.start_failed(last);
      actions += host.exited(last);
      CHECK(host.provisioned(1).failing);
    }
  };
  fail(host.provisions(1, 2));
  for (Duration passed{}; passed < 60s; passed += 100ms) fail(host.after(100ms));
  CHECK(starts <= 10 + 60);
  CHECK(starts >= 50);  // and it is tried for ever
  CHECK(host.after(1s) == "keep i" + std::to_string(last + 1));
  CHECK(host.ready(last + 1) == "");
  CHECK(!host.provisioned(1).failing);
  CHECK(is(host.provisioned(1), 2, 2, 2));
}

TEST_CASE("nothing is provisioned for a retired revision, or by a draining scheduler") {
  Host host({.max_instances = 1});
  host.function(), host.function();
  SUBCASE("retired") {
    host.provisions(1, 2);
    host.ready(1);
    CHECK(host.retires(1) == "stop i1");
    CHECK(host.exited(1) == "");
    CHECK(host.provisions(1, 2) == "");
    CHECK(host.stats().revisions == 1);
  }
  SUBCASE("draining") {
    host.provisions(1, 2);
    host.ready(1);
    host.drains();
    CHECK(host.exited(1) == "");
    CHECK(host.provisions(2, 1) == "");
  }
}

TEST_CASE("concurrency of the revision holds for what is provisioned") {
  Host host;
  host.function({.concurrency = 1});
  CHECK(host.provisions(1, 3) == "keep i1");
  CHECK(is(host.provisioned(1), 3, 1, 0));
}

TEST_CASE("a tenant cannot have what is provisioned, and hears so when that is all there is") {
  SUBCASE("of its function") {
    Host host;
    host.function({.concurrency = 1});
    host.provisions(1, 1);
    host.ready(1);
    CHECK(host.arrives(1, 1, "blue") == "refuse c1");
    CHECK(host.error().message.find("all are provisioned") != std::string::npos);
  }
  SUBCASE("of the host") {
    Host host({.max_instances = 1});
    host.function();
    host.provisions(1, 1);
    host.ready(1);
    CHECK(host.arrives(1, 1, "blue") == "refuse c1");
    CHECK(host.error().message.find("provisioned instances keep 1 instances of this host's 1") !=
          std::string::npos);
  }
}

TEST_CASE("a function that what is provisioned leaves no room for is refused, and told so") {
  Host host({.memory = 1000_MiB});
  host.function({.tmp = 0_B}), host.function({.memory = 900_MiB, .tmp = 0_B});
  host.provisions(1, 1);
  CHECK(host.arrives(1, 2) == "refuse c1");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().message ==
        "this function needs 900 MiB (Limits::memory + Limits::tmp), but provisioned instances "
        "keep 128 MiB of this host's 1000 MiB (SchedulerOptions::memory): provision less, or "
        "raise it");
}

TEST_CASE("one that waits for what was provisioned since keeps no room from others") {
  Host host({.memory = 1000_MiB});
  host.function({.tmp = 0_B});
  host.function({.memory = 900_MiB, .tmp = 0_B});
  host.function({.memory = 400_MiB, .tmp = 0_B});
  host.arrives(1, 1);
  host.ready(1);
  CHECK(host.arrives(2, 2) == "");
  host.provisions(1, 1);
  host.passes(2s);
  CHECK(host.arrives(3, 3) == "start i2");
}

TEST_CASE("and hides no other that has waited for a second") {
  Host host({.memory = 1000_MiB});
  for (Bytes memory : {128_MiB, 910_MiB, 800_MiB, 100_MiB})
    host.function({.memory = memory, .tmp = 0_B});
  host.arrives(1, 4);
  host.ready(1);
  CHECK(host.arrives(2, 2) == "");
  CHECK(host.provisions(1, 1) == "keep i2");
  CHECK(host.arrives(3, 3) == "");
  host.passes(2s);
  CHECK(host.arrives(4, 4) == "");  // what is free is kept for the third
  CHECK(host.finished(1) == "stop i1");
  CHECK(host.exited(1) == "start i3");
  CHECK(host.ready(3) == "run c3 on i3 cold");
}

TEST_CASE("what is provisioned and finds no room keeps no others from their turn") {
  Host host({.max_instances = 3});
  host.function(), host.function(), host.function();
  host.arrives(1, 1), host.arrives(2, 2), host.arrives(3, 3);
  for (unsigned i : {1, 2, 3}) host.ready(i);
  host.provisions(3, 5);
  for (unsigned call : {12, 14}) host.arrives(call, 2);
  for (unsigned call : {11, 13}) host.arrives(call, 1);
  host.finished_badly(3);
  CHECK(host.exited(3) == "keep i4");
  CHECK(host.arrives(4, 1) == "");
}

TEST_CASE("an instance that is provisioned does not give way to one that waits") {
  Host host({.max_instances = 2});
  host.function(), host.function();
  host.provisions(1, 1);
  host.ready(1);
  host.arrives(1, 1), host.arrives(2, 1);
  host.ready(2);
  host.arrives(3, 2);
  for (unsigned call : {10, 11, 12}) host.arrives(call, 1);
  host.passes(2s);
  CHECK(host.finished(1).find("stop") == 0);  // of the two one is enough
  CHECK(host.finished(2).find("run c10") == 0);
}
