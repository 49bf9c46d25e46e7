// The invoker alone: a host that schedules for itself.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <faas/invoker.hpp>
#include <optional>

#include "support/interpreters.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;

namespace {

struct Alone {
  asio::io_context io;
  Invoker invoker = Invoker::open(io.get_executor(), options()).value();
  static InvokerOptions options() {
    InvokerOptions o;
    o.sandbox.allow_degraded = true;
    return o;
  }
  template <class T>
  T await(asio::awaitable<T> work) {
    std::optional<T> value;
    asio::co_spawn(io, std::move(work), [&](std::exception_ptr e, T v) {
      if (e) std::rethrow_exception(e);
      value.emplace(std::move(v));
    });
    io.restart();
    io.run();
    return std::move(value.value());
  }
};

Function python(std::string handler) {
  Function function;
  function.name = "f";
  function.runtime = python_runtime();
  function.handler = std::move(handler);
  return function;
}

asio::awaitable<bool> stop(Invoker& invoker, InstanceId id) {
  co_await invoker.stop(id);
  co_return true;
}

}  // namespace

TEST_CASE("an instance is started from a directory, called twice, and stopped") {
  Alone host;
  TempDir directory;
  directory.write(
      "app.py",
      "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return [event, n]\n");
  auto const id = host.await(host.invoker.start(python("app.handler"), directory.path())).value();
  auto const first = host.await(host.invoker.call(id, "1")).value();
  CHECK(first.payload == "[1, 1]");
  CHECK(first.start == StartLevel::cold);
  auto const second = host.await(host.invoker.call(id, "2")).value();
  CHECK(second.payload == "[2, 2]");
  CHECK(second.start == StartLevel::warm);
  CHECK(host.await(stop(host.invoker, id)));
  CHECK(host.await(host.invoker.call(id, "3")).error().code == Errc::not_found);
}

TEST_CASE("a start that fails says why") {
  Alone host;
  TempDir directory;
  directory.write("app.py", "raise RuntimeError('at import')\n");
  auto const failed = host.await(host.invoker.start(python("app.handler"), directory.path()));
  REQUIRE(failed.has_error());
  CHECK(failed.error().layer == "start");
  CHECK(failed.error().message.find("at import") != std::string::npos);
  CHECK(host.await(host.invoker.start(python("app.handler"), "relative/path")).error().code ==
        Errc::invalid_argument);
}

TEST_CASE("an instance past its timeout takes no call: nothing of it would run") {
  Alone host;
  TempDir directory;
  directory.write("app.py", "import time\ndef handler(event, context):\n    time.sleep(60)\n");
  auto function = python("app.handler");
  function.limits.timeout = std::chrono::seconds(1);
  auto const id = host.await(host.invoker.start(function, directory.path())).value();
  std::optional<Result<Outcome>> late;
  auto const first = host.await([&](Invoker& invoker) -> asio::awaitable<std::optional<Outcome>> {
    auto const outcome = co_await invoker.call(id, "{}");
    late = co_await invoker.call(id, "{}");
    co_return outcome.value();
  }(host.invoker));
  CHECK(first->status == Status::timed_out);
  REQUIRE(late->has_error());
  CHECK(late->error().code == Errc::not_found);
}

TEST_CASE("an instance takes as many calls at once as its function's capacity") {
  Alone host;
  TempDir directory;
  directory.write("app.py", R"(
import os, time
def handler(event, context):
    open('/tmp/%d' % event, 'w').close()
    while len(os.listdir('/tmp')) < 2: time.sleep(0.01)
    return event
)");
  auto function = python("app.handler");
  function.limits.capacity = 2;
  auto const id = host.await(host.invoker.start(function, directory.path())).value();
  std::vector<Result<Outcome>> results;
  auto const call = [&](int event) -> asio::awaitable<void> {
    results.push_back(co_await host.invoker.call(id, std::to_string(event)));
  };
  for (int i = 0; i < 3; ++i) asio::co_spawn(host.io, call(i), [](std::exception_ptr) {});
  host.io.restart();
  host.io.run();
  REQUIRE(results.size() == 3);
  CHECK(results[0].error().code == Errc::conflict);  // before any of the others has ended
  CHECK(results[1].value().ok());
  CHECK(results[2].value().ok());
}

TEST_CASE("an invoker that goes ends what runs as lost, and a start with an error") {
  asio::io_context io;
  std::optional<Invoker> invoker = Invoker::open(io.get_executor(), Alone::options()).value();
  TempDir sleeps, starts;
  sleeps.write("app.py", "import time\ndef handler(event, context):\n    time.sleep(60)\n");
  starts.write("app.py", "import time\ntime.sleep(60)\n");
  std::optional<Result<Outcome>> called;
  std::optional<Result<InstanceId>> started;
  auto const run = [&]() -> asio::awaitable<void> {
    auto const id = co_await invoker->start(python("app.handler"), sleeps.path());
    called = co_await invoker->call(id.value(), "{}");
  };
  auto const start = [&]() -> asio::awaitable<void> {
    started = co_await invoker->start(python("app.handler"), starts.path());
  };
  asio::co_spawn(io, run(), [](std::exception_ptr) {});
  asio::co_spawn(io, start(), [](std::exception_ptr) {});
  asio::steady_timer timer(io, std::chrono::seconds(1));
  timer.async_wait([&](boost::system::error_code) { invoker.reset(); });
  io.run();
  REQUIRE(called);
  CHECK(called->value().status == Status::lost);
  REQUIRE(started);
  CHECK(started->error().code == Errc::unavailable);
}
