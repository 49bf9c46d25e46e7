// A host for tests: an event loop, a runtime on it, and a vocabulary in which a test reads as a
// story.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <faas/faas.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "support/interpreters.hpp"
#include "support/temp_dir.hpp"

namespace faas::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline Options test_options() {
  Options options;
  options.allow_degraded =
      true;  // tests run on hosts of either kind; the VM tests need the real one
  return options;
}

class Host {
 public:
  explicit Host(Options options = test_options())
      : runtime_(Runtime::open(io_.get_executor(), std::move(options)).value()) {}

  asio::io_context& io() { return io_; }
  Runtime& runtime() { return *runtime_; }
  void drop_runtime() { runtime_.reset(); }

  // Runs the loop until the coroutine is done. The value, or what it threw.
  template <class T>
  T await(asio::awaitable<T> work) {
    std::optional<T> value;
    std::exception_ptr failure;
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr e, T v) {
      failure = e;
      if (!e) value.emplace(std::move(v));
    });
    run();
    if (failure) std::rethrow_exception(failure);
    REQUIRE(value.has_value());
    return std::move(*value);
  }
  void await(asio::awaitable<void> work) {
    std::exception_ptr failure;
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr e) { failure = e; });
    run();
    if (failure) std::rethrow_exception(failure);
  }
  // Until nothing is outstanding: an idle runtime lets go of the loop. What never ends fails here,
  // by its name.
  void run() {
    io_.restart();
    io_.run_for(60s);
    REQUIRE(io_.stopped());
  }

  Digest store(TempDir const& directory) {
    return await(runtime_->store(directory.path())).value().digest;
  }
  Function python(std::string name, std::string_view code, Limits limits = {}) {
    TempDir directory;
    directory.write("app.py", code);
    Function function;
    function.name = std::move(name);
    function.runtime = python_runtime();
    function.handler = "app.handler";
    function.code = store(directory);
    function.limits = limits;
    return function;
  }
  FunctionInfo deploy(Function function) {
    return await(runtime_->deploy(std::move(function))).value();
  }
  FunctionInfo deploy_python(std::string name, std::string_view code, Limits limits = {}) {
    return deploy(python(std::move(name), code, limits));
  }
  Result<Outcome> invoke(std::string name, std::string payload = "{}", InvokeOptions options = {}) {
    return await(runtime_->invoke(FunctionName(std::move(name)), std::move(payload), options));
  }

  static std::string python_runtime() { return test::python_runtime(); }
  static std::string node_runtime() { return test::node_runtime(); }

 private:
  asio::io_context io_;
  std::optional<Runtime> runtime_;
};

inline constexpr std::string_view kEcho = "def handler(event, context):\n    return event\n";

}  // namespace faas::test
