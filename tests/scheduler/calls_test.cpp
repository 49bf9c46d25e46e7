// The life of a call: queues, refusals and their words, deadlines, cancellation.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

namespace {
bool says(Error const& error, std::string_view words) {
  return error.message.find(words) != std::string::npos;
}
Limits needs(Bytes memory) { return {.memory = memory, .tmp = 0_B}; }
}  // namespace

TEST_CASE("a function at its concurrency waits in its queue, first in first out") {
  Host host;
  host.function({.concurrency = 1});
  host.arrives(1);
  host.ready(1);
  CHECK(host.arrives(2) == "");
  CHECK(host.arrives(3) == "");
  CHECK(host.finished(1) == "run c2 on i1 warm");
  CHECK(host.finished(2) == "run c3 on i1 warm");
}

TEST_CASE("a queue of 2 takes two calls and refuses the third") {
  Host host;
  host.function({.concurrency = 1, .queue = 2});
  host.arrives(1);  // an instance starts for it: not in the queue
  CHECK(host.arrives(2) == "");
  CHECK(host.arrives(3) == "");
  CHECK(host.arrives(4) == "refuse c4");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == "QueueFull");
  CHECK(host.error().layer == "queue");
  CHECK(host.error().message == "the queue of this function is full: 2 calls wait (Limits::queue)");
  CHECK(host.stats().calls_waiting == 3);
  host.ready(1);
  host.finished(1);
  CHECK(host.arrives(5) == "");
}

TEST_CASE("a queue of 0 still allows a cold start, and refuses beyond the concurrency") {
  Host host;
  host.function({.concurrency = 1, .queue = 0});
  CHECK(host.arrives(1) == "start i1");
  CHECK(host.arrives(2) == "refuse c2");
  CHECK(host.error().reason == "ReservedFunctionConcurrentInvocationLimitExceeded");
  CHECK(says(host.error(), "1 instances at once (Limits::concurrency)"));
  host.ready(1);
  host.finished(1);
  CHECK(host.arrives(3) == "run c3 on i1 warm");
}

TEST_CASE("a queue of 0 refuses when the host's places are all busy") {
  Host host({.max_instances = 1});
  host.function();
  host.function({.queue = 0});
  host.arrives(1, 1);
  CHECK(host.arrives(2, 2) == "refuse c2");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == "ConcurrentInvocationLimitExceeded");
  CHECK(says(host.error(),
             "all 1 instances of this host are busy (SchedulerOptions::max_instances)"));
}

TEST_CASE("a queue of 0 refuses when the host's memory is all reserved") {
  Host host({.memory = 1000_MiB});
  host.function();
  host.function({.queue = 0});
  host.arrives(1, 1);
  CHECK(host.arrives(2, 2) == "refuse c2");
  CHECK(host.error().reason == "ConcurrentInvocationLimitExceeded");
  CHECK(says(host.error(), "needs 640 MiB"));
  CHECK(says(host.error(), "640 MiB of this host's 1000 MiB"));
  CHECK(says(host.error(), "SchedulerOptions::memory"));
}

TEST_CASE("a queue of 0 waits for a place that an eviction, or a dying instance, is making") {
  Host host({.max_instances = 1});
  host.function({.concurrency = 1, .queue = 0});
  host.function({.concurrency = 1, .queue = 0});
  host.warm_up(1, 1, 1);
  CHECK(host.arrives(2, 2) == "stop i1");
  CHECK(host.exited(1) == "start i2");
  host.ready(2);
  host.finished_badly(2);
  CHECK(host.arrives(3, 2) == "");
  CHECK(host.arrives(4, 2) == "refuse c4");  // one place, one call
  CHECK(host.exited(2) == "start i3");
}

TEST_CASE("the queue over all functions is bounded too") {
  Host host({.max_instances = 1, .queue = 2});
  host.function();
  host.function();
  host.arrives(1, 1);
  CHECK(host.arrives(2, 1) == "");
  CHECK(host.arrives(3, 2) == "");
  CHECK(host.arrives(4, 2) == "refuse c4");
  CHECK(host.error().reason == "QueueFull");
  CHECK(
      host.error().message ==
      "the queue of this host is full: 2 calls wait over all functions (SchedulerOptions::queue)");
}

TEST_CASE("a function bigger than the whole budget is refused at once, and told so") {
  Host host({.memory = 639_MiB});
  host.function();
  CHECK(host.arrives(1) == "refuse c1");
  CHECK(host.error().code == Errc::unavailable);
  CHECK(says(host.error(), "needs 640 MiB (Limits::memory + Limits::tmp)"));
  CHECK(says(host.error(), "whole budget of 639 MiB (SchedulerOptions::memory)"));
}

TEST_CASE("a host of no instances refuses every call") {
  Host host({.max_instances = 0});
  host.function();
  CHECK(host.arrives(1) == "refuse c1");
  CHECK(says(host.error(), "0 instances (SchedulerOptions::max_instances)"));
}

