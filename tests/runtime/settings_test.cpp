// Reserved and provisioned concurrency, attributes, and the limits that hold.
#include <algorithm>
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "support/result.hpp"
#include "waiting.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr std::string_view kOther = "111111111111";

// Calls of its callables wait until they are let go.
class Gate {
 public:
  explicit Gate(Host& host) : host_(host), timer_(host.io(), TimePoint::max()) {}

  void deploy(FunctionName name, Limits limits = {}) {
    Function function;
    function.name = std::move(name);
    function.limits = limits;
    auto const wait_here = [this](HostCall call) -> asio::awaitable<std::string> {
      boost::system::error_code ignored;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      co_return call.payload;
    };
    wait(host_, host_.runtime().deploy(std::move(function), wait_here)).value();
  }
  // Asked for now; its place in answers().
  std::size_t call(FunctionName name, InvokeOptions options = {}) {
    auto const at = answers_.size();
    answers_.emplace_back();
    host_.runtime().invoke(std::move(name), "1", options,
                           [this, at](Result<Outcome> r) { answers_[at] = std::move(r); });
    return at;
  }
  void open() {
    timer_.cancel();
    until(host_, [this] {
      return std::all_of(answers_.begin(), answers_.end(), [](auto const& a) { return !!a; });
    });
  }
  // That none of those which were asked for and not refused has ended yet.
  std::size_t under_way() {
    pass(host_, 20ms);
    return static_cast<std::size_t>(std::count(answers_.begin(), answers_.end(), std::nullopt));
  }
  std::optional<Result<Outcome>> const& answer(std::size_t at) const { return answers_[at]; }
  // Refused, and at once: nothing else was waited for.
  Error refusal(std::size_t at) {
    pass(host_, 20ms);
    REQUIRE(answers_[at].has_value());
    REQUIRE(answers_[at]->has_error());
    return answers_[at]->error();
  }

 private:
  Host& host_;
  asio::steady_timer timer_;
  std::vector<std::optional<Result<Outcome>>> answers_;
};

EffectiveLimit limit(Host& host, FunctionName const& name, std::string_view what,
                     std::string_view qualifier = {}) {
  auto const all = host.runtime().limits(name, qualifier).value();
  auto const found =
      std::find_if(all.begin(), all.end(), [&](auto const& one) { return one.name == what; });
  REQUIRE(found != all.end());
  return *found;
}
std::uint64_t used(Host& host, FunctionName const& name, std::string_view what) {
  return limit(host, name, what).used;
}
bool has_limit(Host& host, FunctionName const& name, std::string_view what) {
  auto const all = host.runtime().limits(name).value();
  return std::any_of(all.begin(), all.end(), [&](auto const& one) { return one.name == what; });
}

Options with_account(unsigned concurrency) {
  auto options = test_options();
  options.scheduler.account_concurrency = concurrency;
  return options;
}

auto reserve(Host& host, FunctionName name, std::optional<unsigned> concurrency) {
  return wait(host, host.runtime().reserve(std::move(name), concurrency));
}

}  // namespace

TEST_CASE("a call over what its function reserves is refused at once, and told so") {
  Host host;
  Gate gate(host);
  gate.deploy("f");
  gate.deploy("g");
  reserve(host, "f", 2).value();
  for (int i = 0; i < 2; ++i) gate.call("f");
  auto const over = gate.refusal(gate.call("f"));
  CHECK(over.code == Errc::throttled);
  CHECK(over.reason == "ReservedFunctionConcurrentInvocationLimitExceeded");
  CHECK(over.message.find("may have 2 calls at once (reserved concurrency of the function), and 2 "
                          "wait or run") != std::string::npos);
  CHECK(used(host, "f", "ReservedConcurrency") == 2);
  auto const other = gate.call("g");  // is not touched by it
  CHECK(gate.under_way() == 3);
  gate.open();
  for (std::size_t const at : {std::size_t{0}, std::size_t{1}, other})
    CHECK(gate.answer(at)->value().ok());
  CHECK(used(host, "f", "ReservedConcurrency") == 0);
}

