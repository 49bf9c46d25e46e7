// A sandbox for tests, and the words in which they tell what a victim did in it.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <faas/sandbox.hpp>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/result.hpp"
#include "support/said.hpp"
#include "support/skip.hpp"
#include "sys/fd.hpp"

namespace faas::test {

// The same tests run as root, as an ordinary user, and as one with a delegated cgroup.
inline SandboxOptions jail_options() {
  SandboxOptions options;
  options.allow_degraded = true;  // hosts of either kind; the VM has the real one
  if (char const* root = std::getenv("FAAS_TEST_CGROUP_ROOT")) options.cgroup_root = root;
  if (char const* networks = std::getenv("FAAS_TEST_NETWORKS"))
    options.networks = static_cast<unsigned>(std::atoi(networks));
  if (char const* shells = std::getenv("FAAS_TEST_SHELLS"))
    options.shells = static_cast<unsigned>(std::atoi(shells));
  return options;
}

// How one jail went, and all it wrote.
struct Story {
  std::optional<Started> started;
  std::optional<Failed> failed;
  std::optional<Exited> exited;
  std::string output;

  bool says(std::string_view line) const { return said(output, line); }
  std::string answer(std::string_view name) const { return said_after(output, name); }
};

class Jails {
 public:
  explicit Jails(SandboxOptions options = jail_options())
      : sandbox_(Sandbox::open(std::move(options)).value()) {}

  Sandbox& sandbox() { return sandbox_; }

  static Spec victim(std::vector<std::string> arguments) {
    Spec spec;
    spec.id = "jail-" + std::to_string(next_id()++);
    spec.argv = {"/var/task/victim"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.task = FAAS_VICTIMS;
    return spec;
  }

  // The next event of this ticket, or nothing after ten seconds. Those of others are dropped.
  std::optional<SandboxEvent> next(Ticket ticket) {
    for (int tries = 0; tries < 10'000; ++tries) {
      while (auto event = sandbox_.poll())
        if (std::visit([](auto const& e) { return e.ticket; }, *event) == ticket) return event;
      pollfd p{sandbox_.native_handle(), POLLIN, 0};
      if (::poll(&p, 1, 10'000) == 0) return {};
    }
    return {};
  }

  // Until this process and the spawner make nothing ahead any more.
  void settle() {
    std::pair<std::ptrdiff_t, std::ptrdiff_t> before{-1, -1};
    for (int i = 0, same = 0; i < 400 && same < 12; ++i) {
      REQUIRE_FALSE(sandbox_.poll().has_value());
      ::usleep(5'000);
      std::pair const now{files_of(::getpid()), files_of(sandbox_.spawner_pid())};
      same = std::exchange(before, now) == now ? same + 1 : 0;
    }
  }
  static std::ptrdiff_t files_of(pid_t pid) {
    std::error_code gone;
    return std::distance(
        std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone), {});
  }

  // Started with its output on a pipe; `read` waits for a line of it.
  struct Running {
    Ticket ticket = 0;
    Started started;
    sys::Fd output;
  };
  Running start(Spec spec) {
    Running running;
    auto [ours, theirs] = pipe();
    running.output = std::move(ours);
    spec.output_fd = spec.error_fd = theirs.get();
    running.ticket = sandbox_.submit(spec).value();
    theirs.reset();
    auto event = next(running.ticket);
    REQUIRE(event.has_value());
    if (auto* failed = std::get_if<Failed>(&*event))
      FAIL("failed at " << failed->step << ": " << failed->error);
    REQUIRE(std::holds_alternative<Started>(*event));
    running.started = std::get<Started>(*event);
    return running;
  }
  static std::string read(Running const& running, std::size_t at_least = 1) {
    std::string text;
    char buffer[512];
    pollfd p{running.output.get(), POLLIN, 0};
    while (text.size() < at_least && ::poll(&p, 1, 10'000) > 0) {
      auto const n = ::read(running.output.get(), buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }
  Exited end(Running const& running) {
    auto event = next(running.ticket);
    REQUIRE(event.has_value());
    REQUIRE(std::holds_alternative<Exited>(*event));
    return std::get<Exited>(*event);
  }

  // From submit to its end. The output must fit a file in memory, not a pipe.
  Story run(Spec spec) {
    sys::Fd output(::memfd_create("output", MFD_CLOEXEC));
    REQUIRE(static_cast<bool>(output));
    spec.output_fd = spec.error_fd = output.get();
    auto const ticket = sandbox_.submit(spec).value();
    Story story;
    while (!story.failed && !story.exited) {
      auto event = next(ticket);
      REQUIRE(event.has_value());
      if (auto* e = std::get_if<Started>(&*event)) story.started = *e;
      if (auto* e = std::get_if<Failed>(&*event)) story.failed = *e;
      if (auto* e = std::get_if<Exited>(&*event)) story.exited = *e;
    }
    char buffer[4096];
    off_t at = 0;
    for (ssize_t n; (n = ::pread(output.get(), buffer, sizeof buffer, at)) > 0; at += n)
      story.output.append(buffer, static_cast<std::size_t>(n));
    return story;
  }
  Story attempt(std::vector<std::string> arguments) { return run(victim(std::move(arguments))); }

  static std::pair<sys::Fd, sys::Fd> pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    return {sys::Fd(ends[0]), sys::Fd(ends[1])};
  }

 private:
  static int& next_id() {
    static int id = 0;
    return id;
  }
  Sandbox sandbox_;
};

}  // namespace faas::test
