// Jails in the virtual machine (run.py), whose only user a test is; /usr/bin/vm_victim is victim.c.
// Tests of the suite "anyone" run twice: as root, and as an ordinary user with a delegated cgroup.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <faas/sandbox.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace faas::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

inline fs::path const kCgroups = "/sys/fs/cgroup";

inline std::string slurp(fs::path const& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

inline void put(fs::path const& path, std::string const& text) { std::ofstream(path) << text; }

// "name value" at the start of a line; -1: not there.
inline long field(fs::path const& path, std::string const& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + " ")) return std::strtol(line.c_str() + name.size(), nullptr, 10);
  return -1;
}

// Below which the sandboxes of this process have their cgroups.
inline fs::path cgroup_root() {
  char const* given = std::getenv("FAAS_TEST_CGROUP_ROOT");
  return given ? fs::path(given) : kCgroups;
}

inline Sandbox open_sandbox() {
  SandboxOptions options;
  options.runtime_id = "vm";
  if (std::getenv("FAAS_TEST_CGROUP_ROOT")) options.cgroup_root = cgroup_root();
  auto sandbox = Sandbox::open(std::move(options));
  if (!sandbox) FAIL(sandbox.error().message);
  return std::move(*sandbox);
}

// The group of all jails of this process's sandbox.
inline fs::path group_of_all() { return cgroup_root() / "faas-vm"; }

inline Spec victim(std::string verb, std::string argument = "0") {
  static int count = 0;
  Spec spec;
  spec.id = "victim-" + std::to_string(++count);
  spec.argv = {"/usr/bin/vm_victim", std::move(verb), std::move(argument)};
  spec.memory = 32_MiB;
  spec.tmp = 32_MiB;
  spec.processes = 64;
  return spec;
}

// A jail that was submitted, and what it printed.
struct Jail {
  Ticket ticket = 0;
  int output = -1;
  Started started;
  Exited exited;