TEST_CASE("0 stops a function: calls under way end, new ones are refused until it is lifted") {
  Host host;
  Gate gate(host);
  gate.deploy("f");
  auto const running = gate.call("f");
  CHECK(gate.under_way() == 1);
  reserve(host, "f", 0).value();
  auto const stopped = gate.refusal(gate.call("f"));
  CHECK(stopped.code == Errc::throttled);
  CHECK(stopped.message.find("this function is stopped") != std::string::npos);
  CHECK(used(host, "f", "ReservedConcurrency") == 1);
  gate.open();
  CHECK(gate.answer(running)->value().ok());
  CHECK(used(host, "f", "ReservedConcurrency") == 0);
  reserve(host, "f", std::nullopt).value();
  CHECK_FALSE(has_limit(host, "f", "ReservedConcurrency"));
  auto const again = gate.call("f");
  CHECK(gate.under_way() == 1);
  gate.open();
  CHECK(gate.answer(again)->value().ok());
}

TEST_CASE("a reservation is of all versions of its function together") {
  Host host;
  host.deploy_python("f", kEcho);
  host.await(host.runtime().publish("f", {})).value();
  host.await(host.runtime().reserve("f", 1)).value();
  std::optional<Result<Outcome>> first, second;
  host.runtime().invoke("f", "1", {.qualifier = "1"}, [&](Result<Outcome> r) { first = r; });
  host.runtime().invoke("f", "2", {}, [&](Result<Outcome> r) { second = r; });
  host.run();
  CHECK(first->value().payload == "1");
  CHECK(second->error().reason == "ReservedFunctionConcurrentInvocationLimitExceeded");
  CHECK(host.invoke("f", "2").value().payload == "2");
}

TEST_CASE("what reservations leave of an account is for its other functions, and no more") {
  Host host(with_account(103));
  Gate gate(host);
  for (auto const* name : {"f", "g", "h"}) gate.deploy(name);
  reserve(host, "f", 2).value();
  auto const too_much = reserve(host, "g", 2);
  REQUIRE(too_much.has_error());
  CHECK(too_much.error().code == Errc::invalid_argument);
  CHECK(too_much.error().message ==
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100].");
  reserve(host, "g", 1).value();
  CHECK(limit(host, "h", "UnreservedConcurrency").value == 100);
  for (int i = 0; i < 100; ++i) gate.call("h");
  CHECK(gate.under_way() == 100);
  auto const over = gate.refusal(gate.call("h"));
  CHECK(over.reason == "ConcurrentInvocationLimitExceeded");
  CHECK(over.message.find("103 (SchedulerOptions::account_concurrency) less 3 that are reserved") !=
        std::string::npos);
  for (auto const* name : {"f", "f", "g"}) gate.call(name);  // theirs is kept for them
  CHECK(gate.under_way() == 103);
  CHECK(used(host, "h", "AccountConcurrency") == 100);
  gate.open();
  for (auto const* name : {"f", "g", "h"}) CHECK(used(host, name, "AccountConcurrency") == 0);
  wait(host, host.runtime().remove("f")).value();  // and with it what it reserved
  CHECK(limit(host, "h", "UnreservedConcurrency").value == 102);
  reserve(host, "g", 3).value();
}

