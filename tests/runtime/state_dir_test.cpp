#include "runtime/state_dir.hpp"

#include <sys/stat.h>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;
using faas::runtime::StateDir;

TEST_CASE("a state directory keeps its runtime id, so that leftovers of a kill are found") {
  TempDir temp;
  auto const path = temp / "a/b";
  std::string id;
  {
    auto dir = StateDir::open(path).value();
    id = dir.runtime_id();
    CHECK(id.size() == 12);
    CHECK(dir.durable());
  }
  CHECK(StateDir::open(path).value().runtime_id() == id);
}

TEST_CASE("a directory that is made is its owner's alone, one that was there stays as it is") {
  TempDir temp;
  auto const mode_of = [](std::string const& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  };
  CHECK(StateDir::open(temp / "made").has_value());
  CHECK(mode_of(temp / "made") == 0700);
  std::filesystem::create_directory(temp / "there");
  ::chmod((temp / "there").c_str(), 0755);
  CHECK(StateDir::open(temp / "there").has_value());
  CHECK(mode_of(temp / "there") == 0755);
  ::chmod((temp / "there").c_str(), 01777);
  auto const refused = StateDir::open(temp / "there");
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::denied);
  CHECK(mode_of(temp / "there") == 01777);
}

TEST_CASE("without a directory there is an id of its own and nothing on disk") {
  auto dir = StateDir::open("").value();
  CHECK_FALSE(dir.durable());
  CHECK(dir.database().empty());
  CHECK(StateDir::open("").value().runtime_id() != dir.runtime_id());
}

TEST_CASE("a path that is a file is refused by name") {
  TempDir temp;
  temp.write("file", "x");
  auto const refused = StateDir::open(temp / "file");
  REQUIRE(refused.has_error());
  CHECK(refused.error().message.find("file") != std::string::npos);
}

TEST_CASE(
    "a directory is the next runtime's as soon as the last handle is gone, whatever is posted") {
  struct Watcher final : Observer {
  } watcher;
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  options.observer = &watcher;
  Host host(options);
  host.deploy_python("f", kEcho);
  bool answered = false;
  host.runtime().invoke("f", "1", {}, [&](Result<Outcome>) { answered = true; });
  host.io().restart();
  while (!answered) host.io().run_one();  // its record is on the way to the observer
  host.drop_runtime();
  CHECK(Runtime::open(host.io().get_executor(), options).has_value());
}
