#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a function is called first, then warm, and the answer comes back as it was given") {
  Host host;
  host.deploy_python("echo", kEcho);
  auto const first = host.invoke("echo", R"({"a": "ä€"})").value();
  CHECK(first.status == Status::ok);
  CHECK(first.payload == R"({"a": "ä€"})");
  CHECK((first.start == StartLevel::first || first.start == StartLevel::cold));
  CHECK(first.timing.code.has_value());
  CHECK(first.timing.jail.has_value());
  CHECK(first.timing.exec.has_value());
  CHECK(first.timing.init.has_value());
  auto const second = host.invoke("echo", "[1,2]").value();
  CHECK(second.payload == "[1, 2]");
  CHECK(second.start == StartLevel::warm);
  CHECK_FALSE(second.timing.init.has_value());
  CHECK(second.timing.first_byte.has_value());
  CHECK(second.request_id != first.request_id);
}

TEST_CASE("a function that does not exist is an error, and nothing ran") {
  Host host;
  auto const result = host.invoke("nobody");
  REQUIRE(result.has_error());
  CHECK(result.error().code == Errc::not_found);
  CHECK(result.error().reason == "ResourceNotFoundException");
  CHECK(result.error().message.find("function:nobody") != std::string::npos);
}

TEST_CASE("a payload of 6,291,456 bytes is taken and one more is refused, naming the limit") {
  Host host;
  host.deploy_python("size", "def handler(event, context):\n    return len(event)\n",
                     {.timeout = 20s});
  std::string payload = "\"" + std::string(6'291'454, 'x') + "\"";
  CHECK(host.invoke("size", payload).value().payload == "6291454");
  payload += ' ';
  auto const refused = host.invoke("size", payload);
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::too_large);
  CHECK(refused.error().message.find("6291456") != std::string::npos);
}

TEST_CASE("calls at once run on instances of their own, up to the function's concurrency") {
  Host host;
  host.deploy_python("pid", R"(
import os, time
def handler(event, context):
    time.sleep(0.2)
    return os.stat("/proc/self/ns/pid").st_ino
)",
                     {.timeout = 10s, .concurrency = 2});
  std::vector<std::string> answers;
  for (int i = 0; i < 4; ++i) {
    host.runtime().invoke("pid", "{}", {},
                          [&](Result<Outcome> r) { answers.push_back(r.value().payload); });
  }
  host.run();
  REQUIRE(answers.size() == 4);
  std::sort(answers.begin(), answers.end());
  CHECK(std::unique(answers.begin(), answers.end()) - answers.begin() == 2);
}

TEST_CASE("a call over a full queue is refused with the limit that was met") {
  Host host;
  host.deploy_python("busy", "import time\ndef handler(event, context):\n    time.sleep(0.3)\n",
                     {.timeout = 10s, .concurrency = 1, .queue = 1});
  std::vector<Result<Outcome>> results;
  for (int i = 0; i < 3; ++i) {
    host.runtime().invoke("busy", "{}", {},
                          [&](Result<Outcome> r) { results.push_back(std::move(r)); });
  }
  host.run();
  REQUIRE(results.size() == 3);
  int refused = 0;
  for (auto const& result : results) {
    if (result) continue;
    ++refused;
    CHECK(result.error().code == Errc::throttled);
    CHECK(result.error().message.find("1") != std::string::npos);
  }
  CHECK(refused >= 1);
}

TEST_CASE("a deadline that passes in the queue is an error naming the layer; the call never runs") {
  Host host;
  host.deploy_python(
      "slow", "import time\ndef handler(event, context):\n    time.sleep(0.6)\n    return 1\n",
      {.timeout = 10s, .concurrency = 1});
  (void)host.invoke("slow");
  std::optional<Result<Outcome>> late;
  host.runtime().invoke("slow", "{}", {}, [](Result<Outcome> r) { CHECK(r.has_value()); });
  host.runtime().invoke("slow", "{}", {.deadline = 50ms},
                        [&](Result<Outcome> r) { late = std::move(r); });
  host.run();
  REQUIRE(late.has_value());
  REQUIRE(late->has_error());
  CHECK(late->error().code == Errc::deadline);
  CHECK(late->error().layer == "queue");
}

TEST_CASE("a deadline that passes while the function runs abandons the wait, not the function") {
  struct Watcher final : Observer {
    std::vector<Status> seen;
    void on_invocation(InvocationRecord const& record) override { seen.push_back(record.status); }
  } watcher;
  auto options = test_options();
  options.observer = &watcher;
  Host host(options);
  host.deploy_python(
      "slow", "import time\ndef handler(event, context):\n    time.sleep(0.4)\n    return 1\n",
      {.timeout = 10s});
  (void)host.invoke("slow");
  auto const outcome = host.invoke("slow", "{}", {.deadline = 50ms}).value();
  CHECK(outcome.status == Status::abandoned);
  CHECK(watcher.seen == std::vector<Status>{Status::ok, Status::ok});  // it ran on and was recorded
}