TEST_CASE("an account may have a limit of its own") {
  auto options = with_account(1);
  options.account_concurrency = {{std::string(kOther), 2}};
  Host host(options);
  Gate gate(host);
  FunctionName const other{std::string(kOther), "f"};
  gate.deploy("f");
  gate.deploy(other);
  gate.call("f");
  for (int i = 0; i < 2; ++i) gate.call(other);
  CHECK(gate.under_way() == 3);
  CHECK(gate.refusal(gate.call("f")).message.find("1 (SchedulerOptions::account_concurrency)") !=
        std::string::npos);
  CHECK(gate.refusal(gate.call(other)).message.find("2 (limit of the account)") !=
        std::string::npos);
  CHECK(limit(host, "f", "AccountConcurrency").source == "SchedulerOptions::account_concurrency");
  CHECK(limit(host, other, "AccountConcurrency").source == "Options::account_concurrency");
  CHECK(limit(host, other, "AccountConcurrency").value == 2);
  gate.open();
}

TEST_CASE("a reservation is kept over a restart and an update, and goes with its function") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  {
    Host host(options);
    host.deploy_python("f", kEcho);
    host.await(host.runtime().reserve("f", 0)).value();
    FunctionUpdate update;
    update.description = "changed";
    host.await(host.runtime().update("f", std::move(update))).value();
    CHECK(host.invoke("f").error().code == Errc::throttled);
    host.await(host.runtime().close());
  }
  Host host(options);
  CHECK(host.invoke("f").error().code == Errc::throttled);
  CHECK(host.runtime().settings("f").reserved == 0);
  host.await(host.runtime().remove("f")).value();
  host.deploy_python("f", kEcho);
  CHECK(host.runtime().settings("f") == FunctionSettings{});
  CHECK(host.invoke("f", "1").value().payload == "1");
}

TEST_CASE("whatever becomes of calls, their places are free again") {
  Host host(with_account(1000));
  host.deploy_python("dies",
                     "import os\ndef handler(event, context):\n    os.kill(os.getpid(), 9)\n");
  host.deploy_python("broken", "raise SystemExit(1)\n");
  host.deploy_python("slow", "import time\ndef handler(e, c):\n    time.sleep(e)\n",
                     {.timeout = 1s, .concurrency = 1});
  host.await(host.runtime().reserve("slow", 3)).value();
  CHECK(host.invoke("dies").value().status == Status::crashed);
  CHECK_FALSE(host.invoke("broken").value().ok());
  CHECK(host.invoke("slow", "9").value().status == Status::timed_out);

  asio::cancellation_signal waiting, running;
  int ended = 0;
  auto const count = [&](Result<Outcome>) { ++ended; };
  host.runtime().invoke("slow", "0.2", {}, asio::bind_cancellation_slot(running.slot(), count));
  host.runtime().invoke("slow", "0.2", {}, asio::bind_cancellation_slot(waiting.slot(), count));
  CHECK(used(host, "slow", "ReservedConcurrency") == 2);
  waiting.emit(asio::cancellation_type::terminal);
  until(host, [&] { return ended == 1; });
  CHECK(used(host, "slow", "ReservedConcurrency") == 1);
  until(host, [&] { return wait(host, host.runtime().status()).scheduler.calls_running == 1; });
  running.emit(asio::cancellation_type::terminal);
  until(host, [&] { return ended == 2; });
  host.run();  // the function runs on, until it ends
  for (auto const* name : {"dies", "broken", "slow"}) {
    CHECK(used(host, name, "AccountConcurrency") == 0);
    CHECK(used(host, name, "HostQueue") == 0);
  }
  CHECK(used(host, "slow", "ReservedConcurrency") == 0);
}

