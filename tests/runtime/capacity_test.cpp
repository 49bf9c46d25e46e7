// Several calls at once in one instance: Limits::capacity.
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

bool contains(std::string const& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A host with one function, a thread for each call.
struct Crowd : Host {
  explicit Crowd(Limits limits, Options options = test_options()) : Host(std::move(options)) {
    std::filesystem::copy_file(FAAS_CROWD, directory / "bootstrap");
    Function function;
    function.name = "crowd";
    function.runtime = "provided.al2023";
    function.code = store(directory);
    function.limits = limits;
    deploy(std::move(function));
  }
  // Begun; what comes of it is in `ended`.
  void begin(
      std::string event, std::function<void()> then = [] {}) {
    runtime().invoke("crowd", std::move(event), {.log_tail = true},
                     [this, then](Result<Outcome> r) {
                       ended.push_back(std::move(r.value()));
                       then();
                     });
  }
  Outcome call(std::string event) { return invoke("crowd", std::move(event)).value(); }
  std::set<std::string> payloads() const {
    std::set<std::string> out;
    for (auto const& outcome : ended) out.insert(outcome.payload);
    return out;
  }
  std::size_t instances() { return await(runtime().instances()).size(); }
  std::vector<Outcome> ended;

 private:
  TempDir directory;
};

Limits of_capacity(unsigned capacity) { return {.timeout = 20s, .capacity = capacity}; }

Function node(Host& host, std::string_view code, Limits limits) {
  TempDir directory;
  directory.write("index.js", code);
  Function function;
  function.name = "node";
  function.runtime = Host::node_runtime();
  function.handler = "index.handler";
  function.code = host.store(directory);
  function.limits = limits;
  return function;
}

}  // namespace

TEST_CASE("eight calls meet in one instance, which a ninth does not enter") {
  Crowd host(of_capacity(8));
  for (int i = 0; i < 8; ++i) host.begin("meet 8");
  host.run();
  REQUIRE(host.ended.size() == 8);
  CHECK(host.payloads().size() == 1);  // one jail
  CHECK(std::all_of(host.ended.begin(), host.ended.end(), [](auto& o) { return o.ok(); }));
  CHECK(host.instances() == 1);
  auto const jail = host.ended.front().payload;
  host.ended.clear();
  for (int i = 0; i < 9; ++i) host.begin("sleep 300");
  host.run();
  CHECK(host.payloads().contains(jail));
  CHECK(host.instances() == 2);
}

TEST_CASE("each call has its own start, end and report, and its own bill") {
  struct Watcher final : Observer {
    std::set<std::string> ids;
    void on_invocation(InvocationRecord const& record) override {
      ids.insert(std::string(record.request_id));
      billed += record.billed > Duration{};
    }
    int billed = 0;
  } watcher;
  auto options = test_options();
  options.observer = &watcher;
  Crowd host(of_capacity(3), options);
  for (int i = 0; i < 3; ++i) host.begin("meet 3");
  host.run();
  CHECK(watcher.ids.size() == 3);
  CHECK(watcher.billed == 3);
  for (auto const& outcome : host.ended) {
    CHECK(contains(outcome.log_tail, "START RequestId: " + outcome.request_id));
    CHECK(contains(outcome.log_tail, "REPORT RequestId: " + outcome.request_id));
  }
  auto const inits = std::count_if(host.ended.begin(), host.ended.end(),
                                   [](auto const& o) { return o.timing.init.has_value(); });
  CHECK(inits == 1);  // only one call waited for it
}

TEST_CASE("what is written while several calls run is the function's, not a call's") {
  Crowd host(of_capacity(2));
  (void)host.call("meet 1");
  host.begin("say 1");
  host.run();
  CHECK(contains(host.ended[0].log_tail, "said 1\n"));
  host.ended.clear();
  host.begin("sleep 500");
  host.begin("say 2");
  host.run();
  for (auto const& outcome : host.ended) CHECK_FALSE(contains(outcome.log_tail, "said"));
  CHECK(contains(host.await(host.runtime().logs("crowd")).value().text, "said 2\n"));
}

