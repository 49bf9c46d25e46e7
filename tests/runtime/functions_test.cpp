#include <sys/resource.h>

#include <thread>

#include "runtime/log_files.hpp"
#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a function that exists is not deployed again") {
  Host host;
  host.deploy_python("twice", kEcho);
  auto const again = host.await(host.runtime().deploy(host.python("twice", kEcho)));
  REQUIRE(again.has_error());
  CHECK(again.error().code == Errc::conflict);
  CHECK(again.error().reason == "ResourceConflictException");
}

TEST_CASE("an update never meets an instance of the old revision") {
  Host host;
  host.deploy_python("version", "def handler(event, context):\n    return 1\n");
  CHECK(host.invoke("version").value().payload == "1");
  auto const before = host.runtime().get("version").value();
  FunctionUpdate update;
  update.code = host.python("unused", "def handler(event, context):\n    return 2\n").code;
  auto const after = host.await(host.runtime().update("version", update)).value();
  CHECK(after.revision != before.revision);
  CHECK(after.revision_uuid != before.revision_uuid);
  auto const outcome = host.invoke("version").value();
  CHECK(outcome.payload == "2");
  CHECK(outcome.start != StartLevel::warm);
}

TEST_CASE("an update with a stale revision is refused and changes nothing") {
  Host host;
  host.deploy_python("f", kEcho);
  FunctionUpdate update;
  update.description = "new";
  update.expected_revision = "00000000-0000-4000-8000-000000000000";
  auto const refused = host.await(host.runtime().update("f", update));
  REQUIRE(refused.has_error());
  CHECK(refused.error().reason == "PreconditionFailedException");
  CHECK(host.runtime().get("f").value().function.description.empty());
}

TEST_CASE("a runtime that is not installed is refused at deploy with those that are") {
  Host host;
  auto function = host.python("old", kEcho);
  function.runtime = "python3.2";
  auto const refused = host.await(host.runtime().deploy(std::move(function)));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(refused.error().message.find(Host::python_runtime()) != std::string::npos);
}

TEST_CASE("code that was never stored is refused at deploy") {
  Host host;
  auto function = host.python("ghost", kEcho);
  function.code.hex = std::string(64, '0');
  auto const refused = host.await(host.runtime().deploy(std::move(function)));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::not_found);
}

TEST_CASE("a removed function is gone for new calls, and its name is free") {
  Host host;
  host.deploy_python("f", kEcho);
  CHECK(host.invoke("f").has_value());
  CHECK(host.await(host.runtime().remove("f")).has_value());
  CHECK(host.invoke("f").error().code == Errc::not_found);
  CHECK(host.await(host.runtime().remove("f")).error().code == Errc::not_found);
  host.deploy_python("f", "def handler(event, context):\n    return 'new'\n");
  CHECK(host.invoke("f").value().payload == R"("new")");
}

TEST_CASE("functions survive a restart of their runtime, and so does their code") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  FunctionInfo before;
  {
    Host host(options);
    before = host.deploy_python("kept", "def handler(event, context):\n    return 'kept'\n");
    host.await(host.runtime().close());
  }
  Host host(options);
  REQUIRE(host.runtime().list().size() == 1);
  auto const after = host.runtime().get("kept").value();
  CHECK(after.function == before.function);
  CHECK(after.revision_uuid == before.revision_uuid);
  CHECK(host.invoke("kept").value().payload == R"("kept")");
}

TEST_CASE("packages that no function uses are removed at the next open") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  Digest used, unused;
  {
    Host host(options);
    used = host.deploy_python("kept", kEcho).function.code;
    unused = host.python("never", "def handler(event, context):\n    return 0\n").code;
  }
  Host host(options);
  CHECK(host.runtime().package(used).has_value());
  CHECK(host.runtime().package(unused).error().code == Errc::not_found);
}

TEST_CASE("a log that outlived its function, because a kill came between, goes at the next open") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  auto const log_of = [&](std::string const& name) {
    return state / "logs/" + *runtime::log_id(FunctionName(name));
  };
  {
    Host host(options);
    host.deploy_python("stays", kEcho);
    CHECK(host.invoke("stays").value().ok());
    host.await(host.runtime().close());
  }
  std::filesystem::copy(log_of("stays"), log_of("removed"));
  Host host(options);
  CHECK(std::filesystem::exists(log_of("stays")));
  CHECK_FALSE(std::filesystem::exists(log_of("removed")));
}

