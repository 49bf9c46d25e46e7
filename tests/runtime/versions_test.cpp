// Versions and aliases, over calls of real jails.
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>

#include "support/host.hpp"
#include "support/result.hpp"
#include "waiting.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string answering(std::string_view what) {
  return "def handler(event, context):\n    return " + std::string(what) + "\n";
}

constexpr std::string_view kWho = R"(
import os
def handler(event, context):
    return [os.environ["AWS_LAMBDA_FUNCTION_VERSION"], context.function_version,
            context.invoked_function_arn]
)";

void change_code(Host& host, std::string const& name, std::string_view code) {
  FunctionUpdate update;
  update.code = host.python("unused", code).code;
  host.await(host.runtime().update(name, std::move(update))).value();
}
// "f" whose versions 1 and 2 answer with their number, and $LATEST with 3.
void deploy_versions(Host& host) {
  host.deploy_python("f", answering("1"));
  for (auto const next : {"2", "3"}) {
    host.await(host.runtime().publish("f", {})).value();
    change_code(host, "f", answering(next));
  }
}

AliasInfo alias_of(std::string name, std::string version) {
  AliasInfo alias;
  alias.function = "f";
  alias.name = std::move(name);
  alias.version = std::move(version);
  return alias;
}
void point(Host& host, std::string name, std::string version) {
  AliasUpdate update;
  update.version = std::move(version);
  host.await(host.runtime().update_alias("f", std::move(name), std::move(update))).value();
}

Options at(TempDir const& state) {
  auto options = test_options();
  options.state_dir = state.path();
  return options;
}

}  // namespace

TEST_CASE("a qualifier runs the code that it names") {
  Host host;
  deploy_versions(host);
  host.await(host.runtime().create_alias(alias_of("live", "1"))).value();
  host.await(host.runtime().create_alias(alias_of("dev", "$LATEST"))).value();
  auto const runs = [&](std::string_view qualifier, std::string const& code,
                        std::string const& version) {
    CAPTURE(qualifier);
    auto const outcome = host.invoke("f", "{}", {.qualifier = qualifier}).value();
    CHECK(outcome.payload == code);
    CHECK(outcome.version == version);
  };
  runs("", "3", "$LATEST");
  runs("$LATEST", "3", "$LATEST");
  runs("1", "1", "1");
  runs("2", "2", "2");
  runs("live", "1", "1");
  runs("dev", "3", "$LATEST");
  point(host, "live", "2");
  runs("live", "2", "2");
  point(host, "live", "1");  // an instance of it still stands
  runs("live", "1", "1");
  CHECK(host.invoke("f", "{}", {.qualifier = "1"}).value().start == StartLevel::warm);
}

TEST_CASE("a function is told its version, and the name it was called by") {
  Host host;
  host.deploy_python("f", kWho);
  host.await(host.runtime().publish("f", {})).value();
  host.await(host.runtime().create_alias(alias_of("live", "1"))).value();
  std::string const arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
  auto const told = [&](std::string_view qualifier) {
    return host.invoke("f", "{}", {.qualifier = qualifier}).value().payload;
  };
  CHECK(told("") == R"(["$LATEST", "$LATEST", ")" + arn + "\"]");
  CHECK(told("$LATEST") == R"(["$LATEST", "$LATEST", ")" + arn + ":$LATEST\"]");
  CHECK(told("1") == R"(["1", "1", ")" + arn + ":1\"]");
  CHECK(told("live") == R"(["1", "1", ")" + arn + ":live\"]");
}

TEST_CASE("what no version or alias is called is not found, by its whole name") {
  Host host;
  host.deploy_python("f", kEcho);
  for (std::string const qualifier : {"1", "live", "$latest", "0"}) {
    auto const refused = host.invoke("f", "{}", {.qualifier = qualifier});
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::not_found);
    CHECK(refused.error().reason == "ResourceNotFoundException");
    CHECK(refused.error().message ==
          "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:" + qualifier);
    CHECK(host.runtime().get("f", qualifier).error().code == Errc::not_found);
  }
}

