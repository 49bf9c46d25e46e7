#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

bool contains(std::string const& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
constexpr std::string_view kPrints =
    "def handler(event, context):\n    print('hello', event)\n    return 1\n";

}  // namespace

TEST_CASE("a call's log tail has its START, its own lines, END and REPORT") {
  Host host;
  host.deploy_python("prints", kPrints);
  auto const outcome = host.invoke("prints", "7", {.log_tail = true}).value();
  auto const& tail = outcome.log_tail;
  CHECK(tail.starts_with("START RequestId: " + outcome.request_id + " Version: $LATEST\n"));
  CHECK(contains(tail, "hello 7\n"));
  CHECK(contains(tail, "END RequestId: " + outcome.request_id +
                           "\nREPORT RequestId: " + outcome.request_id + "\tDuration: "));
  CHECK(contains(tail, "\tMemory Size: 128 MB\t"));
  CHECK(contains(tail, "\tInit Duration: "));
  CHECK_FALSE(
      contains(host.invoke("prints", "8", {.log_tail = true}).value().log_tail, "Init Duration"));
}

TEST_CASE("a function cannot forge a platform line") {
  Host host;
  host.deploy_python(
      "forge", "def handler(event, context):\n    print('REPORT RequestId: x\\tDuration: 0 ms')\n");
  auto const outcome = host.invoke("forge", "{}", {.log_tail = true}).value();
  CHECK_FALSE(contains(outcome.log_tail, "\nREPORT RequestId: x"));
}

TEST_CASE("a log is read by position, and a reader is woken by the next line") {
  Host host;
  host.deploy_python("prints", kPrints);
  (void)host.invoke("prints", "1");
  auto const page = host.await(host.runtime().logs("prints")).value();
  CHECK(contains(page.text, "hello 1\n"));
  std::string followed;
  asio::co_spawn(
      host.io(),
      [](Host& h, std::uint64_t from, std::string& out) -> asio::awaitable<void> {
        auto next = (co_await h.runtime().logs("prints", from, 0, 10s)).value();
        out = next.text;
      }(host, page.next, followed),
      [](std::exception_ptr e) { CHECK_FALSE(e); });
  (void)host.invoke("prints", "2");
  CHECK(followed.starts_with("START RequestId: "));
  CHECK_FALSE(contains(followed, "hello 1"));
}

TEST_CASE("an exception's cause is in the log, and a function nobody knows has none") {
  Host host;
  host.deploy_python("fail", "def handler(event, context):\n    raise ValueError('the cause')\n");
  (void)host.invoke("fail");
  CHECK(contains(host.await(host.runtime().logs("fail")).value().text, "the cause"));
  CHECK(host.await(host.runtime().logs("nobody")).error().code == Errc::not_found);
}

TEST_CASE("a function that writes without end harms only its own log") {
  auto options = test_options();
  options.log_size = 64_KiB;
  Host host(options);
  host.deploy_python("flood",
                     "def handler(event, context):\n    for i in range(40000): print('x' * 1000)\n "
                     "   return 'done'\n",
                     {.timeout = 30s});
  CHECK(host.invoke("flood").value().payload == R"("done")");
  CHECK(host.await(host.runtime().logs("flood", 0, 1 << 20)).value().text.size() <= 128 << 10);
}

TEST_CASE("a call that outlives its function leaves no log behind") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  Host host(options);
  host.deploy_python("f", R"(
import time
def handler(event, context):
    time.sleep(0.5)
    print("late")
    return 1
)");
  std::optional<Result<Outcome>> outcome;
  InvokeOptions tailed;
  tailed.log_tail = true;
  host.runtime().invoke("f", "{}", tailed, [&](Result<Outcome> r) { outcome = std::move(r); });
  host.io().restart();
  host.io().run_for(300ms);
  REQUIRE_FALSE(outcome);
  CHECK(host.await(host.runtime().remove("f")).has_value());
  REQUIRE(outcome);
  CHECK(outcome->value().ok());
  CHECK(outcome->value().log_tail.find("late") != std::string::npos);
  CHECK(std::filesystem::is_empty(state / "logs"));
}
