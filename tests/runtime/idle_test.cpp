// An idle runtime holds no outstanding work, and a handle that goes leaves nothing behind.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <future>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("between calls io.run() returns although a warm instance lives") {
  Host host;
  host.deploy_python("echo", kEcho);
  (void)host.invoke("echo");  // returns only because run() does
  CHECK(host.await(host.runtime().instances()).size() == 1);
  CHECK(host.invoke("echo", "2").value().start == StartLevel::warm);
}

TEST_CASE("an instance that died between calls is not given the next one") {
  Host host;
  host.deploy_python("dies", R"(
import os, threading
def handler(event, context):
    if event: threading.Timer(0.05, lambda: os._exit(1)).start()
    return "answered"
)");
  int spared = 0;
  for (int i = 0; i < 5; ++i) {
    CHECK(host.invoke("dies", "1").value().payload == R"("answered")");
    ::usleep(200'000);
    auto const next = host.invoke("dies", "0").value();
    // It may be told only while the call is under way; then the call ends as what it met.
    CHECK((next.ok() || next.error_type == "Runtime.ExitError"));
    spared += next.ok() && next.start == StartLevel::cold;
    CHECK(host.invoke("dies", "0").value().ok());
  }
  CHECK(spared > 0);
}

TEST_CASE("a call that waits for its turn behind failed starts gets it, though nothing runs") {
  Host host;
  host.deploy_python("broken", "raise SystemExit(1)\n");
  // Five starts at once, then one in 200 ms: in between there is neither an instance nor a start.
  for (int i = 0; i < 8; ++i)
    CHECK(host.invoke("broken").value().error_type == "Runtime.ExitError");
}

TEST_CASE("a handle that goes ends queued calls with an error and running ones as lost") {
  Host host;
  host.deploy_python("slow", "import time\ndef handler(event, context):\n    time.sleep(20)\n",
                     {.timeout = 60s, .concurrency = 1});
  std::optional<Result<Outcome>> running, waiting;
  host.runtime().invoke("slow", "{}", {}, [&](Result<Outcome> r) { running = std::move(r); });
  host.runtime().invoke("slow", "{}", {}, [&](Result<Outcome> r) { waiting = std::move(r); });
  asio::steady_timer timer(host.io(), 500ms);
  timer.async_wait([&](boost::system::error_code) { host.drop_runtime(); });
  host.run();
  REQUIRE(running.has_value());
  CHECK(running->value().status == Status::lost);
  CHECK(running->value().error_type == "Sandbox.Failure");
  REQUIRE(waiting.has_value());
  REQUIRE(waiting->has_error());
  CHECK(waiting->error().code == Errc::unavailable);
}

TEST_CASE("drain refuses new calls and waits for running ones") {
  Host host;
  host.deploy_python(
      "slow", "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return 1\n");
  (void)host.invoke("slow");
  bool answered = false;
  host.runtime().invoke("slow", "{}", {}, [&](Result<Outcome> r) { answered = r.value().ok(); });
  CHECK(host.await(host.runtime().drain(10s)));
  CHECK(answered);
  CHECK(host.invoke("slow").error().code == Errc::unavailable);
}

TEST_CASE("drain gives up after its patience, and close ends what still runs as lost") {
  Host host;
  host.deploy_python("slow", "import time\ndef handler(event, context):\n    time.sleep(20)\n",
                     {.timeout = 60s});
  std::optional<Outcome> outcome;
  host.runtime().invoke("slow", "{}", {}, [&](Result<Outcome> r) {
    if (r) outcome = r.value();
  });
  CHECK_FALSE(host.await([](Host& h) -> asio::awaitable<bool> {
    bool const done = co_await h.runtime().drain(1s);
    co_await h.runtime().close(10ms);
    co_return done;
  }(host)));
  REQUIRE(outcome.has_value());
  CHECK(outcome->status == Status::lost);
}

TEST_CASE("of two who drain, each has its own patience") {
  Host host;
  host.deploy_python(
      "slow", "import time\ndef handler(event, context):\n    time.sleep(1)\n    return 1\n");
  host.runtime().invoke("slow", "{}", {}, [](Result<Outcome>) {});
  std::optional<bool> hasty, patient;
  auto const drain = [&](Duration patience, std::optional<bool>& done) {
    asio::co_spawn(host.io(), host.runtime().drain(patience),
                   [&done](std::exception_ptr, bool all) { done = all; });
  };
  drain(200ms, hasty);
  drain(30s, patient);
  host.run();
  CHECK(hasty == false);
  CHECK(patient == true);
}

TEST_CASE("close may be asked for twice, also at once") {
  Host host;
  host.deploy_python("echo", kEcho);
  (void)host.invoke("echo");
  int closed = 0;
  for (int i = 0; i < 2; ++i) {
    asio::co_spawn(host.io(), host.runtime().close(), [&](std::exception_ptr) { ++closed; });
  }
  host.run();
  host.await(host.runtime().close());
  CHECK(closed == 2);
}

TEST_CASE("close starts nothing any more: what waits is refused") {
  Host host;
  host.deploy_python("slow", "import time\ndef handler(event, context):\n    time.sleep(20)\n",
                     {.timeout = 60s, .concurrency = 1});
  std::optional<Result<Outcome>> running, waiting;
  host.runtime().invoke("slow", "{}", {}, [&](Result<Outcome> r) { running = std::move(r); });
  host.runtime().invoke("slow", "{}", {}, [&](Result<Outcome> r) { waiting = std::move(r); });
  asio::steady_timer timer(host.io(), 500ms);
  timer.async_wait([&](boost::system::error_code) {
    asio::co_spawn(host.io(), host.runtime().close(10ms), [](std::exception_ptr) {});
  });
  host.io().restart();
  host.io().run_for(10s);
  CHECK(host.io().stopped());
  REQUIRE((running && waiting));
  CHECK(running->value().status == Status::lost);
  REQUIRE(waiting->has_error());
  CHECK(waiting->error().code == Errc::unavailable);
}

TEST_CASE("a start that waits for its code when close comes is no start") {
  std::promise<void> held;
  asio::thread_pool blocking(1);
  auto options = test_options();
  options.blocking = blocking.get_executor();
  Host host(options);
  host.deploy_python("echo", kEcho);
  asio::post(blocking, [&] { held.get_future().wait(); });
  std::optional<Result<Outcome>> waiting;
  host.runtime().invoke("echo", "{}", {}, [&](Result<Outcome> r) { waiting = std::move(r); });
  asio::co_spawn(host.io(), host.runtime().close(), [](std::exception_ptr) {});
  host.io().restart();
  host.io().run_for(100ms);
  held.set_value();
  host.io().run_for(10s);
  CHECK(host.io().stopped());
  REQUIRE(waiting);
  REQUIRE(waiting->has_error());
  CHECK(waiting->error().code == Errc::unavailable);
}
