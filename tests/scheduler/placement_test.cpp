// Whose turn it is when concurrency, memory or places are short: eviction, turns, giving way.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

namespace {
Limits needs(Bytes memory) { return {.memory = memory, .tmp = 0_B}; }
}  // namespace

TEST_CASE("memory of the budget is memory plus tmp") {
  Host host({.memory = 1280_MiB});  // twice 128 + 512
  host.function();
  CHECK(host.arrives(1) == "start i1");
  CHECK(host.arrives(2) == "start i2");
  CHECK(host.arrives(3) == "");
  CHECK(host.stats().memory_reserved == 1280_MiB);
}

TEST_CASE("a budget of memory 0 is none") {
  Host host({.memory = 0_B, .max_instances = 3});
  host.function({.memory = 10'240_MiB});
  CHECK(host.arrives(1) == "start i1");
}

TEST_CASE("of equals the longest idle instance of another function makes room, and only one") {
  Host host({.max_instances = 3});
  host.function();
  host.function();
  host.arrives(1), host.arrives(2), host.arrives(3);
  host.ready(1), host.ready(2), host.ready(3);
  host.finished(2), host.finished(1), host.finished(3);
  CHECK(host.arrives(4, 2) == "stop i2");
  CHECK(host.tick() == "");
  CHECK(host.exited(2) == "start i4");
}

TEST_CASE("as many are evicted as the memory needs, of equals the longest idle first") {
  Host host({.memory = 400_MiB});
  host.function(needs(100_MiB));
  host.function(needs(300_MiB));
  for (unsigned i : {1, 2, 3, 4}) host.arrives(i, 1);
  for (unsigned i : {1, 2, 3, 4}) host.ready(i);
  for (unsigned i : {4, 3, 2, 1}) host.finished(i);
  CHECK(host.arrives(5, 2) == "stop i4, stop i3, stop i2");
  CHECK(host.exited(3) == "");
  CHECK(host.exited(2) == "");
  CHECK(host.exited(4) == "start i5");
}

TEST_CASE("nothing is evicted when it would not make enough room") {
  Host host({.memory = 400_MiB});
  host.function(needs(100_MiB));
  host.function(needs(400_MiB));
  host.arrives(1, 1), host.arrives(2, 1);
  host.ready(1), host.ready(2);
  host.finished(1);
  CHECK(host.arrives(3, 2) == "");
  CHECK(host.finished(2) == "stop i1, stop i2");
}

TEST_CASE("calls behind an eviction evict in parallel, not one after the other") {
  Host host({.max_instances = 2});
  host.function();
  host.function();
  host.arrives(1), host.arrives(2);
  host.ready(1), host.ready(2);
  host.finished(1), host.finished(2);
  CHECK(host.arrives(3, 2) == "stop i1");
  CHECK(host.arrives(4, 2) == "stop i2");
  CHECK(host.exited(2) == "start i3");
  CHECK(host.exited(1) == "start i4");
}

TEST_CASE("a place that nobody wants any more when it is free is not filled") {
  Host host({.max_instances = 1});
  host.function();
  host.function();
  host.warm_up(1, 1, 1);
  CHECK(host.arrives(2, 2) == "stop i1");
  CHECK(host.cancelled(2) == "");
  CHECK(host.exited(1) == "");
  CHECK(host.stats().instances == 0);
  CHECK(host.arrives(3, 1) == "start i3");
}

TEST_CASE("a stopping instance takes budget until it has left") {
  Host host({.max_instances = 1, .idle_expiry = 1s});
  host.function();
  host.warm_up(1, 1);
  CHECK(host.after(1s) == "stop i1");
  CHECK(host.arrives(2) == "");
  CHECK(host.stats().instances == 1);
  CHECK(host.exited(1) == "start i2");
}

TEST_CASE("a function at its concurrency does not start beside its own dying instance") {
  Host host;
  host.function({.concurrency = 1});
  host.arrives(1);
  host.ready(1);
  host.finished_badly(1);
  CHECK(host.arrives(2) == "");
  CHECK(host.exited(1) == "start i2");
}

TEST_CASE("places that become free go round the functions that wait") {
  Host host({.max_instances = 2});
  for (int i = 0; i < 3; ++i) host.function();
  host.arrives(1, 1), host.arrives(2, 1);
  host.ready(1), host.ready(2);
  for (unsigned call : {21, 22, 23}) host.arrives(call, 2);
  for (unsigned call : {31, 32, 33}) host.arrives(call, 3);
  host.finished_badly(1), host.finished_badly(2);
  CHECK(host.exited(1) == "start i3");
  CHECK(host.exited(2) == "start i4");
  CHECK(host.ready(3) == "run c21 on i3 cold");
  CHECK(host.ready(4) == "run c31 on i4 cold");
  host.finished_badly(21);
  CHECK(host.exited(3) == "start i5");
  CHECK(host.ready(5) == "run c22 on i5 cold");
}

TEST_CASE("and round again, when each of them has an instance already") {
  Host host({.max_instances = 4});
  for (int i = 0; i < 3; ++i) host.function();
  host.arrives(1, 1), host.arrives(2, 1), host.arrives(21, 2), host.arrives(31, 3);
  for (unsigned instance : {1, 2, 3, 4}) host.ready(instance);
  for (unsigned call : {22, 23}) host.arrives(call, 2);
  for (unsigned call : {32, 33}) host.arrives(call, 3);
  host.finished_badly(1), host.finished_badly(2);
  host.exited(1), host.exited(2);
  CHECK(host.ready(5) == "run c22 on i5 cold");
  CHECK(host.ready(6) == "run c32 on i6 cold");
}

TEST_CASE("a small function goes ahead of a big one that cannot start yet") {
  Host host({.memory = 400_MiB});
  host.function(needs(300_MiB));
  host.function(needs(400_MiB));
  host.function(needs(100_MiB));
  host.arrives(1, 1);
  host.ready(1);
  CHECK(host.arrives(2, 2) == "");
  CHECK(host.arrives(3, 3) == "start i2");
}

TEST_CASE("but not when the big one has waited for a second") {
  Host host({.memory = 400_MiB});
  host.function(needs(300_MiB));
  host.function(needs(400_MiB));
  host.function(needs(100_MiB));
  host.arrives(1, 1);
  host.ready(1);
  host.arrives(2, 2);
  host.passes(1s);
  CHECK(host.arrives(3, 3) == "");
  CHECK(host.finished(1) == "stop i1");
  CHECK(host.exited(1) == "start i2");
  CHECK(host.ready(2) == "run c2 on i2 cold");
}

TEST_CASE(
    "a function that is never out of calls gives way to one that waits for its first instance") {
  Host host({.max_instances = 1});
  host.function();
  host.function();
  host.arrives(1, 1);
  host.ready(1);
  host.arrives(2, 2);
  for (unsigned call = 10; call < 15; ++call) host.arrives(call, 1);
  host.passes(900ms);
  CHECK(host.finished(1) == "run c10 on i1 warm");
  host.passes(100ms);
  CHECK(host.finished(10) == "stop i1");
  CHECK(host.exited(1) == "start i2");
  CHECK(host.ready(2) == "run c2 on i2 cold");
  host.passes(1s);
  CHECK(host.finished(2) == "stop i2");  // idle, and the first one waits
  CHECK(host.exited(2) == "start i3");
  CHECK(host.ready(3) == "run c11 on i3 cold");
}

TEST_CASE("a tenant's idle instance leaves when another tenant needs its place") {
  Host host;
  host.function({.concurrency = 1});
  host.warm_up(1, 1, 1, "blue");
  CHECK(host.arrives(2, 1, "red") == "stop i1");
  CHECK(host.exited(1) == "start i2");
  CHECK(host.ready(2) == "run c2 on i2 cold");
}

TEST_CASE(
    "a tenant that is never out of calls gives way to one that waits for its first instance") {
  Host host;
  host.function({.concurrency = 1});
  host.arrives(1, 1, "blue");
  host.ready(1);
  host.arrives(2, 1, "red");
  host.arrives(3, 1, "blue");
  host.passes(999ms);
  CHECK(host.finished(1) == "run c3 on i1 warm");
  host.arrives(4, 1, "blue");
  host.passes(1ms);
  CHECK(host.finished(3) == "stop i1");
  CHECK(host.exited(1) == "start i2");
  CHECK(host.ready(2) == "run c2 on i2 cold");
}

TEST_CASE("under pressure a function that has an instance gets no other, and waits for that") {
  Host host;
  host.function();
  host.arrives(1);
  host.ready(1);
  CHECK(host.pressure(true) == "");
  CHECK(host.arrives(2) == "");
  CHECK(host.after(1h) == "");
  CHECK(host.finished(1) == "run c2 on i1 warm");
  CHECK(host.arrives(3) == "");
  CHECK(host.pressure(false) == "start i2");
}

TEST_CASE("under pressure functions without an instance start, one a second") {
  Host host;
  for (int i = 0; i < 3; ++i) host.function();
  host.pressure(true);
  CHECK(host.arrives(1, 1) == "start i1");
  CHECK(host.arrives(2, 2) == "");
  CHECK(host.provisions(3, 1) == "");
  CHECK(host.next_wake() == 1s);
  CHECK(host.after(999ms) == "");
  CHECK(host.after(1ms) == "start i2");
  CHECK(host.after(1s) == "keep i3");
  CHECK(host.next_wake() == std::nullopt);
}

TEST_CASE("under pressure a tenant without an instance is not kept waiting by another's") {
  Host host;
  host.function();
  host.arrives(1, 1, "blue");
  host.ready(1);
  host.pressure(true);
  CHECK(host.arrives(2, 1, "blue") == "");
  CHECK(host.arrives(3, 1, "red") == "");
  CHECK(host.finished(1) == "run c2 on i1 warm, start i2");
}

TEST_CASE("each news of pressure gives up one idle instance, the cheapest, and none provisioned") {
  Host host({.idle_expiry = 10h});
  host.function(), host.function();
  host.provisions(1, 1);
  host.ready(1);
  host.arrives(1, 2), host.arrives(2, 2);
  host.ready(2);
  host.passes(100ms);
  host.ready(3);
  host.finished(1), host.finished(2);
  CHECK(host.pressure(true) == "stop i2");
  CHECK(host.pressure(true) == "stop i3");
  CHECK(host.pressure(true) == "");
  CHECK(host.pressure(false) == "");
}

TEST_CASE("with no queue, a call that pressure keeps from a start is told so") {
  Host host;
  Limits const impatient{.queue = 0};
  host.function(impatient), host.function(impatient);
  host.arrives(1);
  host.ready(1);
  host.pressure(true);
  CHECK(host.arrives(2) == "refuse c2");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == "ConcurrentInvocationLimitExceeded");
  CHECK(host.error().message ==
        "the host is short of memory (PSI), and until that ends none is started for a function "
        "that has an instance, and no call may wait (Limits::queue is 0)");
  CHECK(host.arrives(3, 2) == "start i2");
  host.function(impatient);
  CHECK(host.arrives(4, 3) == "refuse c4");
  CHECK(host.error().message.find("one instance a second is started") != std::string::npos);
}