TEST_CASE(
    "past its timeout one call ends, no further one enters, and the others run to their end") {
  Crowd host({.timeout = 1s, .capacity = 4});
  auto const jail = host.call("meet 1").payload;
  std::optional<Outcome> neighbour, later;
  host.begin("sleep 30000", [&] {
    host.runtime().invoke("crowd", "meet 1", {}, [&](Result<Outcome> r) { later = r.value(); });
  });
  asio::steady_timer timer(host.io(), 600ms);
  timer.async_wait([&](boost::system::error_code) {
    host.runtime().invoke("crowd", "sleep 800", {},
                          [&](Result<Outcome> r) { neighbour = r.value(); });
  });
  host.run();
  REQUIRE((neighbour && later));
  CHECK(host.ended[0].status == Status::timed_out);
  CHECK(contains(host.ended[0].payload, "Task timed out after 1.00 seconds"));
  CHECK(neighbour->status == Status::ok);
  CHECK(neighbour->payload == jail);
  CHECK(later->status == Status::ok);
  CHECK(later->payload != jail);
  CHECK(host.instances() == 1);  // the first is gone, whole
}

TEST_CASE("an exit ends every call of the instance, each with its reason") {
  Crowd host(of_capacity(4));
  (void)host.call("meet 1");
  for (int i = 0; i < 3; ++i) host.begin("meet 9");
  host.begin("exit 3");
  host.run();
  REQUIRE(host.ended.size() == 4);
  for (auto const& outcome : host.ended) {
    CHECK(outcome.status == Status::crashed);
    CHECK(outcome.error_type == "Runtime.ExitError");
    CHECK(contains(outcome.payload, outcome.request_id));
    CHECK(contains(outcome.payload, "exit status 3"));
  }
  CHECK(host.call("meet 1").ok());
}

TEST_CASE("memory beyond the limit ends every call of the instance") {
  Crowd host({.memory = 128_MiB, .timeout = 20s, .capacity = 2});
  (void)host.call("meet 1");
  host.begin("meet 9");
  host.begin("eat 512");
  host.run();
  REQUIRE(host.ended.size() == 2);
  bool const limited = !host.await(host.runtime().status()).degraded;
  for (auto const& outcome : host.ended) {
    CHECK(outcome.status != Status::ok);
    if (limited) CHECK(outcome.status == Status::out_of_memory);
  }
}

TEST_CASE("an update meets running calls in their old instance and further ones in a new one") {
  Crowd host(of_capacity(2));
  auto const jail = host.call("meet 1").payload;
  host.begin("sleep 700");
  host.begin("sleep 700");
  FunctionUpdate update;
  update.limits = of_capacity(3);
  CHECK(host.await(host.runtime().update("crowd", update)).value().function.limits.capacity == 3);
  CHECK(host.payloads() == std::set{jail});
  for (auto const& outcome : host.ended) CHECK(outcome.ok());
  host.ended.clear();
  for (int i = 0; i < 3; ++i) host.begin("meet 3");
  host.run();
  CHECK(host.payloads().size() == 1);
  CHECK_FALSE(host.payloads().contains(jail));
  CHECK(host.instances() == 1);
}

TEST_CASE("two calls at once with one request id are not told apart: the second does not run") {
  Crowd host(of_capacity(2));
  (void)host.call("meet 1");
  std::vector<Outcome> ended;
  for (int i = 0; i < 2; ++i) {
    host.runtime().invoke("crowd", "sleep 300", {.request_id = "twice"},
                          [&](Result<Outcome> r) { ended.push_back(r.value()); });
  }
  host.run();
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].status == Status::lost);
  CHECK(contains(ended[0].payload, "request id"));
  CHECK(ended[1].status == Status::ok);
  CHECK(host.call("meet 1").start == StartLevel::warm);
}

TEST_CASE("a callable of the host takes one call an instance, and says so") {
  Host host;
  Function function;
  function.name = "own";
  function.limits.capacity = 2;
  auto const refused = host.await(host.runtime().deploy(
      function, [](HostCall) -> asio::awaitable<std::string> { co_return "x"; }));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(contains(refused.error().message, "capacity"));
}

