#include "sandbox/uid_pool.hpp"

#include <doctest/doctest.h>

#include <set>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::sandbox;

TEST_CASE("ids are of the range, each given out once") {
  test::TempDir directory;
  auto pool = UidPool::open(directory / "uids", 1000, 300).value();
  std::set<std::uint32_t> ids;
  for (int i = 0; i < 300; ++i) ids.insert(pool.take().value());
  CHECK(ids.size() == 300);
  CHECK(*ids.begin() == 1000);
  CHECK(*ids.rbegin() == 1299);
  auto const none = pool.take();
  REQUIRE(none.has_error());
  CHECK(none.error().code == Errc::throttled);
  CHECK(none.error().message.find("300") != std::string::npos);
  pool.give_back(1234);
  CHECK(pool.take().value() == 1234);
}

TEST_CASE("pools of one range never share an id, and a pool's end frees its ids") {
  test::TempDir directory;
  auto one = UidPool::open(directory / "uids", 512, 512).value();
  std::set<std::uint32_t> ids;
  {
    auto two = UidPool::open(directory / "uids", 512, 512).value();
    for (int i = 0; i < 256; ++i) {
      CHECK(ids.insert(one.take().value()).second);
      CHECK(ids.insert(two.take().value()).second);
    }
    CHECK(one.take().has_error());
  }
  CHECK(one.take().has_value());
}

TEST_CASE("an id rests before it is used again") {
  test::TempDir directory;
  auto pool = UidPool::open(directory / "uids", 0x10000, 100).value();
  auto const id = pool.take().value();
  pool.give_back(id);
  CHECK(pool.take().value() != id);
}
