#include "bench/deployed.hpp"

#include <sched.h>

#include <algorithm>

namespace faas::bench {

std::pair<std::string, std::string> runtime_of(std::string const& kind) {
  if (kind == "provided" || kind == "native") return {kind, "echo"};
  std::string found;
  for (std::string const& name : installed_runtimes("/usr/bin"))
    if (name.starts_with(kind)) found = std::max(found, name);
  return {found, kind == "python" ? "hello.handler" : "index.handler"};
}

// The one CPU this process is pinned to, or nothing.
std::string pinned_cpu() {
  cpu_set_t mask;
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0 || CPU_COUNT(&mask) != 1) return {};
  int cpu = 0;
  while (!CPU_ISSET(cpu, &mask)) ++cpu;
  return std::to_string(cpu);
}

asio::awaitable<std::string> Deployed::deploy(std::string directory, std::string kind,
                                              std::chrono::seconds timeout) {
  auto [name, handler] = runtime_of(kind);
  if (name.empty()) co_return "no " + kind + " runtime is installed in /usr/bin";
  auto package = co_await runtime->store(directory);
  if (!package) co_return package.error().message;
  Function function;
  function.name = "bench";
  function.runtime = name;
  function.handler = handler;
  function.code = package->digest;
  function.limits.timeout = timeout;
  if (auto cpu = pinned_cpu(); !cpu.empty()) function.environment["BENCH_CPU"] = cpu;
  auto info = co_await runtime->deploy(std::move(function));
  co_return info ? "" : info.error().message;
}

Options options_of(Duration idle_expiry, unsigned most_instances, unsigned threads) {
  Options options;
  options.threads = threads;
  options.scheduler.max_instances = most_instances;
  options.scheduler.idle_expiry = idle_expiry;
  return options;
}

Deployed::Deployed(std::string const& directory, std::string const& kind, Duration idle_expiry,
                   std::chrono::seconds timeout, unsigned most_instances, unsigned threads)
    : Opened(options_of(idle_expiry, most_instances, threads)) {
  if (problem.empty()) problem = wait(deploy(directory, kind, timeout));
}

}  // namespace faas::bench
