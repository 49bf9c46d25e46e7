// A14: a function that crashes in its init, called a hundred times a second.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sstream>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

namespace {

// Every start of revision 1 fails at once, and what the callers hear is counted.
class CrashLoop {
 public:
  explicit CrashLoop(Host& host) : host_(host) {}

  // Calls a hundred times a second, for that long.
  void calls_for(Duration time) {
    for (Duration passed{}; passed < time; passed += 10ms) {
      take(host_.arrives(++calls_));
      take(host_.after(10ms));
    }
  }
  unsigned starts = 0, failed = 0, refused = 0;

 private:
  void take(std::string const& actions) {
    std::istringstream words(actions);
    for (std::string word; words >> word;) {
      failed += word == "fail";
      refused += word == "refuse";
      if (word != "start") continue;
      ++starts;
      words >> word;
      auto const instance = static_cast<unsigned>(std::stoul(word.substr(1)));
      take(host_.start_failed(instance));
      take(host_.exited(instance));
    }
  }
  Host& host_;
  unsigned calls_ = 1000;
};

void fail_starts(Host& host, unsigned count) {
  for (unsigned i = 1; i <= count; ++i) {
    host.arrives(i);
    if (i > 5) host.after(200ms);
    REQUIRE(host.start_failed(i).starts_with("fail c" + std::to_string(i)));
    host.exited(i);
  }
}

}  // namespace

TEST_CASE("a crash loop is started ten times a second at most, and then once a second (A14)") {
  Host host;
  host.function();
  CrashLoop loop(host);
  loop.calls_for(1s);
  CHECK(loop.starts <= 10);
  CHECK(loop.starts >= 5);
  loop.calls_for(1s);
  auto const until_open = loop.starts;
  CHECK(until_open <= 11);
  loop.calls_for(10s);
  CHECK(loop.starts - until_open <= 10);
  CHECK(loop.starts - until_open >= 9);
  CHECK(loop.failed == loop.starts);  // each start is one caller's answer,
  CHECK(loop.failed + loop.refused + host.stats().calls_waiting == 1200);
  CHECK(host.stats().calls_waiting == 0);  // and everybody else has one as well
  CHECK(host.stats().instances == 0);
}

TEST_CASE("a refusal for failing starts says why and when to come again") {
  Host host;
  host.function();
  fail_starts(host, 10);
  host.after(300ms);
  CHECK(host.arrives(20) == "refuse c20");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == "StartsFailing");
  CHECK(host.error().message ==
        "the last 10 starts of this function failed, for the reason that its log gives; the next "
        "one is in 700 ms at the earliest");
}

TEST_CASE("while a crash loop is tried its calls wait for the end, and are told of it") {
  Host host;
  host.function();
  fail_starts(host, 10);
  host.after(1s);
  CHECK(host.arrives(20) == "start i11");
  CHECK(host.arrives(21) == "");
  CHECK(host.arrives(22, 1, "blue") == "");
  CHECK(host.start_failed(11) == "fail c20 with i11, refuse c21, refuse c22");
}

TEST_CASE("starts that fail together are one failure, for none began after another had failed") {
  Host host;
  host.function();
  for (unsigned i = 1; i <= 50; ++i) REQUIRE(host.arrives(i) == "start i" + std::to_string(i));
  for (unsigned i = 1; i <= 50; ++i) {
    REQUIRE(host.start_failed(i) == fmt::format("fail c{} with i{}", i, i));
    host.exited(i);
  }
  CHECK(host.arrives(51) == "");
  CHECK(host.after(200ms) == "start i51");
  // What begins now is another try.
  for (unsigned i = 51; i <= 58; ++i) {
    REQUIRE(host.start_failed(i).starts_with("fail"));
    host.exited(i);
    host.arrives(i + 1);
    host.after(200ms);
  }
  CHECK(host.start_failed(59).starts_with("fail"));
  host.exited(59);
  CHECK(host.arrives(60) == "refuse c60");
  CHECK(host.error().reason == "StartsFailing");
}

