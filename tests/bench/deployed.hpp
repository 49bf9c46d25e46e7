// A runtime in memory with one function in it, for the programs that measure whole calls.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <faas/runtime.hpp>
#include <string>

namespace faas::bench {

struct Deployed {
  asio::io_context io;
  std::optional<Runtime> runtime;
  std::string problem;  // why it could not be opened or deployed; empty: ready

  // `directory` holds the code; `runtime` is "provided", "native", "python" or "node" (then the
  // newest installed). `threads`: that are about to run `io`.
  Deployed(std::string const& directory, std::string const& runtime, Duration idle_expiry,
           std::chrono::seconds timeout = std::chrono::seconds(30),
           unsigned most_instances = SchedulerOptions{}.max_instances, unsigned threads = 1);

  // Runs `work` to its end on `io`.
  template <class T>
  T wait(asio::awaitable<T> work);

 private:
  asio::awaitable<std::string> deploy(std::string directory, std::string name,
                                      std::chrono::seconds timeout);
};

// {runtime name, handler} for Lambda's name of a kind; empty name: none is installed.
std::pair<std::string, std::string> runtime_of(std::string const& kind);

template <class T>
T Deployed::wait(asio::awaitable<T> work) {
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

}  // namespace faas::bench
