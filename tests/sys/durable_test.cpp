#include "sys/durable.hpp"

#include <vector>

#include "synced.hpp"
#include "words.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a published file has its new name only, and that name is on the disk") {
  TempDir const dir;
  dir.write("draft", "content");
  std::filesystem::create_directory(dir / "there");
  std::vector<std::string> synced;
  SyncWatch const watch([&](auto& path) {
    synced.push_back(path);
    CHECK(exists(dir / "there/final"));
  });
  REQUIRE(sys::publish(dir / "draft", dir / "there/final").has_value());
  CHECK(content(dir / "there/final") == "content");
  CHECK_FALSE(exists(dir / "draft"));
  CHECK(synced == std::vector{dir / "there"});
}

TEST_CASE("nothing is published over what is there: both files stay as they are") {
  TempDir const dir;
  dir.write("draft", "new");
  dir.write("final", "old");
  auto const published = sys::publish(dir / "draft", dir / "final");
  REQUIRE_FALSE(published.has_value());
  CHECK(published.error().code == Errc::conflict);
  CHECK(content(dir / "final") == "old");
  CHECK(content(dir / "draft") == "new");
  CHECK(sys::publish(dir / "nothing", dir / "other").error().code == Errc::not_found);
}

TEST_CASE("the directory of a path is the one before its last slash") {
  TempDir const dir;
  std::string synced;
  SyncWatch const watch([&](auto& path) { synced = path; });
  REQUIRE(sys::sync_parent(dir / "a").has_value());
  CHECK(synced == dir.path());
  REQUIRE(sys::sync_parent("/a").has_value());
  CHECK(synced == "/");
  REQUIRE(sys::sync_parent("a").has_value());
  CHECK(synced == std::filesystem::current_path().string());
  auto const missing = sys::sync_parent(dir / "no/such");
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().message.find(dir / "no") != std::string::npos);
}
