// A host as its owner writes it: its own loop, functions in Python, and what it can see of itself.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <faas/faas.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

extern char** environ;

namespace promises {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

inline std::string slurp(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A directory that goes with its owner.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/faas-promise-XXXXXX";
    if (!::mkdtemp(name)) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;
  fs::path const& path() const { return path_; }

 private:
  fs::path path_;
};

inline std::string installed_python() {
  for (auto const& name : faas::installed_runtimes("/usr/bin"))
    if (name.starts_with("python3.")) return name;
  FAIL("no Python in /usr/bin (scripts/setup installs it)");
  return {};
}

inline faas::Options options() {
  faas::Options options;
  options.allow_degraded = true;
  return options;
}

inline faas::Runtime open(asio::io_context& io, faas::Options const& wanted = options()) {
  auto runtime = faas::Runtime::open(io.get_executor(), wanted);
  if (!runtime) FAIL(runtime.error().message);
  return std::move(*runtime);
}

// Runs one coroutine to its end on the host's own loop, which then has nothing left to do.
template <class T>
T run(asio::io_context& io, asio::awaitable<T> work) {
  std::exception_ptr failed;
  std::optional<T> result;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr e, T value) {
    failed = e;
    if (!e) result = std::move(value);
  });
  io.restart();
  io.run();
  if (failed) std::rethrow_exception(failed);
  REQUIRE(result);
  return std::move(*result);
}
inline void run(asio::io_context& io, asio::awaitable<void> work) {
  std::exception_ptr failed;
  bool done = false;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr e) {
    failed = e;
    done = true;
  });
  io.restart();
  io.run();
  if (failed) std::rethrow_exception(failed);
  REQUIRE(done);
}

inline asio::awaitable<faas::FunctionInfo> deploy(faas::Runtime runtime, std::string name,
                                                  std::string source, faas::Limits limits,
                                                  std::string marker) {
  Folder const folder;
  std::ofstream(folder.path() / "main.py") << source;
  std::string const path = folder.path();
  auto const package = (co_await runtime.store(path)).value();
  faas::Function function;
  function.name = name;
  function.runtime = installed_python();
  function.handler = "main.handler";
  function.code = package.digest;
  function.limits = limits;
  if (!marker.empty()) function.environment["PROMISE"] = marker;
  co_return (co_await runtime.deploy(std::move(function))).value();
}

// A function of one source text, deployed.
inline void deploy(asio::io_context& io, faas::Runtime const& runtime, std::string const& name,
                   std::string const& source, faas::Limits limits = {}, std::string marker = {}) {
  run(io, deploy(runtime, name, source, limits, std::move(marker)));
}

inline asio::awaitable<faas::Outcome> call_once(faas::Runtime runtime, std::string name,
                                                std::string payload) {
  co_return (co_await runtime.invoke(std::move(name), std::move(payload))).value();
}
inline faas::Outcome call(asio::io_context& io, faas::Runtime const& runtime, std::string name,
                          std::string payload = "{}") {
  return run(io, call_once(runtime, std::move(name), std::move(payload)));
}
inline asio::awaitable<void> close_it(faas::Runtime runtime) { co_await runtime.close(); }
inline void close(asio::io_context& io, faas::Runtime const& runtime) {
  run(io, close_it(runtime));
}

inline std::string const kEcho = "def handler(event, context):\n    return event\n";

// ---- what a process can see of itself ----

inline std::size_t threads() {
  auto const all = fs::directory_iterator("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Ids of the processes whose environment holds this text, but for this one: functions with that
// marker.
inline std::vector<int> processes_with(std::string const& marker) {
  std::vector<int> found;
  for (auto const& entry : fs::directory_iterator("/proc")) {
    int const pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && pid != ::getpid() &&
        slurp(entry.path() / "environ").find(marker) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

// Processes that call this one their parent.
inline std::vector<int> children() {
  std::vector<int> found;
  for (auto const& entry : fs::directory_iterator("/proc")) {
    int const pid = std::atoi(entry.path().filename().c_str());
    auto const stat = pid > 0 ? slurp(entry.path() / "stat") : std::string();
    auto const after_name = stat.rfind(") ");
    if (after_name == std::string::npos) continue;
    if (std::atoi(stat.c_str() + after_name + 4) == ::getpid()) found.push_back(pid);
  }
  return found;
}

// Directories below every cgroup2 mount.
// Of the runtime with that id: other runtimes of the machine come and go.
inline std::set<std::string> cgroups(std::string const& runtime_id) {
  std::set<std::string> found;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string source, target, type, rest;
       mounts >> source >> target >> type && std::getline(mounts, rest);) {
    if (type != "cgroup2") continue;
    for (fs::recursive_directory_iterator it(target, fs::directory_options::skip_permission_denied),
         end;
         it != end; ++it)
      if (it->is_directory() && it->path().filename() == "faas-" + runtime_id)
        found.insert(it->path());
  }
  return found;
}

// Everything of the process that a library has no business with.
struct Ambient {
  std::map<int, std::string> dispositions;
  std::string blocked, directory, umask;
  std::vector<std::string> environment;
  std::vector<std::string> streams;

  static Ambient now() {
    Ambient a;
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action = {};
      if (::sigaction(number, nullptr, &action) != 0) continue;
      a.dispositions[number] = std::to_string(reinterpret_cast<std::uintptr_t>(action.sa_handler)) +
                               " " + std::to_string(action.sa_flags);
    }
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int number = 1; number < NSIG; ++number)
      a.blocked += sigismember(&mask, number) == 1 ? '1' : '0';
    a.directory = fs::current_path();
    auto const status = slurp("/proc/self/status");
    a.umask = status.substr(status.find("Umask:"), 11);
    for (char** entry = environ; *entry; ++entry) a.environment.emplace_back(*entry);
    for (int fd = 0; fd < 3; ++fd)
      a.streams.push_back(fs::read_symlink("/proc/self/fd/" + std::to_string(fd)));
    return a;
  }
  friend bool operator==(Ambient const&, Ambient const&) = default;
};

}  // namespace promises
