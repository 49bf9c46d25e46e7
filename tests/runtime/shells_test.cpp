// Jails that wait for their program (Options::shells), under functions of each kind.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "support/host.hpp"
#include "support/skip.hpp"
#include "support/spawners.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// One spawner, one kind of function, and one jail of it that waits.
struct Ready : Host {
  Ready() : Host(options()), spawner(own_spawners().at(0)) {}
  static Options options() {
    auto options = test_options();
    options.networks = 0;  // cgroups come before shells
    options.shells = 1;
    return options;
  }

  // Jails whose pid 1 has no program.
  std::vector<int> waiting() const {
    auto jails = children_of(spawner);
    std::erase_if(jails, [](int pid) { return !children_of(pid).empty(); });
    return jails;
  }
  // What is ready is made between looks at the spawner, and each call is one.
  void call_until_one_waits(std::string const& name) {
    for (int i = 0; i < 10'000 && waiting().size() != 1; ++i)
      REQUIRE(invoke(name, event).value().start == StartLevel::warm);
    for (int i = 0; i < 50; ++i) invoke(name, event).value();
    REQUIRE(waiting().size() == 1);
  }

  int const spawner;
  std::string event = "\"text\"";
};

// `first` makes them want one more, `second` takes it.
void check_taken(Ready& host, std::string const& first, std::string const& second) {
  CHECK(host.invoke(first, host.event).value().payload == host.event);
  host.call_until_one_waits(first);
  int const shell = host.waiting().front();
  auto const outcome = host.invoke(second, host.event).value();
  CHECK(outcome.payload == host.event);
  CHECK(outcome.start == StartLevel::cold);
  CHECK(children_of(shell).size() == 1);  // the program of `second`
  CHECK(host.invoke(second, host.event).value().start == StartLevel::warm);
}

}  // namespace

TEST_CASE("a function of the Runtime API is started in a jail that waited for one of its kind") {
  if (skipped_unless(::geteuid() == 0, "only root has shells")) return;
  Ready host;
  host.deploy_python("one", kEcho);
  host.deploy_python("two", "def handler(event, context):\n    return event + ''\n");
  check_taken(host, "one", "two");
}

TEST_CASE(
    "a function of the native contract is started in a jail that waited for one of its kind") {
  if (skipped_unless(::geteuid() == 0, "only root has shells")) return;
  Ready host;
  host.event = "echo";
  Function function;
  function.runtime = "native";
  function.code = host.await(host.runtime().store(FAAS_BINARY_DIR "/native_task")).value().digest;
  for (auto const* name : {"one", "two"}) {
    function.name = name;
    host.deploy(function);
  }
  check_taken(host, "one", "two");
}

TEST_CASE("shells end with their runtime") {
  if (skipped_unless(::geteuid() == 0, "only root has shells")) return;
  std::vector<int> jails;
  {
    Ready host;
    host.deploy_python("one", kEcho);
    host.invoke("one", host.event).value();
    host.call_until_one_waits("one");
    jails = children_of(host.spawner);
  }
  CHECK(jails.size() == 2);
  for (int const pid : jails) CHECK(::kill(pid, 0) != 0);
}
