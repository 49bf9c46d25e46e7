#include "promises/host.hpp"

using namespace promises;

namespace {

std::string const kSleep =
    "import time\ndef handler(event, context):\n    time.sleep(event.get('seconds', 0))\n    "
    "return 1\n";

// What is left in the kernel of a runtime whose functions carry a marker.
struct Leftovers {
  Folder folder;
  std::string state = folder.path() / "state";
  std::string mounts = slurp("/proc/self/mountinfo");
  std::vector<int> offspring = children();

  faas::Options options() const {
    auto wanted = promises::options();
    wanted.state_dir = state;
    return wanted;
  }
  // The lock file begins with the runtime's id, which marks its cgroups.
  std::string runtime_id() const {
    std::string id;
    std::ifstream(state + "/lock") >> id;
    REQUIRE(id.size() == 12);
    return id;
  }

  void check_none(std::string const& marker) const {
    CHECK(processes_with(marker).empty());
    CHECK(children() == offspring);
    CHECK(slurp("/proc/self/mountinfo") == mounts);
    CHECK(cgroups(runtime_id()).empty());
  }
};

std::string marker() {
  return "promise-" + std::to_string(::getpid()) + "-" +
         std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
}

// Runs the loop until `done`, a minute at most.
template <class Done>
void run_until(asio::io_context& io, Done done) {
  auto const until = std::chrono::steady_clock::now() + 60s;
  io.restart();
  while (!done()) {
    REQUIRE(std::chrono::steady_clock::now() < until);
    io.run_one_for(50ms);
    if (io.stopped()) io.restart();
  }
}

}  // namespace

TEST_CASE("an idle runtime holds no work: the loop returns, and the next call is warm") {
  asio::io_context io;
  auto runtime = open(io);
  deploy(io, runtime, "echo", kEcho);  // each of these returns only because io.run() does
  CHECK(call(io, runtime, "echo").start != faas::StartLevel::warm);
  io.restart();
  CHECK(io.run_for(5s) == 0);
  CHECK(io.stopped());
  CHECK(call(io, runtime, "echo").start == faas::StartLevel::warm);
  close(io, runtime);
}

TEST_CASE("with upkeep the loop goes on until close") {
  asio::io_context io;
  auto wanted = options();
  wanted.upkeep = true;
  auto runtime = open(io, wanted);
  io.run_for(300ms);
  CHECK_FALSE(io.stopped());
  close(io, runtime);  // returns only because io.run() does
  CHECK(io.stopped());
}

TEST_CASE(
    "when the last handle goes, queued calls are refused, running ones are lost, nothing stays") {
  auto const mark = marker();
  asio::io_context io;
  Leftovers const before;
  std::optional<faas::Runtime> runtime = open(io, before.options());
  faas::Limits limits;
  limits.concurrency = 1;
  limits.timeout = std::chrono::seconds(60);
  deploy(io, *runtime, "sleep", kSleep, limits, mark);
  CHECK(call(io, *runtime, "sleep").ok());

  std::optional<faas::Result<faas::Outcome>> running, queued;
  runtime->invoke("sleep", R"({"seconds": 50})", {}, [&](auto r) { running = std::move(r); });
  runtime->invoke("sleep", "{}", {}, [&](auto r) { queued = std::move(r); });
  io.restart();
  io.run_for(500ms);
  CHECK_FALSE(running);
  CHECK_FALSE(queued);
  CHECK(processes_with(mark).size() >= 1);

  runtime.reset();
  run_until(io, [&] { return running && queued; });
  REQUIRE(running->has_value());
  CHECK((*running)->status == faas::Status::lost);
  CHECK((*running)->error_type == "Sandbox.Failure");
  REQUIRE(queued->has_error());
  CHECK(queued->error().code == faas::Errc::unavailable);
  io.restart();
  CHECK_MESSAGE((io.run_for(5s), io.stopped()), "the loop has nothing left to do");
  before.check_none(mark);
}

TEST_CASE("a handle that goes while its function is still starting leaves nothing") {
  auto const mark = marker();
  asio::io_context io;
  Leftovers const before;
  std::optional<faas::Runtime> runtime = open(io, before.options());
  deploy(io, *runtime, "slow", "import time\ntime.sleep(5)\ndef handler(e, c):\n    return 1\n", {},
         mark);
  std::optional<faas::Result<faas::Outcome>> starting;
  runtime->invoke("slow", "{}", {}, [&](auto r) { starting = std::move(r); });
  run_until(io, [&] { return !processes_with(mark).empty(); });
  runtime.reset();
  run_until(io, [&] { return starting.has_value(); });
  CHECK_FALSE((starting->has_value() && (*starting)->ok()));
  before.check_none(mark);
}

TEST_CASE("close waits for running calls as long as it was told, then they are lost") {
  auto const mark = marker();
  asio::io_context io;
  Leftovers const before;
  auto runtime = open(io, before.options());
  faas::Limits limits;
  limits.timeout = std::chrono::seconds(60);
  deploy(io, runtime, "sleep", kSleep, limits, mark);
  CHECK(call(io, runtime, "sleep").ok());

  std::optional<faas::Result<faas::Outcome>> brief, endless;
  runtime.invoke("sleep", R"({"seconds": 0.3})", {}, [&](auto r) { brief = std::move(r); });
  runtime.invoke("sleep", R"({"seconds": 50})", {}, [&](auto r) { endless = std::move(r); });
  io.restart();
  io.run_for(100ms);
  bool closed = false;
  asio::co_spawn(io, runtime.close(3s), [&](std::exception_ptr) { closed = true; });
  run_until(io, [&] { return closed && brief && endless; });
  REQUIRE(brief->has_value());
  CHECK((*brief)->ok());
  REQUIRE(endless->has_value());
  CHECK((*endless)->status == faas::Status::lost);

  auto const late = run(io, [](faas::Runtime r) -> asio::awaitable<faas::Result<faas::Outcome>> {
    co_return co_await r.invoke("sleep", "{}");
  }(runtime));
  REQUIRE(late.has_error());
  CHECK(late.error().code == faas::Errc::unavailable);
  before.check_none(mark);
}