TEST_CASE("the name and the description of an alias are as Lambda wants them") {
  Host host;
  host.deploy_python("f", kEcho);
  for (std::string const& name :
       {std::string(), std::string("1"), std::string("a b"), std::string("$LATEST"),
        std::string("ü"), std::string(129, 'a')}) {
    CAPTURE(name);
    auto const refused = host.await(host.runtime().create_alias(alias_of(name, "$LATEST")));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::invalid_argument);
  }
  auto wordy = alias_of("a", "$LATEST");
  wordy.description = std::string(257, 'x');
  CHECK(host.await(host.runtime().create_alias(wordy)).error().code == Errc::invalid_argument);
  wordy.description.pop_back();
  CHECK(host.await(host.runtime().create_alias(wordy)).has_value());
  AliasUpdate update;
  update.description = std::string(257, 'x');
  auto const refused = host.await(host.runtime().update_alias("f", "a", std::move(update)));
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(host.await(host.runtime().create_alias(alias_of("1a-_", "$LATEST"))).has_value());
  CHECK(host.await(host.runtime().create_alias(alias_of(std::string(128, 'a'), "$LATEST"))));
}

TEST_CASE("of the calls of a weighted alias about the share runs the other version") {
  Host host;
  deploy_versions(host);
  auto canary = alias_of("live", "1");
  canary.weights = {{"2", 0.3}};
  host.await(host.runtime().create_alias(canary)).value();
  constexpr int kCalls = 600;
  int other = 0;
  for (int i = 0; i < kCalls; ++i) {
    auto const outcome = host.invoke("f", "{}", {.qualifier = "live"}).value();
    CHECK(outcome.payload == outcome.version);
    other += outcome.version == "2";
  }
  // Hoeffding: further off than that is 2 exp(-2 600 0.134^2) < 1e-9.
  CHECK(other > kCalls * (0.3 - 0.134));
  CHECK(other < kCalls * (0.3 + 0.134));
}

TEST_CASE("a callable of the host has no versions, and an alias of it runs it") {
  Host host;
  Function function;
  function.name = "f";
  host.await(host.runtime().deploy(
                 std::move(function),
                 [](HostCall call) -> asio::awaitable<std::string> { co_return call.payload; }))
      .value();
  auto const refused = host.await(host.runtime().publish("f", {}));
  CHECK(refused.error().code == Errc::unsupported);
  host.await(host.runtime().create_alias(alias_of("live", "$LATEST"))).value();
  CHECK(host.invoke("f", "7", {.qualifier = "live"}).value().payload == "7");
}

TEST_CASE("a removed version runs no more; its call under way ends, and its number stays spent") {
  Host host;
  host.deploy_python("f", "import time\ndef handler(e, c):\n    time.sleep(e)\n    return 1\n");
  host.await(host.runtime().publish("f", {})).value();
  std::optional<Result<Outcome>> running;
  host.runtime().invoke("f", "2", {.qualifier = "1"},
                        [&](Result<Outcome> r) { running = std::move(r); });
  until(host, [&] { return wait(host, host.runtime().status()).scheduler.calls_running == 1; });
  wait(host, host.runtime().remove_version("f", "1")).value();
  host.run();
  CHECK(running->value().payload == "1");
  CHECK(host.invoke("f", "0", {.qualifier = "1"}).error().code == Errc::not_found);
  for (auto const& instance : host.await(host.runtime().instances()))
    CHECK(instance.phase == "stopping");
  for (auto const no : {"1", "$LATEST", "live", "01", ""})
    CHECK(host.await(host.runtime().remove_version("f", no)).error().code == Errc::not_found);
  CHECK(host.await(host.runtime().publish("f", {})).value().version == "2");
}

TEST_CASE("versions and aliases are there after a restart, and so is the code of each") {
  TempDir state;
  Digest first, second;
  {
    Host host(at(state));
    first = host.deploy_python("f", answering("1")).function.code;
    host.await(host.runtime().publish("f", {})).value();
    change_code(host, "f", answering("2"));
    second = host.runtime().get("f").value().function.code;
    host.await(host.runtime().create_alias(alias_of("live", "1"))).value();
    host.await(host.runtime().close());
  }
  {
    Host host(at(state));
    CHECK(host.runtime().package(first).has_value());
    CHECK(host.runtime().alias("f", "live").value().version == "1");
    CHECK(host.runtime().versions("f", 0, 10).size() == 1);
    CHECK(host.runtime().usage().code.count ==
          host.runtime().package(first).value().size.count +
              host.runtime().package(second).value().size.count);
    CHECK(host.invoke("f", "{}", {.qualifier = "live"}).value().payload == "1");
    CHECK(host.invoke("f").value().payload == "2");
    host.await(host.runtime().remove_alias("f", "live")).value();
    host.await(host.runtime().remove_version("f", "1")).value();
    host.await(host.runtime().close());
  }
  Host host(at(state));
  CHECK(host.runtime().package(first).error().code == Errc::not_found);
  CHECK(host.invoke("f").value().payload == "2");
}

