// A runtime in memory with one function in it, for the programs that measure whole calls.
#pragma once

#include <string>

#include "bench/opened.hpp"

namespace faas::bench {

struct Deployed : Opened {
  // `directory` holds the code; `runtime` is "provided", "native", "python" or "node" (then the
  // newest installed). `threads`: that are about to run `io`. `problem` also says why the function
  // could not be deployed.
  Deployed(std::string const& directory, std::string const& runtime, Duration idle_expiry,
           std::chrono::seconds timeout = std::chrono::seconds(30),
           unsigned most_instances = SchedulerOptions{}.max_instances, unsigned threads = 1);

 private:
  asio::awaitable<std::string> deploy(std::string directory, std::string name,
                                      std::chrono::seconds timeout);
};

// {runtime name, handler} for Lambda's name of a kind; empty name: none is installed.
std::pair<std::string, std::string> runtime_of(std::string const& kind);

}  // namespace faas::bench