TEST_CASE("no more calls than are reserved run at once, whoever calls from however many threads") {
  constexpr int kReserved = 3, kCallers = 8, kCallsEach = 100;
  asio::thread_pool pool(4);
  auto options = test_options();
  options.threads = 4;
  auto runtime = Runtime::open(pool.get_executor(), std::move(options)).value();
  auto const done = [&](auto work) {
    return asio::co_spawn(pool, std::move(work), asio::use_future).get();
  };
  std::atomic<int> now = 0, wrong = 0, ran = 0, refused = 0;
  Function function;
  function.name = "f";
  done(runtime.deploy(std::move(function), [&](HostCall call) -> asio::awaitable<std::string> {
    if (++now > kReserved) ++wrong;
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    --now;
    co_return call.payload;
  })).value();
  done(runtime.reserve("f", kReserved)).value();
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < kCallsEach; ++n) {
        auto const r = done(runtime.invoke("f", "1"));
        if (r) ++ran, wrong += r->payload != "1";
        if (!r)
          ++refused,
              wrong += r.error().reason != "ReservedFunctionConcurrentInvocationLimitExceeded";
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
  CHECK(ran + refused == kCallers * kCallsEach);
  CHECK(ran > 0);
  CHECK(done(runtime.drain(10s)));  // who is answered may still be counted for a moment
  for (auto const& limit : runtime.limits("f").value()) {
    CAPTURE(limit.name);
    if (limit.unit == "calls") CHECK(limit.used == 0);
  }
  asio::co_spawn(pool, runtime.close(), asio::use_future).get();
  pool.join();
}

namespace {

// Answers how it was initialised; true ends it, a number lets it sleep.
constexpr std::string_view kHowStarted = R"(
import os, time
def handler(event, context):
    if event is True: os.kill(os.getpid(), 9)
    if event: time.sleep(event)
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
)";
constexpr std::string_view kProvisioned = R"("provisioned-concurrency")";
constexpr std::string_view kOnDemand = R"("on-demand")";

// A host that looks after its instances by itself, and lets idle ones go soon.
class Keeper {
 public:
  explicit Keeper(std::string state = {}) : host_(options(std::move(state))) {}

  Host& host() { return host_; }
  Runtime& runtime() { return host_.runtime(); }
  template <class T>
  T wait(asio::awaitable<T> work) {
    return test::wait(host_, std::move(work));
  }
  Digest store(std::string_view code) {
    TempDir directory;
    directory.write("app.py", code);
    return wait(runtime().store(directory.path())).value().digest;
  }
  // "f" with this code, published as version 1, and its alias "live".
  void deploy(std::string_view code = kHowStarted) {
    Function function;
    function.name = "f";
    function.runtime = python_runtime();
    function.handler = "app.handler";
    function.code = store(code);
    wait(runtime().deploy(std::move(function))).value();
    publish();
    AliasInfo alias;
    alias.function = "f";
    alias.name = "live";
    alias.version = "1";
    wait(runtime().create_alias(std::move(alias))).value();
  }
  std::string publish() { return wait(runtime().publish("f", {})).value().version; }
  std::string publish_another() {
    FunctionUpdate update;
    update.environment.emplace();
    (*update.environment)["ANOTHER"] = std::to_string(++others_);
    wait(runtime().update("f", std::move(update))).value();
    return publish();
  }
  Result<void> provision(std::string qualifier, unsigned count) {
    return wait(runtime().provision("f", std::move(qualifier), count));
  }
  ProvisionedStatus status(std::string_view qualifier) {
    return runtime().provisioned("f", qualifier).value();
  }
  void until_available(std::string_view qualifier, unsigned count) {
    until(host_, [&] { return status(qualifier).available == count; });
  }
  void point(std::string version, std::map<std::string, double> weights = {}) {
    AliasUpdate update;
    update.version = std::move(version);
    update.weights = std::move(weights);
    wait(runtime().update_alias("f", "live", std::move(update))).value();
  }
  Outcome call(std::string payload, std::string_view qualifier) {
    return wait(runtime().invoke("f", std::move(payload), {.qualifier = qualifier})).value();
  }
  // Of a version, those that are not on their way out.
  std::size_t instances_of(std::string_view version) {
    auto const revision = runtime().get("f", version).value().revision;
    std::size_t count = 0;
    for (auto const& i : instances(host_)) count += i.revision == revision && i.phase != "stopping";
    return count;
  }

 private:
  static Options options(std::string state) {
    auto options = test_options();
    options.state_dir = std::move(state);
    options.upkeep = true;
    options.scheduler.idle_expiry = 100ms;
    return options;
  }