TEST_CASE(
    "cancelling a call that waits means it never runs; cancelling one that runs abandons it") {
  Host host;
  host.deploy_python(
      "slow", "import time\ndef handler(event, context):\n    time.sleep(0.4)\n    return 1\n",
      {.timeout = 10s, .concurrency = 1});
  (void)host.invoke("slow");
  asio::cancellation_signal stop_running, stop_waiting;
  std::optional<Result<Outcome>> running, waiting;
  host.runtime().invoke("slow", "{}", {},
                        asio::bind_cancellation_slot(stop_running.slot(), [&](Result<Outcome> r) {
                          running = std::move(r);
                        }));
  host.runtime().invoke("slow", "{}", {},
                        asio::bind_cancellation_slot(stop_waiting.slot(), [&](Result<Outcome> r) {
                          waiting = std::move(r);
                        }));
  asio::steady_timer timer(host.io(), 100ms);
  timer.async_wait([&](boost::system::error_code) {
    stop_waiting.emit(asio::cancellation_type::terminal);
    stop_running.emit(asio::cancellation_type::terminal);
  });
  host.run();
  REQUIRE(waiting.has_value());
  REQUIRE(waiting->has_error());
  CHECK(waiting->error().code == Errc::cancelled);
  REQUIRE(running.has_value());
  CHECK(running->value().status == Status::abandoned);
}

TEST_CASE("two tenants never share an instance") {
  Host host;
  host.deploy_python("state",
                     "seen = []\ndef handler(event, context):\n    "
                     "seen.append(context.tenant_id)\n    return seen\n");
  CHECK(host.invoke("state", "{}", {.tenant = "a"}).value().payload == R"(["a"])");
  CHECK(host.invoke("state", "{}", {.tenant = "b"}).value().payload == R"(["b"])");
  CHECK(host.invoke("state", "{}", {.tenant = "a"}).value().payload == R"(["a", "a"])");
}

TEST_CASE("a control character in what becomes a header line is refused by its name") {
  Host host;
  host.deploy_python("echo", kEcho);
  auto const result =
      host.invoke("echo", "{}", {.trace_id = "a\r\nLambda-Runtime-Aws-Request-Id: other"});
  REQUIRE(result.has_error());
  CHECK(result.error().code == Errc::invalid_argument);
  CHECK(result.error().message.find("trace_id") != std::string::npos);
}

TEST_CASE("futures, callbacks and coroutines all wait for a call, from any thread") {
  Host host;
  host.deploy_python("echo", kEcho);
  auto guard = asio::make_work_guard(host.io());
  host.io().restart();
  std::thread loop([&] { host.io().run(); });
  auto future = host.runtime().invoke("echo", "1", {}, asio::use_future);
  CHECK(future.get().value().payload == "1");
  std::vector<std::future<Result<Outcome>>> many;
  for (int i = 0; i < 50; ++i)
    many.push_back(host.runtime().invoke("echo", std::to_string(i), {}, asio::use_future));
  for (int i = 0; i < 50; ++i)
    CHECK(many[static_cast<std::size_t>(i)].get().value().payload == std::to_string(i));
  guard.reset();
  loop.join();
}

TEST_CASE("a runtime is strict: a degraded host is refused unless it is allowed, and told how") {
  auto status = [](Runtime& runtime) -> asio::awaitable<RuntimeStatus> {
    co_return co_await runtime.status();
  };
  bool degraded = false;
  {
    Host host;
    degraded = host.await(status(host.runtime())).degraded;
  }
  asio::io_context io;
  auto const strict = Runtime::open(io.get_executor(), Options());
  CHECK(strict.has_value() == !degraded);
  if (!strict) {
    CHECK(strict.error().code == Errc::unsupported);
    CHECK(strict.error().message.find("allow_degraded") != std::string::npos);
  }
}

TEST_CASE("every start is told with its stages; a call that waited for none pays for none") {
  struct Starts final : Observer {
    std::size_t told = 0;
    bool whole = true;
    void on_start(StartRecord const& record) override {
      ++told;
      whole = whole && record.timing.jail && record.timing.init &&
              record.level != StartLevel::warm && record.function.name == "f";
    }
  };
  constexpr std::size_t kAtOnce = 6;
  bool one_was_spare = false;
  for (int tries = 0; tries < 10 && !one_was_spare; ++tries) {
    Starts starts;
    auto options = test_options();
    options.observer = &starts;
    Host host(options);
    // Some are ready before others, and answer for them.
    host.deploy_python("f", R"(
import random, time
time.sleep(random.choice([0, 0.5]))
def handler(event, context):
    time.sleep(event)
)");
    auto all = [&](std::string const& event) {
      std::vector<Outcome> outcomes;
      for (std::size_t i = 0; i < kAtOnce; ++i)
        host.runtime().invoke("f", event, {},
                              [&](Result<Outcome> r) { outcomes.push_back(std::move(r.value())); });
      host.run();
      return outcomes;
    };
    std::size_t cold = 0;
    for (auto const& outcome : all("0")) cold += outcome.start != StartLevel::warm;
    auto const instances = host.await(host.runtime().instances());
    REQUIRE(instances.size() == kAtOnce);
    CHECK(starts.told == kAtOnce);
    CHECK(starts.whole);
    one_was_spare = cold < kAtOnce;
    std::size_t told = 0;
    for (auto const& instance : instances) told += instance.start.first_byte.has_value();
    CHECK(told == cold);
    for (auto const& outcome : all("0.3")) {
      CHECK(outcome.start == StartLevel::warm);
      CHECK_FALSE(outcome.timing.init.has_value());
    }
  }
  CHECK(one_was_spare);
}
