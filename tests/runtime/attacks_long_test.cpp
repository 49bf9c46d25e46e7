// Attacks of the corpus that take their time: tier 2.
#include <cstdlib>
#include <fstream>
#include <string>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// KiB, the highest since forget_peak().
long peak_of_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (long kib; word == "VmHWM:" && status >> kib) return kib;
  return -1;
}
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// Calls one function again and again, and keeps every answer with the versions it may be of.
struct Caller {
  Host& host;
  int oldest = 0;  // no call begun from now on may be answered by an older one
  int newest = 0;
  int calls = 0, wrong = 0;
  bool stop = false;

  void call() {
    if (stop) return;
    int const from = oldest;
    ++calls;
    host.runtime().invoke("f", "{}", {}, [this, from](Result<Outcome> r) {
      auto const& outcome = r.value();
      int const answer = outcome.ok() ? std::stoi(outcome.payload) : -1;
      wrong += answer < from || answer > newest;
      call();
    });
  }
};

// Of two modules; a mixture of two versions answers -1.
void write_version(TempDir const& directory, int version) {
  auto const number = std::to_string(version);
  directory.write("other.py", "VERSION = " + number + "\n");
  directory.write("app.py", "import other\ndef handler(event, context): return " + number +
                                " if other.VERSION == " + number + " else -1\n");
}

asio::awaitable<void> update_often(Host& host, Caller& caller, int updates) {
  for (int version = 1; version <= updates; ++version) {
    TempDir directory;
    write_version(directory, version);
    auto stored = co_await host.runtime().store(directory.path());
    FunctionUpdate update;
    update.code = stored.value().digest;
    caller.newest = version;
    auto updated = co_await host.runtime().update("f", std::move(update));
    CHECK(updated.has_value());
    caller.oldest = version;  // it was told: from here on nobody may meet the old one
  }
  caller.stop = true;
}

}  // namespace

TEST_SUITE_BEGIN("long");

TEST_CASE(
    "of a thousand updates under calls none is answered by an older or a mixed version") {  // K13
  constexpr int kUpdates = 1000;
  Host host;
  host.deploy_python("f", "def handler(event, context): return 0\n",
                     {.timeout = 20s, .concurrency = 4});
  Caller caller{host};
  for (int i = 0; i < 4; ++i) caller.call();
  std::exception_ptr failure;
  asio::co_spawn(host.io(), update_often(host, caller, kUpdates),
                 [&](std::exception_ptr e) { failure = e; });
  host.io().restart();
  host.io().run_for(500s);
  REQUIRE(host.io().stopped());
  REQUIRE_FALSE(failure);
  CHECK(caller.wrong == 0);
  CHECK(caller.calls > 100);
  CHECK(host.invoke("f").value().payload == std::to_string(kUpdates));
}

TEST_CASE("ten gigabytes of output and a line of one take no memory of the host's") {  // O1
  Host host;
  host.deploy_python("flood", R"(
import os
def handler(event, context):
    lines = (b"x" * 127 + b"\n") * 8192
    for _ in range(event["lines"]): os.write(1, lines)
    block = b"y" * (1 << 20)
    for _ in range(event["block"]): os.write(1, block)
    return "done"
)",
                     {.memory = 256_MiB, .timeout = 300s});
  CHECK(host.invoke("flood", R"({"lines": 64, "block": 64})").value().ok());
  forget_peak();
  auto const before = peak_of_memory();
  REQUIRE(before > 0);
  std::optional<Outcome> outcome;
  host.runtime().invoke("flood", R"({"lines": 10240, "block": 1024})", {},
                        [&](Result<Outcome> r) { outcome = r.value(); });
  host.io().restart();
  host.io().run_for(400s);
  REQUIRE(outcome);
  CHECK(outcome->payload == R"("done")");
  CHECK(peak_of_memory() - before <= 16 * 1024);
  auto const log = host.await(host.runtime().logs("flood", 0, 100 << 20)).value();
  CHECK(log.text.find("LOGS_DROPPED") != std::string::npos);
  for (std::size_t at = 0, end; (end = log.text.find('\n', at)) != log.text.npos; at = end + 1)
    CHECK(end - at <= 256 << 10);
}

TEST_SUITE_END();
