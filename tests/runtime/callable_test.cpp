// C++ functions of the host beside jailed ones.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>
#include <thread>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

Function named(std::string name, Limits limits = {}) {
  Function function;
  function.name = std::move(name);
  function.limits = limits;
  return function;
}

asio::awaitable<std::string> sleep_and_answer(HostCall call) {
  asio::steady_timer timer(co_await asio::this_coro::executor, 100ms);
  co_await timer.async_wait(asio::use_awaitable);
  co_return call.payload;
}

asio::awaitable<std::string> echo(HostCall call) { co_return call.payload; }

}  // namespace

TEST_CASE("a callable answers like any function, with the same records") {
  struct Watcher final : Observer {
    int calls = 0;
    void on_invocation(InvocationRecord const& record) override {
      calls += record.status == Status::ok;
    }
  } watcher;
  auto options = test_options();
  options.observer = &watcher;
  Host host(options);
  host
      .await(host.runtime().deploy(
          named("id"), [](HostCall c) -> asio::awaitable<std::string> { co_return c.payload; }))
      .value();
  CHECK(host.invoke("id", "\"x\"").value().payload == "\"x\"");
  CHECK(watcher.calls == 1);
  CHECK(host.await(host.runtime().logs("id")).value().text.find("REPORT") != std::string::npos);
}

TEST_CASE("an exception of a callable is a function error") {
  Host host;
  host.await(host.runtime().deploy(named("throws"),
                                   [](HostCall) -> asio::awaitable<std::string> {
                                     throw std::runtime_error("no");
                                     co_return "";
                                   }))
      .value();
  auto const outcome = host.invoke("throws").value();
  CHECK(outcome.status == Status::function_error);
  CHECK(outcome.error_type == "HostCallable.Exception");
  CHECK(outcome.payload.find("no") != std::string::npos);
}

TEST_CASE("an exception of a callable may let go of the last handle when it is asked what it is") {
  struct Last final : std::exception {
    std::shared_ptr<std::optional<Runtime>> handle;
    char const* what() const noexcept override {
      handle->reset();
      return "no";
    }
  };
  Host host;
  auto const handle = std::make_shared<std::optional<Runtime>>(host.runtime());
  host.await(host.runtime().deploy(named("throws"),
                                   [handle](HostCall) -> asio::awaitable<std::string> {
                                     Last last;
                                     last.handle = handle;
                                     throw last;
                                     co_return "";
                                   }))
      .value();
  std::optional<Result<Outcome>> outcome;
  host.runtime().invoke("throws", "{}", {}, [&](Result<Outcome> r) { outcome = std::move(r); });
  host.drop_runtime();
  host.run();
  CHECK_FALSE(handle->has_value());
  REQUIRE(outcome);
  CHECK(outcome->value().status == Status::lost);
}

TEST_CASE("a callable past its timeout is answered for and cancelled") {
  Host host;
  bool cancelled = false;
  host.await(host.runtime().deploy(named("hangs", {.timeout = 1s}),
                                   [&](HostCall) -> asio::awaitable<std::string> {
                                     asio::steady_timer timer(co_await asio::this_coro::executor,
                                                              60s);
                                     try {
                                       co_await timer.async_wait(asio::use_awaitable);
                                     } catch (boost::system::system_error const&) {
                                       cancelled = true;
                                       throw;
                                     }
                                     co_return "late";
                                   }))
      .value();
  CHECK(host.invoke("hangs").value().status == Status::timed_out);
  CHECK(cancelled);
}

TEST_CASE("a callable keeps its limit of concurrency") {
  Host host;
  host.await(host.runtime().deploy(named("one", {.concurrency = 1, .queue = 1}), sleep_and_answer))
      .value();
  int answered = 0, refused = 0;
  for (int i = 0; i < 3; ++i) {
    host.runtime().invoke("one", "{}", {}, [&](Result<Outcome> r) { ++(r ? answered : refused); });
  }
  host.run();
  CHECK(answered == 2);
  CHECK(refused == 1);
}