TEST_CASE("a state directory has one owner, and the refusal names it") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  Host host(options);
  auto second = Runtime::open(host.io().get_executor(), options);
  REQUIRE(second.has_error());
  CHECK(second.error().code == Errc::conflict);
  CHECK(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("more instances than file descriptors carry is refused at open") {
  asio::io_context io;
  auto options = test_options();
  options.scheduler.max_instances = 100'000'000;
  auto refused = Runtime::open(io.get_executor(), options);
  REQUIRE(refused.has_error());
  CHECK(refused.error().message.find("RLIMIT_NOFILE") != std::string::npos);
}

TEST_CASE("what is kept ready for starts has descriptors, too") {
  asio::io_context io;
  auto options = test_options();
  options.scheduler.max_instances = 1;
  rlimit usual{};
  ::getrlimit(RLIMIT_NOFILE, &usual);
  rlimit const narrow{6 + 64 + 8 * 4 - 1, usual.rlim_max};  // an instance, the engine, the networks
  ::setrlimit(RLIMIT_NOFILE, &narrow);
  auto const refused = Runtime::open(io.get_executor(), options);
  ::setrlimit(RLIMIT_NOFILE, &usual);
  REQUIRE(refused.has_error());
  CHECK(refused.error().message.find("needs 102 file descriptors") != std::string::npos);
}

TEST_CASE("shells have descriptors and ids, too, and their number an end") {
  asio::io_context io;
  auto const refused = [&](auto change) {
    auto options = test_options();
    options.scheduler.max_instances = 1;
    change(options);
    auto const opened = Runtime::open(io.get_executor(), options);
    return opened ? std::string() : opened.error().message;
  };
  CHECK(refused([](Options&) {}).empty());
  CHECK(refused([](Options& o) { o.networks = 257; }).find("at most 256") != std::string::npos);
  CHECK(refused([](Options& o) { o.shells = 65; }).find("at most 64") != std::string::npos);
  if (::geteuid() == 0)
    CHECK(refused([](Options& o) { o.shells = 2, o.uid_count = 8; }).find("uid_count is 8") !=
          std::string::npos);
  CHECK(refused([](Options& o) { o.shells = 2, o.uid_count = 9; }).empty());
  rlimit usual{};
  ::getrlimit(RLIMIT_NOFILE, &usual);
  rlimit const narrow{6 + 64 + 4 * 2 * 6 - 1, usual.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &narrow);
  auto const few = refused([](Options& o) { o.shells = 2, o.networks = 0; });
  ::setrlimit(RLIMIT_NOFILE, &usual);
  CHECK(few.find("needs 118 file descriptors") != std::string::npos);
}

TEST_CASE("after close every question is answered with unavailable") {
  Host host;
  host.deploy_python("f", kEcho);
  auto const code = host.runtime().get("f").value().function.code;
  CHECK(host.runtime().package(code).has_value());
  host.await(host.runtime().close());
  CHECK(host.runtime().package(code).error().code == Errc::unavailable);
  CHECK(host.runtime().package_upload(code).error().code == Errc::unavailable);
  CHECK(host.invoke("f").error().code == Errc::unavailable);
  CHECK(host.await(host.runtime().remove("f")).error().code == Errc::unavailable);
  CHECK(host.await(host.runtime().store("/nowhere")).error().code == Errc::unavailable);
}

TEST_CASE("code that was changed on disk is never executed (K12)") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  Host host(options);
  host.deploy_python("f", R"(
import time
def handler(event, context):
    time.sleep(event)
    return "right"
)");
  CHECK(host.invoke("f", "0").value().payload == R"("right")");
  auto const trees = std::filesystem::path(state.path()) / "code/trees";
  for (auto const& entry : std::filesystem::recursive_directory_iterator(trees)) {
    if (entry.path().filename() != "app.py") continue;
    std::fstream(entry.path(), std::ios::in | std::ios::out)
        << "\nimport time\ndef handler(event, context):\n    return \"wrong\"\n\n\n";
  }
  std::vector<Outcome> outcomes;  // one on the instance that stands, one on a new one
  for (int i = 0; i < 2; ++i)
    host.runtime().invoke("f", "1", {}, [&](Result<Outcome> r) { outcomes.push_back(r.value()); });
  host.run();
  REQUIRE(outcomes.size() == 2);
  bool unpacked = false;
  for (auto const& outcome : outcomes) {
    CHECK(outcome.payload == R"("right")");
    unpacked = unpacked || outcome.start == StartLevel::first;
  }
  CHECK(unpacked);
}

TEST_CASE("the source of a package may hold the last handle") {
  struct Source final : BlobSource {
    Source(Runtime handle, std::thread::id& where) : last(std::move(handle)), ended(where) {}
    ~Source() override { ended = std::this_thread::get_id(); }
    Result<std::size_t> read(std::span<std::byte>) override { return std::size_t{0}; }
    Runtime last;
    std::thread::id& ended;
  };
  Host host;
  std::thread::id ended;
  bool refused = false;
  asio::co_spawn(host.io(), host.runtime().store(std::make_shared<Source>(host.runtime(), ended)),
                 [&](std::exception_ptr, Result<Package> r) { refused = r.has_error(); });
  host.drop_runtime();
  host.run();
  CHECK(refused);
  CHECK(ended == std::this_thread::get_id());
}