  Host host_;
  int others_ = 0;
};

}  // namespace

TEST_CASE("provisioned instances are there before any call, and stay") {
  Keeper k;
  k.deploy();
  CHECK(k.provision("live", 2).has_value());
  CHECK(k.status("live").requested == 2);
  k.until_available("live", 2);
  CHECK(k.status("live").allocated == 2);
  auto const before = ids(instances(k.host()));
  CHECK(before.size() == 2);
  for (auto const& instance : instances(k.host())) CHECK(instance.calls == 0);
  auto const first = k.call("0", "live");
  CHECK(first.start == StartLevel::warm);
  CHECK(first.payload == kProvisioned);
  pass(k.host(), 1s);  // ten times as long as what is idle may stay
  CHECK(ids(instances(k.host())) == before);
  CHECK(k.call("0", "1").start == StartLevel::warm);  // they are the version's
}

TEST_CASE("a call that finds all provisioned instances busy gets one on demand") {
  Keeper k;
  k.deploy();
  CHECK(k.provision("1", 1).has_value());
  k.until_available("1", 1);
  std::vector<std::string> payloads;
  for (int i = 0; i < 2; ++i) {
    k.runtime().invoke("f", "0.5", {.qualifier = "1"},
                       [&](Result<Outcome> r) { payloads.push_back(r.value().payload); });
  }
  until(k.host(), [&] { return payloads.size() == 2; });
  std::sort(payloads.begin(), payloads.end());
  CHECK(payloads == std::vector<std::string>{std::string(kOnDemand), std::string(kProvisioned)});
  until(k.host(), [&] { return instances(k.host()).size() == 1; });  // that one expires
}

TEST_CASE("a provisioned instance that dies is replaced") {
  Keeper k;
  k.deploy();
  CHECK(k.provision("1", 2).has_value());
  k.until_available("1", 2);
  auto const before = ids(instances(k.host()));
  CHECK(k.call("true", "1").status == Status::crashed);
  until(k.host(), [&] {
    auto const now = ids(instances(k.host()));
    return now != before && now.size() == 2 && k.status("1").available == 2;
  });
  CHECK(k.call("0", "1").payload == kProvisioned);
}

TEST_CASE("what is provisioned for an alias moves with it, and the new comes before the old goes") {
  Keeper k;
  k.deploy();
  CHECK(k.provision("live", 2).has_value());
  k.until_available("live", 2);
  auto const version = k.publish_another();
  k.point(version);
  bool never_without = true;
  until(k.host(), [&] {
    never_without = never_without && k.instances_of("1") + k.instances_of(version) >= 2;
    return k.status("live").available == 2 && k.instances_of("1") == 0;
  });
  CHECK(never_without);
  CHECK(k.instances_of(version) == 2);
  auto const first = k.call("0", "live");
  CHECK(first.start == StartLevel::warm);
  CHECK(first.payload == kProvisioned);
}

TEST_CASE("an alias with weights has its instances where its calls go") {
  Keeper k;
  k.deploy();
  auto const version = k.publish_another();
  CHECK(k.provision("live", 4).has_value());
  k.until_available("live", 4);
  k.point("1", {{version, 0.25}});
  until(k.host(), [&] { return k.instances_of("1") == 3 && k.instances_of(version) == 1; });
  k.until_available("live", 4);
  k.point("1", {{version, 1.0}});
  until(k.host(), [&] { return k.instances_of("1") == 0 && k.instances_of(version) == 4; });
  k.point("1");
  until(k.host(), [&] { return k.instances_of("1") == 4 && k.instances_of(version) == 0; });
}

