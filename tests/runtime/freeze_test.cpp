// G18: what is idle stands still, costs nothing, and goes on when it is called.
#include <sys/inotify.h>
#include <unistd.h>

#include <sstream>

#include "support/host.hpp"
#include "support/skip.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// Leaves a process behind that never rests; its parents have ended.
constexpr std::string_view kRestless = R"(
import os
def handler(event, context):
    if event == "leave":
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True: pass
            os._exit(0)
        os.wait()
    return "answered"
)";

// Where the jails of a runtime with that state directory are, or empty.
std::filesystem::path cgroups_of(std::filesystem::path const& state) {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string id, point;
  std::ifstream(state / "lock") >> id;
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    for (int i = 0; i < 5; ++i) words >> point;
    return std::filesystem::path(point) / ("faas-" + id);
  }
  return {};
}

std::uint64_t number_in(std::filesystem::path const& file, std::string_view name) {
  std::ifstream lines(file);
  std::uint64_t value = 0;
  for (std::string word; lines >> word >> value;)
    if (word == name) return value;
  return 0;
}

// A host that is awake: a call of another function runs as long as the test does.
class AwakeHost {
 public:
  explicit AwakeHost(std::string_view code) {
    host_.deploy_python("idler", code);
    wake();
  }
  struct ByHand {};
  AwakeHost(ByHand, std::string_view code) {
    TempDir directory;
    auto const interpreter = "#!/usr/bin/" + Host::python_runtime() + "\n";
    directory.write("bootstrap", interpreter + std::string(code), true);
    Function function;
    function.name = "idler";
    function.runtime = "provided";
    function.handler = "x";
    function.code = host_.store(directory);
    host_.deploy(std::move(function));
    wake();
  }
  template <class Done>
  void until(Done done) {
    auto const end = std::chrono::steady_clock::now() + 60s;
    host_.io().restart();
    while (!done()) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      host_.io().run_one_for(20ms);
    }
  }
  void stay_awake(std::chrono::milliseconds time) {
    host_.io().restart();
    host_.io().run_for(time);
  }
  Outcome call(std::string payload = "{}") {
    std::optional<Outcome> outcome;
    host_.runtime().invoke(FunctionName("idler"), std::move(payload), {},
                           [&](Result<Outcome> r) { outcome = r.value(); });
    until([&] { return outcome.has_value(); });
    return *outcome;
  }
  // The cgroup of the one other instance.
  std::filesystem::path leaf() {
    for (auto const& path : leaves())
      if (path != long_) return path;
    return {};
  }
  void until_gone() {
    auto const was = leaf();
    until([&] { return !std::filesystem::exists(was); });
  }
  // Its instance is retired.
  void replace() {
    FunctionUpdate update;
    update.limits = Limits{.timeout = 7s};
    asio::co_spawn(host_.io(), host_.runtime().update(FunctionName("idler"), std::move(update)),
                   [](std::exception_ptr, Result<FunctionInfo>) {});
  }
  std::string log() {
    std::string text;
    asio::co_spawn(host_.io(), host_.runtime().logs(FunctionName("idler")),
                   [&](std::exception_ptr, Result<LogPage> page) { text = page.value().text; });
    until([&] { return !text.empty(); });
    return text;
  }
  bool stands_still() { return number_in(leaf() / "cgroup.events", "frozen") == 1; }
  std::uint64_t cpu_us() { return number_in(leaf() / "cpu.stat", "usage_usec"); }

 private:
  void wake() {
    host_.deploy_python("long", "import time\ndef handler(event, context): time.sleep(300)\n",
                        {.timeout = 600s});
    host_.runtime().invoke("long", "{}", {}, [](Result<Outcome>) {});
    until([&] { return leaves().size() == 1; });
    long_ = leaves().front();
  }
  std::vector<std::filesystem::path> leaves() {
    std::vector<std::filesystem::path> found;
    std::error_code ec;
    for (auto const& entry : std::filesystem::directory_iterator(cgroups_of(state_.path()), ec))
      if (number_in(entry.path() / "cgroup.events", "populated") == 1)
        found.push_back(entry.path());
    return found;
  }
  Options options() {
    auto o = test_options();
    o.state_dir = state_.path();
    return o;
  }

  TempDir state_;
  Host host_{options()};
  std::filesystem::path long_;
};