TEST_CASE("node: handlers of several calls share one loop, and the log knows whose line it is") {
  Host host;
  host.deploy(node(host, R"(
let present = 0, go;
const all = new Promise((resolve) => { go = resolve; });
exports.handler = async (event, context) => {
  console.log('enters', event);
  if (++present === 4) go();
  await all;
  console.log('leaves', event);
  return [event, process.pid];
};
)",
                   {.memory = 512_MiB, .timeout = 20s, .capacity = 4}));
  std::vector<Outcome> ended;
  for (int i = 0; i < 4; ++i) {
    host.runtime().invoke("node", std::to_string(i), {},
                          [&](Result<Outcome> r) { ended.push_back(r.value()); });
  }
  host.run();
  std::set<std::string> answers;
  for (auto const& outcome : ended) answers.insert(outcome.payload);
  CHECK(answers.size() == 4);
  CHECK(host.await(host.runtime().instances()).size() == 1);
  auto const log = host.await(host.runtime().logs("node")).value().text;
  for (auto const& outcome : ended) {
    auto const event = outcome.payload.substr(1, 1);
    CHECK(contains(log, outcome.request_id + "\tINFO\tenters " + event));
    CHECK(contains(log, outcome.request_id + "\tINFO\tleaves " + event));
  }
}

TEST_CASE("node: a stream and buffered answers at once, and one that throws") {
  Host host;
  host.deploy(node(host, R"(
let go;
const others = new Promise((resolve) => { go = resolve; });
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  if (event === 'throw') { go(); throw new Error('mine'); }
  if (event === 'short') { out.end('short'); return; }
  out.write('x'.repeat(1 << 20));
  await others;
  out.end('end');
});
)",
                   {.memory = 512_MiB, .timeout = 20s, .capacity = 3}));
  std::vector<Outcome> ended;
  auto const text = host.await([](Host& h,
                                  std::vector<Outcome>& out) -> asio::awaitable<std::string> {
    auto stream = (co_await h.runtime().invoke_stream("node", "\"long\"")).value();
    for (auto const* event : {"\"short\"", "\"throw\""})
      h.runtime().invoke("node", event, {}, [&](Result<Outcome> r) { out.push_back(r.value()); });
    std::string all;
    while (auto chunk = co_await stream.read()) all += *chunk;
    co_return all;
  }(host, ended));
  CHECK(text == std::string(1 << 20, 'x') + "end");
  REQUIRE(ended.size() == 2);
  std::sort(ended.begin(), ended.end(), [](auto& a, auto& b) { return a.status < b.status; });
  CHECK(ended[0].payload == "short");
  CHECK(ended[1].status == Status::function_error);
  CHECK(contains(ended[1].payload, "mine"));
  CHECK(host.await(host.runtime().instances()).size() == 1);
}

TEST_CASE("node: callbacks and plain values are answered, too") {
  Host host;
  host.deploy(node(host, R"(
exports.handler = (event, context, callback) => { setTimeout(callback, 10, null, event); };
)",
                   {.memory = 512_MiB, .timeout = 20s, .capacity = 2}));
  CHECK(host.invoke("node", "7").value().payload == "7");
  auto plain = node(host, "exports.handler = (event) => event;\n",
                    {.memory = 512_MiB, .timeout = 20s, .capacity = 2});
  plain.name = "plain";
  host.deploy(std::move(plain));
  CHECK(host.invoke("plain", "7").value().payload == "null");
}

TEST_CASE("python: a process for each call of an instance, one that ends ends them all") {
  Host host;
  host.deploy_python("python", R"(
import os, time
calls = 0
def handler(event, context):
    global calls
    calls += 1
    open('/tmp/' + str(event), 'w').close()
    if event == 'exit': os._exit(7)
    while len(os.listdir('/tmp')) < 4: time.sleep(0.01)
    return [os.getpid(), os.stat('/proc/self/ns/pid').st_ino, calls]
)",
                     {.memory = 256_MiB, .timeout = 20s, .capacity = 4});
  std::vector<std::string> answers;
  for (int i = 0; i < 4; ++i) {
    host.runtime().invoke("python", std::to_string(i), {},
                          [&](Result<Outcome> r) { answers.push_back(r.value().payload); });
  }
  host.run();
  std::set<std::string> pids, jails;
  for (auto const& answer : answers) {
    pids.insert(answer.substr(0, answer.find(',')));
    jails.insert(answer.substr(answer.find(',')));
  }
  CHECK(pids.size() == 4);
  CHECK(jails.size() == 1);  // one jail, and each process has seen one call
  CHECK(contains(*jails.begin(), ", 1]"));
  CHECK(contains(host.invoke("python", "\"exit\"").value().payload, "exit status 7"));
}