TEST_CASE("an alias of $LATEST keeps its instances when that changes") {
  Keeper k;
  k.deploy();
  k.point("$LATEST");
  CHECK(k.provision("live", 1).has_value());
  k.until_available("live", 1);
  (void)k.publish_another();
  k.until_available("live", 1);
  CHECK(k.instances_of("$LATEST") == 1);
  CHECK(k.call("0", "live").payload == kProvisioned);
}

TEST_CASE("what is provisioned ends with 0, with its alias, its version and its function") {
  Keeper k;
  k.deploy();
  auto const none = [&] { return instances(k.host()).empty(); };
  auto const provide = [&](std::string const& qualifier) {
    CHECK(k.provision(qualifier, 1).has_value());
    k.until_available(qualifier, 1);
  };
  provide("1");
  CHECK(k.provision("1", 0).has_value());
  until(k.host(), none);
  auto const gone = k.runtime().provisioned("f", "1");
  CHECK(gone.error().reason == "ProvisionedConcurrencyConfigNotFoundException");
  provide("live");
  k.wait(k.runtime().remove_alias("f", "live")).value();
  until(k.host(), none);
  provide("1");
  k.wait(k.runtime().remove_version("f", "1")).value();
  until(k.host(), none);
  CHECK(k.provision("1", 1).error().code == Errc::not_found);
  provide(k.publish());
  k.wait(k.runtime().remove("f")).value();
  until(k.host(), none);
  CHECK(k.runtime().provisioned("f", "2").error().reason == "ResourceNotFoundException");
}

TEST_CASE("two aliases of one version are told each of their own instances") {
  Keeper k;
  k.deploy();
  AliasInfo another;
  another.function = "f";
  another.name = "another";
  another.version = "1";
  k.wait(k.runtime().create_alias(std::move(another))).value();
  CHECK(k.provision("live", 1).has_value());
  CHECK(k.provision("another", 2).has_value());
  until(k.host(), [&] { return k.instances_of("1") == 3 && k.status("another").available == 2; });
  CHECK(k.status("live").allocated == 1);
  CHECK(k.status("live").available == 1);
  CHECK(k.provision("another", 0).has_value());
  until(k.host(), [&] { return k.instances_of("1") == 1; });
}

TEST_CASE("what is provisioned is started again at the next open") {
  TempDir state;
  {
    Keeper k(state.path());
    k.deploy();
    CHECK(k.provision("live", 2).has_value());
    asio::co_spawn(k.host().io(), k.runtime().close(), asio::detached);
    pass(k.host(), 10s);
  }
  Keeper k(state.path());
  k.until_available("live", 2);
  auto const first = k.call("0", "live");
  CHECK(first.start == StartLevel::warm);
  CHECK(first.payload == kProvisioned);
}

TEST_CASE("instances that do not start are told, and calls are not kept from trying") {
  Keeper k;
  k.deploy("raise SystemExit(1)\n");
  CHECK_FALSE(k.call("0", "1").ok());
  CHECK(k.provision("1", 1).has_value());
  until(k.host(), [&] { return k.status("1").failing; });
  CHECK(k.status("1").available == 0);
  CHECK(k.provision("1", 0).has_value());
  until(k.host(), [&] { return instances(k.host()).empty(); });
}

TEST_CASE("attributes are kept with a function, compared and set, and go with their qualifier") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  AttributeKey const tags{"tags", ""}, policy{"policy", "1"};
  {
    Host host(options);
    auto const set = [&](AttributeKey key, std::optional<std::string> value,
                         std::optional<std::string> expected) {
      return host.await(
          host.runtime().set_attribute("f", std::move(key), std::move(value), std::move(expected)));
    };
    FunctionSettings settings;
    settings.attributes[tags] = "one";
    host.await(host.runtime().deploy(host.python("f", kEcho), settings)).value();
    host.await(host.runtime().publish("f", {})).value();
    CHECK(set(policy, "p", "").has_value());
    CHECK(set(tags, "two", "zero").error().code == Errc::conflict);
    CHECK(set(tags, "two", "one").has_value());
    host.await(host.runtime().close());
  }
  Host host(options);
  CHECK(host.runtime().settings("f").attributes ==
        std::map<AttributeKey, std::string>{{policy, "p"}, {tags, "two"}});
  host.await(host.runtime().remove_version("f", "1")).value();
  CHECK(host.runtime().settings("f").attributes ==
        std::map<AttributeKey, std::string>{{tags, "two"}});
}

