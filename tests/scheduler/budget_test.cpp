// The host's budget of each resource, and which of them a refusal names.
#include <doctest/doctest.h>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

namespace {

bool says(Error const& error, std::string_view words) {
  return error.message.find(words) != std::string::npos;
}

// As many as the budget has run, the next one waits or, where none may wait, hears why.
void carries_two(SchedulerOptions const& options, Limits limits, std::string_view why) {
  Host host(options);
  limits.queue = 0;
  host.function(limits);
  CHECK(host.arrives(1) == "start i1");
  CHECK(host.arrives(2) == "start i2");
  CHECK(host.arrives(3) == "refuse c3");
  CHECK(host.error().code == Errc::throttled);
  CHECK(host.error().reason == "ConcurrentInvocationLimitExceeded");
  CHECK(says(host.error(), why));
  host.ready(1), host.finished_badly(1);
  CHECK(host.arrives(4) == "");  // it stands until it has left
  CHECK(host.exited(1) == "start i3");
}

}  // namespace

TEST_CASE("an instance counts for one CPU at least, and for its memory's share above") {
  carries_two({.cpus = 2.9}, {},
              "needs 1 CPU (Limits::memory / 1769 MiB, at least 1), but 2 CPUs of this host's 2.9 "
              "CPUs are in use (SchedulerOptions::cpus)");
  carries_two({.cpus = 5}, {.memory = 3538_MiB}, "needs 2 CPUs");
}

TEST_CASE("processes and threads have a budget") {
  carries_two(
      {.pids = 250, .instance_pids = 100}, {},
      "needs 100 processes and threads (SchedulerOptions::instance_pids), but 200 processes "
      "and threads of this host's 250 processes and threads are in use "
      "(SchedulerOptions::pids)");
}

TEST_CASE("descriptors have a budget") {
  carries_two({.fds = 47, .instance_fds = 16}, {},
              "needs 16 descriptors (SchedulerOptions::instance_fds), but 32 descriptors of this "
              "host's 47 descriptors are in use (SchedulerOptions::fds)");
}

TEST_CASE("a function bigger than the whole budget of a resource is told which one it is") {
  SUBCASE("CPUs") {
    Host host({.cpus = 1.5});
    host.function({.memory = 10'240_MiB});
    CHECK(host.arrives(1) == "refuse c1");
    CHECK(host.error().code == Errc::unavailable);
    CHECK(says(host.error(), "needs 5.788 CPUs"));
    CHECK(says(host.error(), "whole budget of 1.5 CPUs (SchedulerOptions::cpus)"));
  }
  SUBCASE("processes") {
    Host host({.pids = 1000});
    host.function();
    CHECK(host.arrives(1) == "refuse c1");
    CHECK(says(host.error(), "needs 1024 processes and threads"));
  }
}

TEST_CASE("eviction makes room in every resource") {
  Host host({.cpus = 3});
  host.function();
  host.function({.memory = 3538_MiB});
  host.arrives(1), host.arrives(2), host.arrives(3);
  host.ready(1), host.ready(2), host.ready(3);
  host.finished(1), host.finished(2), host.finished(3);
  CHECK(host.arrives(4, 2) == "stop i1, stop i2");
  host.exited(1);
  CHECK(host.exited(2) == "start i4");
}

TEST_CASE("one that needs few CPUs goes ahead of one that needs less memory and more CPUs") {
  Host host({.memory = 20'000_MiB, .cpus = 3});
  host.function();
  host.function({.memory = 3538_MiB, .tmp = 0_B});
  host.function({.memory = 128_MiB, .tmp = 10'000_MiB});
  host.arrives(1, 1), host.arrives(2, 1);
  CHECK(host.arrives(3, 2) == "");
  CHECK(host.arrives(4, 3) == "start i3");
}