  std::string printed() const {
    std::string text;
    char buffer[4096];
    pollfd readable{output, POLLIN, 0};
    while (::poll(&readable, 1, 0) > 0) {
      auto const n = ::read(output, buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }
  void close_output() { ::close(std::exchange(output, -1)); }
};

// The event of that kind, or nothing within the patience. Those of other tickets are dropped.
template <class Event>
std::optional<Event> next(Sandbox& sandbox, Ticket ticket, Clock::duration patience) {
  auto const until = Clock::now() + patience;
  do {
    while (auto event = sandbox.poll()) {
      if (auto* failed = std::get_if<Failed>(&*event))
        FAIL("no jail: step " << failed->step << ", errno " << failed->error);
      if (auto* found = std::get_if<Event>(&*event); found && found->ticket == ticket)
        return *found;
    }
    pollfd readable{sandbox.native_handle(), POLLIN, 0};
    ::poll(&readable, 1, 20);
  } while (Clock::now() < until);
  return {};
}

template <class Event>
Event wait_for(Sandbox& sandbox, Ticket ticket, std::chrono::seconds patience = 60s) {
  auto event = next<Event>(sandbox, ticket, patience);
  if (!event) FAIL("no event within the patience of this test");
  return *event;
}

inline Jail start(Sandbox& sandbox, Spec spec) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  spec.output_fd = ends[1];
  auto ticket = sandbox.submit(spec);
  ::close(ends[1]);
  if (!ticket) FAIL(ticket.error().message);
  Jail jail{*ticket, ends[0], {}, {}};
  jail.started = wait_for<Started>(sandbox, jail.ticket);
  return jail;
}

inline Jail run(Sandbox& sandbox, Spec spec) {
  Jail jail = start(sandbox, std::move(spec));
  jail.exited = wait_for<Exited>(sandbox, jail.ticket);
  return jail;
}

inline void wait_until_printed(Jail const& jail) {
  pollfd readable{jail.output, POLLIN, 0};
  REQUIRE(::poll(&readable, 1, 60'000) == 1);
}

// The cgroup of a live jail, seen from outside.
inline fs::path cgroup_of(Jail const& jail) {
  auto const line = slurp("/proc/" + std::to_string(jail.started.pid) + "/cgroup");
  REQUIRE(line.starts_with("0::/"));
  return kCgroups.string() + line.substr(3);
}

inline int victims_alive() {
  int count = 0;
  for (auto const& entry : fs::directory_iterator("/proc"))
    if (slurp(entry.path() / "comm") == "vm_victim") ++count;
  return count;
}

inline long lines_of(fs::path const& path) {
  auto const text = slurp(path);
  return std::count(text.begin(), text.end(), '\n');
}

// What a jail could leave behind, as text: two of them differ where something is left.
inline std::string traces() {
  auto const entries = [](fs::path const& path) {
    return std::distance(fs::directory_iterator(path), fs::directory_iterator());
  };
  std::ostringstream text;
  text << "victims " << victims_alive() << ", cgroup entries " << entries(group_of_all())
       << ", mounts " << lines_of("/proc/self/mountinfo") << ", own descriptors "
       << entries("/proc/self/fd");
  return text.str();
}

// A jail beside the others that sends each byte back, over its Runtime API listener.
class Neighbour {
 public:
  explicit Neighbour(Sandbox& sandbox) {
    Spec spec = victim("answer");
    spec.listener = true;
    jail_ = start(sandbox, spec);
    pollfd incoming{jail_.started.listener, POLLIN, 0};
    REQUIRE(::poll(&incoming, 1, 30'000) == 1);
    connection_ = ::accept4(jail_.started.listener, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(connection_ >= 0);
  }
  ~Neighbour() {
    ::close(connection_);
    ::close(jail_.started.listener);
    jail_.close_output();
  }
  Neighbour(Neighbour const&) = delete;

  // Asks it. A minute is no answer; the slowest one is kept.
  bool answers() {
    auto const asked = Clock::now();
    char byte = '?';
    pollfd readable{connection_, POLLIN, 0};
    if (::send(connection_, &byte, 1, MSG_NOSIGNAL) != 1 || ::poll(&readable, 1, 60'000) != 1 ||
        ::recv(connection_, &byte, 1, 0) != 1)
      return false;
    slowest_ = std::max(slowest_, Clock::now() - asked);
    return byte == '?';
  }
  Clock::duration slowest() const { return slowest_; }
  Jail const& jail() const { return jail_; }

 private:
  Jail jail_;
  int connection_ = -1;
  Clock::duration slowest_{};
};

// A sandbox in which bombs go off beside a neighbour that must not notice.
class Neighbourhood {
 public:
  Sandbox sandbox = open_sandbox();
  Neighbour neighbour{sandbox};

  // Until the jail ends. All that holds for every bomb is checked here.
  Jail bomb(Spec spec, Clock::duration patience = 60s) {
    auto const before = traces();
    Jail jail = start(sandbox, std::move(spec));
    end(jail, patience);
    expect_nothing_left(jail, before);
    return jail;
  }

  // As bomb(), of one that does not end by itself: it is killed once it has printed something and
  // its cgroup looks like that.
  Jail killed_bomb(Spec spec, bool (*gone_off)(fs::path const&)) {
    auto const before = traces();
    Jail jail = start(sandbox, std::move(spec));
    wait_until_printed(jail);
    auto const cgroup = cgroup_of(jail);
    for (int tries = 0; tries < 600 && !gone_off(cgroup); ++tries) {
      std::this_thread::sleep_for(50ms);
      CHECK(neighbour.answers());
    }
    sandbox.kill(jail.ticket);
    end(jail, 60s);
    CHECK(jail.exited.signal == 9);
    expect_nothing_left(jail, before);
    return jail;
  }

  void expect_nothing_left(Jail& jail, std::string const& before) {
    text_ = jail.printed();
    jail.close_output();
    CHECK(neighbour.answers());
    auto after = traces();
    for (int tries = 0; tries < 20 && after != before; ++tries) {
      std::this_thread::sleep_for(100ms);
      after = traces();
    }
    CHECK(after == before);
  }

  std::string const& printed() const { return text_; }  // by the last bomb

 private:
  void end(Jail& jail, Clock::duration patience) {
    auto const until = Clock::now() + patience;
    for (;;) {
      if (auto exited = next<Exited>(sandbox, jail.ticket, 50ms)) {
        jail.exited = *exited;
        return;
      }
      if (!neighbour.answers()) FAIL("the neighbour does not answer");
      if (Clock::now() > until) FAIL("the bomb does not end; it printed: " << jail.printed());
    }
  }

  std::string text_;
};

}  // namespace faas::test