TEST_CASE("a callable is not kept over a restart") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  {
    Host host(options);
    host.await(host.runtime().deploy(named("gone"), sleep_and_answer)).value();
    CHECK(host.runtime().list().size() == 1);
  }
  Host host(options);
  CHECK(host.runtime().list().empty());
}

TEST_CASE("a name that is free is deployed again while who freed it is not yet told") {
  Host host;
  host.await(host.runtime().deploy(named("f"), sleep_and_answer)).value();
  (void)host.invoke("f", "1");
  asio::io_context slow;
  asio::co_spawn(slow, host.runtime().remove("f"), [](std::exception_ptr, Result<void>) {});
  slow.poll();
  while (host.runtime().get("f")) std::this_thread::yield();
  host.await(host.runtime().deploy(named("f"), sleep_and_answer)).value();
  CHECK(host.invoke("f", "2").value().payload == "2");
  slow.restart();
  slow.run();
  CHECK(host.invoke("f", "3").value().payload == "3");
}

TEST_CASE("who finds a callable can call it, however soon") {
  Host host;
  for (int i = 0; i < 50; ++i) {
    auto const name = "f" + std::to_string(i);
    std::optional<Result<Outcome>> first;
    std::thread caller([&] {
      asio::io_context io;
      for (auto until = std::chrono::steady_clock::now() + 20s;
           std::chrono::steady_clock::now() < until;) {
        first.reset();
        host.runtime().invoke(
            FunctionName(name), "{}", {},
            asio::bind_executor(io, [&](Result<Outcome> r) { first = std::move(r); }));
        io.restart();
        io.run();
        if (first && !(first->has_error() && first->error().code == Errc::not_found)) return;
      }
    });
    auto work = asio::make_work_guard(host.io());
    std::thread loop([&] { host.run(); });
    asio::co_spawn(host.io(), host.runtime().deploy(named(name), echo),
                   [](std::exception_ptr, Result<FunctionInfo>) {});
    caller.join();
    work.reset();
    loop.join();
    REQUIRE(first);
    REQUIRE(first->has_value());
    REQUIRE(first->value().status == Status::ok);
  }
}

TEST_CASE("a callable that runs when the last handle goes is cancelled") {
  Host host;
  bool cancelled = false;
  auto const hangs = [&](HostCall) -> asio::awaitable<std::string> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 60s);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    cancelled = error == asio::error::operation_aborted;
    co_return "";
  };
  host.await(host.runtime().deploy(named("hangs"), hangs)).value();
  std::optional<Result<Outcome>> outcome;
  host.runtime().invoke("hangs", "{}", {}, [&](Result<Outcome> r) { outcome = std::move(r); });
  host.io().restart();
  host.io().run_for(100ms);
  host.drop_runtime();
  host.io().restart();
  host.io().run_for(5s);
  CHECK(cancelled);
  REQUIRE(outcome);
  CHECK(outcome->value().status == Status::lost);
}

TEST_CASE("of functions that rest only the last thousand are remembered; the others answer again") {
  auto options = test_options();
  options.scheduler.max_instances = 2;
  Host host(options);
  constexpr int kFunctions = 1200;
  auto const call_all = [&] {
    for (int i = 0; i < kFunctions; ++i) {
      auto const name = "f" + std::to_string(i);
      if (host.invoke(name, name).value().payload != name) return i;
    }
    return kFunctions;
  };
  for (int i = 0; i < kFunctions; ++i)
    host.await(host.runtime().deploy(named("f" + std::to_string(i)), echo)).value();
  CHECK(call_all() == kFunctions);
  CHECK(call_all() == kFunctions);
  // One that was forgotten is still the one that an update or a removal means.
  CHECK(host.await(host.runtime().remove("f0")).has_value());
  CHECK(host.invoke("f0").error().code == Errc::not_found);
  auto const status = host.await(host.runtime().status());
  CHECK(status.functions == kFunctions - 1);
  CHECK(status.scheduler.revisions <= 1003);
}