TEST_CASE("what is kept for one that waits is said to who may not wait") {
  Host host({.memory = 400_MiB});
  host.function(needs(300_MiB));
  host.function(needs(400_MiB));
  Limits impatient = needs(100_MiB);
  impatient.queue = 0;
  host.function(impatient);
  host.arrives(1, 1);
  host.arrives(2, 2);
  host.passes(1s);
  CHECK(host.arrives(3, 3) == "refuse c3");
  CHECK(host.error().reason == "ConcurrentInvocationLimitExceeded");
  CHECK(says(host.error(), "kept for a function that has waited longer"));
}

TEST_CASE("a call past its deadline in the queue is refused there and not started") {
  Host host;
  host.function({.concurrency = 1});
  host.arrives(1);
  host.ready(1);
  host.arrives_for(50ms, 2);
  CHECK(host.next_wake() == 50ms);
  CHECK(host.after(50ms - 1ns) == "");
  CHECK(host.after(1ns) == "refuse c2");
  CHECK(host.error().code == Errc::deadline);
  CHECK(host.error().layer == "queue");
  CHECK(says(host.error(), "waited 50 ms in the queue"));
  CHECK(host.finished(1) == "");
}

TEST_CASE("a call past its deadline while an instance starts for it is refused in layer start") {
  Host host;
  host.function();
  host.arrives_for(50ms, 1);
  CHECK(host.after(50ms) == "refuse c1");
  CHECK(host.error().layer == "start");
  CHECK(host.ready(1) == "");
}

TEST_CASE("a late event does not start a call whose deadline has passed meanwhile") {
  Host host;
  host.function();
  host.arrives_for(50ms, 1);
  host.passes(60ms);
  CHECK(host.ready(1) == "refuse c1");
}

TEST_CASE("a call whose deadline has passed on arrival is refused although an instance is idle") {
  Host host;
  host.function();
  host.warm_up(1, 1);
  CHECK(host.arrives_for(0ms, 2) == "refuse c2");
  CHECK(host.error().code == Errc::deadline);
}

TEST_CASE("a deadline means nothing once the call runs") {
  Host host;
  host.function();
  host.arrives_for(50ms, 1);
  host.ready(1);
  CHECK(host.next_wake() == std::nullopt);
  CHECK(host.after(1h) == "");
}

TEST_CASE("the earliest deadline wakes first, whatever the order of arrival") {
  Host host;
  host.function({.concurrency = 1});
  host.arrives(1);
  for (unsigned call : {5, 3, 9, 4, 7}) host.arrives_for(call * 1ms, call);
  CHECK(host.next_wake() == 3ms);
  host.cancelled(3);
  CHECK(host.next_wake() == 4ms);
  CHECK(host.after(7ms) == "refuse c4, refuse c5, refuse c7");
}

TEST_CASE("a cancelled call is not started and leaves the queue to the next") {
  Host host;
  host.function({.concurrency = 1, .queue = 1});
  host.arrives(1);
  host.ready(1);
  host.arrives(2);
  CHECK(host.cancelled(2) == "");
  CHECK(host.arrives(3) == "");
  CHECK(host.finished(1) == "run c3 on i1 warm");
}

TEST_CASE("a call that waits moves to what replaced its revision, and stays accepted") {
  Host host({.max_instances = 1});
  host.version("f");
  host.version("f", {.queue = 0});
  host.reserves("f", 2);
  host.arrives(1), host.arrives(2);
  host.ready(1);
  host.reserves("f", 1);  // lowered since: what was accepted stays so
  CHECK(host.moved(2, 2) == "");
  CHECK(host.of_function("f").calls == 2);
  host.retires(1);
  CHECK(host.finished(1) == "stop i1");
  CHECK(host.exited(1) == "start i2");
  CHECK(host.ready(2) == "run c2 on i2 cold");
  host.finished(2);
  CHECK(host.of_function("f").calls == 0);
  CHECK(host.stats().calls_waiting == 0);
}

TEST_CASE("a call that moves takes an instance that is there, and keeps its deadline") {
  Host host({.max_instances = 2});
  host.version("f", {.concurrency = 1});
  host.version("f", {.concurrency = 1});
  host.warm_up(1, 1, 2);
  host.arrives(2);
  host.ready(2);
  host.arrives(3);
  CHECK(host.moved(3, 2) == "run c3 on i1 warm");
  host.arrives_for(5s, 4);
  CHECK(host.moved(4, 2) == "");
  CHECK(host.after(5s) == "refuse c4");
  CHECK(host.error().code == Errc::deadline);
}

TEST_CASE("a call that runs, is not known, or has nowhere to go does not move") {
  Host host;
  host.version("f");
  host.version("f");
  host.arrives(1);
  host.ready(1);
  CHECK(host.moved(1, 2) == "");
  CHECK(host.finished(1) == "");
  CHECK(host.moved(7, 2) == "");
  host.arrives(2, 2);
  CHECK(host.moved(2, 9) == "");
  CHECK(host.ready(2) == "run c2 on i2 cold");
}
