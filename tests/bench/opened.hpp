// A runtime and what runs it, for the programs that measure one in process.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <faas/runtime.hpp>
#include <optional>
#include <string>
#include <utility>

namespace faas::bench {

struct Opened {
  asio::io_context io;
  std::optional<Runtime> runtime;
  std::string problem;  // why it could not be opened; empty: ready

  // On a degraded host, too.
  explicit Opened(Options options) : io(static_cast<int>(options.threads)) {
    options.allow_degraded = true;
    auto opened = Runtime::open(io.get_executor(), std::move(options));
    if (opened)
      runtime = std::move(*opened);
    else
      problem = opened.error().message;
  }

  // Runs `work` to its end on `io`.
  template <class T>
  T wait(asio::awaitable<T> work) {
    std::optional<T> result;
    std::exception_ptr failure;
    asio::co_spawn(io, std::move(work), [&](std::exception_ptr e, T value) {
      failure = e;
      result = std::move(value);
    });
    io.restart();
    io.run();
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }
};

}  // namespace faas::bench