namespace {

// Takes its time, so that what is changed meanwhile finds a call that waits behind it.
constexpr std::string_view kSlow = R"(
import time
def handler(event, context):
    time.sleep(2)
    return "old"
)";

// One call of "f" runs on its only instance, another one waits; `change` is made, then both end.
template <class Change>
std::pair<Result<Outcome>, Result<Outcome>> run_and_wait(Host& host, std::string_view qualifier,
                                                         Change change) {
  std::optional<Result<Outcome>> running, waiting;
  host.runtime().invoke("f", "{}", {.qualifier = qualifier},
                        [&](Result<Outcome> r) { running = std::move(r); });
  host.runtime().invoke("f", "{}", {.qualifier = qualifier},
                        [&](Result<Outcome> r) { waiting = std::move(r); });
  until(host, [&] { return wait(host, host.runtime().status()).scheduler.calls_running == 1; });
  change();
  REQUIRE_FALSE(running);  // or the machine was too slow for this test to say anything
  until(host, [&] { return running && waiting; });
  return {*running, *waiting};
}

Options of_one_instance() {
  auto options = test_options();
  options.scheduler.max_instances = 1;
  return options;
}

}  // namespace

TEST_CASE("a call that waits begins with what was deployed meanwhile") {
  Host host(of_one_instance());
  host.deploy_python("f", kSlow);
  auto const code = host.python("unused", "def handler(event, context):\n    return 'new'\n").code;
  auto const [running, waited] = run_and_wait(host, "", [&] {
    FunctionUpdate update;
    update.code = code;
    wait(host, host.runtime().update("f", std::move(update))).value();
  });
  CHECK(running.value().payload == "\"old\"");
  CHECK(waited.value().payload == "\"new\"");
}

TEST_CASE("a call that waits begins with what its alias points at by then") {
  Host host(of_one_instance());
  host.deploy_python("f", kSlow);
  host.await(host.runtime().publish("f", {})).value();
  host.await(host.runtime().create_alias(alias_of("live", "1"))).value();
  change_code(host, "f", answering("2"));
  host.await(host.runtime().publish("f", {})).value();
  auto const [running, waited] = run_and_wait(host, "live", [&] {
    AliasUpdate update;
    update.version = "2";
    wait(host, host.runtime().update_alias("f", "live", std::move(update))).value();
  });
  CHECK(running.value().version == "1");
  CHECK(waited.value().version == "2");
  CHECK(waited.value().payload == "2");
}

TEST_CASE("a call that waits for a function that is removed is told so, and never runs") {
  Host host(of_one_instance());
  host.deploy_python("f", kSlow);
  auto const [running, waited] =
      run_and_wait(host, "", [&] { wait(host, host.runtime().remove("f")).value(); });
  CHECK(running.value().payload == "\"old\"");
  CHECK(waited.error().code == Errc::not_found);
}

TEST_CASE("a call whose deadline passes as its function changes is told so, and the rest goes on") {
  Host host(of_one_instance());
  host.deploy_python("f", kSlow);
  std::optional<Result<Outcome>> running, late;
  host.runtime().invoke("f", "{}", {}, [&](Result<Outcome> r) { running = std::move(r); });
  host.runtime().invoke("f", "{}", {.deadline = 300ms},
                        [&](Result<Outcome> r) { late = std::move(r); });
  until(host, [&] { return wait(host, host.runtime().status()).scheduler.calls_running == 1; });
  std::this_thread::sleep_for(400ms);  // nobody has told it yet
  FunctionUpdate update;
  update.code = host.python("unused", kEcho).code;
  wait(host, host.runtime().update("f", std::move(update))).value();
  until(host, [&] { return running && late; });
  CHECK(late->error().code == Errc::deadline);
  CHECK(running->value().payload == "\"old\"");
  CHECK(host.invoke("f", "7").value().payload == "7");
}

TEST_CASE("after close every change of a version or an alias is answered with unavailable") {
  Host host;
  host.deploy_python("f", kEcho);
  host.await(host.runtime().close());
  CHECK(host.await(host.runtime().publish("f", {})).error().code == Errc::unavailable);
  CHECK(host.await(host.runtime().remove_version("f", "1")).error().code == Errc::unavailable);
  auto const created = host.await(host.runtime().create_alias(alias_of("live", "$LATEST")));
  CHECK(created.error().code == Errc::unavailable);
  CHECK(host.await(host.runtime().update_alias("f", "a", {})).error().code == Errc::unavailable);
  CHECK(host.await(host.runtime().remove_alias("f", "a")).error().code == Errc::unavailable);
}

