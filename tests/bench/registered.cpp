#include "bench/registered.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/detached.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace faas::bench {
namespace {

constexpr int kAtOnce = 2000;  // so that many share a commit

asio::awaitable<Digest> code_of(Runtime& runtime, std::string directory) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/bootstrap") << "#!/bin/sh\n";
  std::filesystem::permissions(directory + "/bootstrap", std::filesystem::perms::all);
  auto package = co_await runtime.store(directory);
  co_return package.value().digest;
}

struct Wanted {
  Digest code;
  Versions versions;
  std::size_t next, until;
};

asio::awaitable<void> deploy_some(Runtime& runtime, Wanted& wanted) {
  while (wanted.next < wanted.until) {
    Function function;
    function.name = registered_name(wanted.next++);
    function.runtime = "provided.al2023";
    function.handler = "bootstrap";
    function.code = wanted.code;
    function.environment = {{"TABLE", "images"}, {"LOG_LEVEL", "info"}};
    auto const name = function.name;
    auto deployed = co_await runtime.deploy(std::move(function));
    deployed.value();
    if (wanted.versions == Versions::none) continue;
    Publication wish;
    auto published = co_await runtime.publish(name, std::move(wish));
    published.value();
  }
}

std::string fill(std::string const& directory, std::size_t functions, Versions versions) {
  Opened host(registered_options(directory, functions));
  if (!host.runtime) return host.problem;
  std::size_t const there = host.runtime->usage().functions;
  if (there == functions) return {};
  Wanted wanted{host.wait(code_of(*host.runtime, directory + "/code")), versions, there, functions};
  for (int i = 0; i < kAtOnce; ++i)
    asio::co_spawn(host.io, deploy_some(*host.runtime, wanted), asio::detached);
  host.io.restart();
  host.io.run();
  return {};
}

}  // namespace

std::string registered_name(std::size_t i) {
  return "resize-image-" + std::to_string(1'000'000 + i);
}

Options registered_options(std::string const& directory, std::size_t functions) {
  Options options;
  options.state_dir = directory + "/functions-" + std::to_string(functions);
  options.scheduler.idle_expiry = std::chrono::hours(1);
  return options;
}

std::string register_functions(std::string const& directory, std::size_t functions,
                               Versions versions) {
  std::fflush(nullptr);
  pid_t const child = ::fork();
  if (child == 0) {
    auto const problem = fill(directory, functions, versions);
    if (!problem.empty()) std::fprintf(stderr, "bench: %s\n", problem.c_str());
    ::_exit(problem.empty() ? 0 : 1);
  }
  int status = 1;
  if (child > 0) ::waitpid(child, &status, 0);
  return status == 0 ? "" : "the functions could not be deployed; its words are above";
}

}  // namespace faas::bench