bool without_cgroups() {
  bool const root = ::geteuid() == 0;
  return skipped_unless(root && !cgroups_of("/").empty(), "needs root and a cgroup2 hierarchy");
}

}  // namespace

TEST_CASE("what a call leaves behind stands still once its instance is idle (A6, G18)") {
  if (without_cgroups()) return;
  AwakeHost awake(kRestless);
  CHECK(awake.call(R"("leave")").payload == R"("answered")");
  awake.until([&] { return awake.stands_still(); });
  auto const before = awake.cpu_us();
  CHECK(before > 0);
  awake.stay_awake(500ms);
  CHECK(awake.cpu_us() == before);

  auto const next = awake.call();
  CHECK(next.payload == R"("answered")");
  CHECK(next.start == StartLevel::warm);
  awake.until([&] { return awake.stands_still(); });
  CHECK(awake.cpu_us() > before);

  awake.replace();
  awake.until_gone();
}

TEST_CASE("an instance that cannot be woken is lost at once, not at its timeout (G18)") {
  if (without_cgroups()) return;
  AwakeHost awake(kRestless);
  CHECK(awake.call().ok());
  awake.until([&] { return awake.stands_still(); });
  std::vector<int> taken;  // every descriptor this process may still have
  for (int fd; (fd = ::dup(0)) >= 0;) taken.push_back(fd);
  REQUIRE(errno == EMFILE);
  auto const outcome = awake.call();
  for (int const fd : taken) ::close(fd);
  CHECK(outcome.status == Status::lost);
  CHECK(outcome.timing.run < 2s);
  CHECK(awake.call().ok());
}

TEST_CASE("an instance that answers and never asks for more has two seconds, and then none (A6)") {
  if (without_cgroups()) return;
  AwakeHost awake(AwakeHost::ByHand{}, R"(
import urllib.request
base = "http://127.0.0.1:9001/2018-06-01/runtime/invocation/"
id = urllib.request.urlopen(base + "next").headers["Lambda-Runtime-Aws-Request-Id"]
urllib.request.urlopen(base + id + "/response", b'"answered"')
while True: pass
)");
  CHECK(awake.call().payload == R"("answered")");
  awake.until([&] { return awake.stands_still(); });
  auto const before = awake.cpu_us();
  awake.stay_awake(300ms);
  CHECK(awake.cpu_us() == before);
}

TEST_CASE("calls in a row never meet the freezer (G18)") {
  if (without_cgroups()) return;
  AwakeHost awake(kEcho);
  (void)awake.call();
  int const watcher = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  REQUIRE(::inotify_add_watch(watcher, (awake.leaf() / "cgroup.freeze").c_str(), IN_OPEN) >= 0);
  constexpr int kCalls = 300;
  for (int i = 0; i < kCalls; ++i) CHECK(awake.call().ok());
  int frozen = 0;
  inotify_event event;
  while (::read(watcher, &event, sizeof event) > 0) ++frozen;
  ::close(watcher);
  CHECK(frozen < kCalls / 10);  // this process may have stood still itself
}

TEST_CASE("the last words of an extension are heard, though it stood still (G18)") {
  if (without_cgroups()) return;
  AwakeHost awake(R"(
import signal, sys, urllib.request
urllib.request.urlopen(urllib.request.Request(
    "http://127.0.0.1:9001/2020-01-01/extension/register", b'{"events":[]}',
    {"Lambda-Extension-Name": "polite"}))
def leave(signum, frame):
    print("last words", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
def handler(event, context):
    return event
)");
  CHECK(awake.call().ok());
  awake.until([&] { return awake.stands_still(); });
  awake.replace();
  awake.until_gone();
  CHECK(awake.log().find("last words") != std::string::npos);
}

TEST_CASE("an idle instance that stands still is gone when its runtime goes") {
  if (without_cgroups()) return;
  std::filesystem::path leaf;
  {
    AwakeHost awake(kRestless);
    CHECK(awake.call(R"("leave")").ok());
    awake.until([&] { return awake.stands_still(); });
    leaf = awake.leaf();
    REQUIRE(std::filesystem::exists(leaf));
  }
  CHECK_FALSE(std::filesystem::exists(leaf));
}