namespace {

// A runtime of several lanes, and callers on threads of their own.
class Crowd {
 public:
  Crowd() {
    auto options = test_options();
    options.threads = 4;
    runtime_ = Runtime::open(pool_.get_executor(), std::move(options)).value();
  }
  ~Crowd() {
    stop();
    asio::co_spawn(pool_, runtime_->close(), asio::use_future).get();
    runtime_.reset();
    pool_.join();
  }
  Crowd(Crowd const&) = delete;

  Runtime& runtime() { return *runtime_; }
  template <class T>
  T wait(asio::awaitable<T> work) {
    auto done = asio::co_spawn(pool_, std::move(work), asio::use_future);
    REQUIRE(done.wait_for(60s) == std::future_status::ready);
    return done.get();
  }
  Function python(std::string_view code) {
    TempDir directory;
    directory.write("app.py", code);
    Function function;
    function.name = "f";
    function.runtime = python_runtime();
    function.handler = "app.handler";
    function.code = wait(runtime().store(directory.path())).value().digest;
    return function;
  }
  Result<Outcome> call(std::string_view qualifier) {
    return wait(runtime().invoke("f", "{}", {.qualifier = qualifier}));
  }

  // Until stop(), one call after the other of each.
  template <class Once>
  void call_on(int callers, Once once) {
    for (int i = 0; i < callers; ++i) {
      callers_.emplace_back([this, once] {
        while (!stop_) once(), ++calls_;
      });
    }
  }
  int stop() {
    stop_ = true;
    for (auto& caller : callers_) caller.join();
    callers_.clear();
    return calls_;
  }

 private:
  asio::thread_pool pool_{4};
  std::optional<Runtime> runtime_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> calls_ = 0;
  std::vector<std::thread> callers_;
};

}  // namespace

TEST_CASE("an alias that moves under calls: none fails, and the next runs what it points at") {
  Crowd crowd;
  crowd.wait(crowd.runtime().deploy(crowd.python(answering("1")))).value();
  crowd.wait(crowd.runtime().publish("f", {})).value();
  FunctionUpdate update;
  update.code = crowd.python(answering("2")).code;
  crowd.wait(crowd.runtime().update("f", update)).value();
  crowd.wait(crowd.runtime().publish("f", {})).value();
  crowd.wait(crowd.runtime().create_alias(alias_of("live", "1"))).value();

  std::atomic<int> wrong = 0;
  crowd.call_on(4, [&] {
    auto const r = crowd.call("live");
    wrong += !r || !r->ok() || r->payload != r->version;
  });
  constexpr int kMoves = 100;
  for (int i = 0; i < kMoves; ++i) {
    AliasUpdate move;
    move.version = i % 2 ? "1" : "2";
    auto const to = *move.version;
    CHECK(crowd.wait(crowd.runtime().update_alias("f", "live", std::move(move))));
    auto const r = crowd.call("live");
    REQUIRE(r);
    CHECK(r->version == to);
    CHECK(r->payload == to);
  }
  CHECK(crowd.stop() > 0);
  CHECK(wrong == 0);
}

TEST_CASE("code that changes under calls: none fails, and none runs what was replaced") {
  Crowd crowd;
  auto function = crowd.python(
      "import os\ndef handler(event, context):\n    return int(os.environ['STATE'])\n");
  function.environment = {{"STATE", "0"}};
  crowd.wait(crowd.runtime().deploy(function)).value();
  std::atomic<int> returned = 0, wrong = 0;
  crowd.call_on(3, [&] {
    int const at_least = returned;
    auto const r = crowd.call("");
    wrong += !r || !r->ok() || std::atoi(r->payload.c_str()) < at_least;
  });
  constexpr int kUpdates = 10;
  for (int i = 1; i <= kUpdates; ++i) {
    FunctionUpdate update;
    update.environment = {{"STATE", std::to_string(i)}};
    CHECK(crowd.wait(crowd.runtime().update("f", std::move(update))));
    returned = i;
    auto const r = crowd.call("");
    REQUIRE(r);
    CHECK(r->payload == std::to_string(i));
  }
  CHECK(crowd.stop() > 0);
  CHECK(wrong == 0);
}