TEST_CASE("one start that gets ready ends a crash loop") {
  Host host;
  host.function();
  fail_starts(host, 10);
  host.after(1s);
  CHECK(host.arrives(20) == "start i11");
  CHECK(host.arrives(21) == "");
  CHECK(host.ready(11) == "run c20 on i11 cold, start i12");
  CHECK(host.arrives(22) == "start i13");
}

TEST_CASE("five starts may fail before the next one waits") {
  Host host;
  host.function();
  fail_starts(host, 5);
  CHECK(host.arrives(6) == "");
  CHECK(host.next_wake() == 200ms);
  CHECK(host.after(199ms) == "");
  CHECK(host.after(1ms) == "start i6");
  CHECK(host.ready(6) == "run c6 on i6 cold");
}

TEST_CASE("instances that stand go on taking the calls of a function whose starts fail") {
  Host host;
  host.function();
  host.warm_up(100, 1);
  host.arrives(101);  // on i1
  for (unsigned i = 2; i <= 11; ++i) {
    host.arrives(100 + i);
    host.after(200ms);
    REQUIRE(host.start_failed(i).starts_with("fail"));
    host.exited(i);
  }
  CHECK(host.arrives(120) == "");
  CHECK(host.finished(101) == "run c120 on i1 warm");
}

TEST_CASE("a function whose starts fail keeps no other from starting") {
  Host host({.max_instances = 1});
  host.function();
  host.function();
  fail_starts(host, 5);
  CHECK(host.arrives(6) == "");
  CHECK(host.arrives(7, 2) == "start i6");
}

TEST_CASE("with no queue, a call that a failing function cannot start for is told so") {
  Host host;
  host.function({.queue = 0});
  fail_starts(host, 5);
  CHECK(host.arrives(6) == "refuse c6");
  CHECK(host.error().reason == "StartsFailing");
}

TEST_CASE("new instances of a function are so many at once, and then so many a second") {
  Host host({.scaling_burst = 3, .scaling_rate = 10});
  host.version("f"), host.version("f"), host.version("g");
  for (unsigned call : {1, 2}) CHECK(host.arrives(call, 1).find("start") == 0);
  CHECK(host.arrives(3, 2).find("start") == 0);  // a function is all its revisions
  CHECK(host.arrives(4, 1) == "");
  CHECK(host.arrives(5, 2) == "");
  CHECK(host.arrives(6, 3) == "start i4");
  CHECK(host.next_wake() == 100ms);
  CHECK(host.after(100ms - 1ns) == "");
  CHECK(host.after(1ns) == "start i5");
  CHECK(host.next_wake() == 100ms);
  CHECK(host.after(100ms) == "start i6");
  CHECK(host.after(1s) == "");
  for (unsigned call : {7, 8, 9}) CHECK(host.arrives(call, 1).find("start") == 0);
  CHECK(host.arrives(10, 1) == "");
}

TEST_CASE("with no queue, a call whose function scales too fast is told so") {
  Host host({.scaling_burst = 1, .scaling_rate = 10});
  host.function({.queue = 0});
  host.arrives(1);
  CHECK(host.arrives(2) == "refuse c2");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == "FunctionInvocationRateLimitExceeded");
  CHECK(
      host.error().message ==
      "one function may start 1 instances at once (SchedulerOptions::scaling_burst) and then 10 a "
      "second (SchedulerOptions::scaling_rate); the next one starts in 100 ms, and no call may "
      "wait (Limits::queue is 0)");
}

TEST_CASE("what is provisioned counts for the scaling of its function") {
  Host host({.scaling_burst = 2, .scaling_rate = 10});
  host.function();
  CHECK(host.provisions(1, 4) == "keep i1, keep i2");
  CHECK(host.after(100ms) == "keep i3");
  CHECK(host.after(100ms) == "keep i4");
  CHECK(host.next_wake() == std::nullopt);
}

TEST_CASE("a scaling rate of 0 is no limit") {
  Host host({.scaling_burst = 1, .scaling_rate = 0});
  host.function();
  for (unsigned call = 1; call <= 50; ++call) REQUIRE(host.arrives(call).find("start") == 0);
}
