// Options::threads: instances shared out among lanes that work at once, each with its own spawner.
#include <map>

#include "support/host.hpp"
#include "support/spawners.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr std::string_view kSlow = R"(
import time
def handler(event, context):
    time.sleep(0.2)
    return event
)";

Options laned(unsigned threads) {
  auto options = test_options();
  options.threads = threads;
  return options;
}

// Jails of each spawner.
std::vector<std::size_t> crowds() {
  std::vector<std::size_t> out;
  for (int const spawner : own_spawners()) out.push_back(children_of(spawner).size());
  return out;
}

}  // namespace

TEST_CASE("instances are shared out among as many spawners as the runtime was told threads") {
  Host host(laned(3));
  host.deploy_python("slow", kSlow, {.concurrency = 6});
  CHECK(crowds().size() == 3);
  int answered = 0;
  for (int i = 0; i < 6; ++i) {
    host.runtime().invoke("slow", std::to_string(i), {}, [&, i](Result<Outcome> r) {
      answered += r.value().payload == std::to_string(i);
    });
  }
  host.run();
  CHECK(answered == 6);
  CHECK(host.await(host.runtime().instances()).size() == 6);
  CHECK(crowds() == std::vector<std::size_t>{2, 2, 2});
  host.await(host.runtime().close());
  CHECK(crowds().empty());
}

TEST_CASE("one lane asks another to stop what has been idle for too long") {
  auto options = laned(2);
  options.upkeep = true;  // the loop never ends by itself
  options.scheduler.idle_expiry = 300ms;
  options.init_timeout = 900s;  // no clock of an instance wakes its lane meanwhile
  Host host(options);
  auto get = [&](auto work) {
    std::optional<typename decltype(work)::value_type> value;
    asio::co_spawn(host.io(), std::move(work),
                   [&](std::exception_ptr, auto got) { value = std::move(got); });
    while (!value) host.io().run_one();
    return std::move(*value);
  };
  TempDir directory;
  directory.write("app.py", kEcho);
  Function function;
  function.runtime = python_runtime();
  function.limits.timeout = 900s;
  function.handler = "app.handler";
  function.code = get(host.runtime().store(directory.path())).value().digest;
  for (auto const* name : {"one", "two"}) {
    function.name = name;
    CHECK(get(host.runtime().deploy(function)).has_value());
    CHECK(get(host.runtime().invoke(name, "{}")).value().ok());
  }
  CHECK(crowds() == std::vector<std::size_t>{1, 1});
  std::vector<std::size_t> const none{0, 0};
  for (int i = 0; i < 500 && crowds() != none; ++i) host.io().run_for(20ms);
  CHECK(crowds() == none);
}

TEST_CASE("a call that waits for room is answered although other lanes do all the work") {
  auto options = laned(4);
  options.scheduler.max_instances = 3;  // the first lane may be left with none
  Host host(options);
  for (auto const* name : {"a", "b", "c", "d", "e"})
    host.deploy_python(name, "def handler(event, context):\n    return event\n");
  std::map<std::string, int> answered;
  for (int round = 0; round < 3; ++round) {
    for (auto const* name : {"a", "b", "c", "d", "e"}) {
      host.runtime().invoke(name, "1", {},
                            [&, name](Result<Outcome> r) { answered[name] += r.value().ok(); });
    }
    host.run();
  }
  for (auto const& [name, times] : answered) CHECK(times == 3);
  CHECK(answered.size() == 5);
}

TEST_CASE("threads outside 1 to 64 are refused, and ids for them are counted") {
  asio::io_context io;
  for (unsigned const threads : {0u, 65u}) {
    auto const refused = Runtime::open(io.get_executor(), laned(threads));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK(refused.error().message.find("1 to 64") != std::string::npos);
  }
  if (::getuid() != 0) {
    MESSAGE("not root: jails have no ids of their own to count");
    return;
  }
  auto options = laned(4);
  options.scheduler.max_instances = 10;
  options.uid_count = 10 + 4 * 256 - 1;
  auto const refused = Runtime::open(io.get_executor(), options);
  REQUIRE(refused.has_error());
  CHECK(refused.error().message.find("uid_count") != std::string::npos);
  options.uid_count += 1;
  CHECK(Runtime::open(io.get_executor(), options).has_value());
}