TEST_CASE("a function is not deployed with settings that ask for more than attributes") {
  Host host;
  auto const function = host.python("f", kEcho);
  FunctionSettings reserved, provisioned, unknown;
  reserved.reserved = 1;
  provisioned.provisioned["1"] = {1, {}};
  unknown.attributes[{"policy", "1"}] = "of a version that is not there";
  for (auto const& settings : {reserved, provisioned, unknown}) {
    CHECK(host.await(host.runtime().deploy(function, settings)).has_error());
    CHECK(host.runtime().get("f").error().code == Errc::not_found);
    CHECK(host.runtime().settings("f") == FunctionSettings{});
  }
  CHECK(host.await(host.runtime().deploy(function)).has_value());
}

TEST_CASE("every limit that holds for a function is told with its value and where it was set") {
  Host host(with_account(1000));
  host.deploy_python("f", kEcho, {.memory = 256_MiB, .timeout = 5s, .concurrency = 3});
  host.await(host.runtime().publish("f", {})).value();
  auto const is = [&](std::string_view name, std::optional<std::uint64_t> value,
                      std::string_view unit, std::string_view source) {
    CAPTURE(name);
    auto const one = limit(host, "f", name);
    CHECK(one.value == value);
    CHECK(one.used == 0);
    CHECK(one.unit == unit);
    CHECK(one.source == source);
  };
  is("AccountConcurrency", 1000, "calls", "SchedulerOptions::account_concurrency");
  is("UnreservedConcurrency", 1000, "calls",
     "AccountConcurrency less what functions reserve or have provisioned");
  constexpr std::string_view kOfFunction = "configuration of the function";
  is("InstancesOfVersion", 3, "instances", kOfFunction);
  is("CallsInOneInstance", 1, "calls", kOfFunction);
  is("FunctionQueue", 1000, "calls", kOfFunction);
  is("Timeout", 5000, "ms", kOfFunction);
  is("MemorySize", 256, "MiB", kOfFunction);
  is("EphemeralStorage", 512, "MiB", kOfFunction);
  is("HostInstances", 256, "instances", "SchedulerOptions::max_instances (default)");
  is("HostMemory", std::nullopt, "MiB", "SchedulerOptions::memory (default)");
  is("HostQueue", 10'000, "calls", "SchedulerOptions::queue (default)");
  is("NewInstancesASecond", 100, "instances", "SchedulerOptions::scaling_rate (default)");
  is("CallerRate", std::nullopt, "calls a second", "SchedulerOptions::caller_rate (default)");
  CHECK(host.runtime().limits("f").value().size() == 13);
  CHECK(host.invoke("f").value().ok());
  CHECK(used(host, "f", "HostInstances") == 1);

  host.await(host.runtime().reserve("f", 7)).value();
  is("ReservedConcurrency", 7, "calls", "reserved concurrency of the function");
  CHECK_FALSE(has_limit(host, "f", "UnreservedConcurrency"));
  host.await(host.runtime().provision("f", "1", 1)).value();
  until(host, [&] { return host.runtime().provisioned("f", "1").value().available == 1; });
  auto const provisioned = limit(host, "f", "ProvisionedConcurrency", "1");
  CHECK(provisioned.value == 1);
  CHECK(provisioned.used == 1);
  CHECK(provisioned.source == "provisioned concurrency of 1");
  CHECK(host.runtime().limits("f", "2").error().code == Errc::not_found);
  CHECK(host.runtime().limits("none").error().code == Errc::not_found);
}
