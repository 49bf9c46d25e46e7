#include <doctest/doctest.h>

#include <future>

#include "code/fixture.hpp"

using namespace faas;
using namespace faas::test;

namespace {

Digest stored(Workshop& shop, ZipBuilder const& zip) {
  return shop.store(zip.finish()).value().digest;
}

constexpr unsigned kLink = 0120777;

}  // namespace

TEST_CASE("layers become one tree in which a later one's file takes an earlier one's place") {
  Workshop shop;
  auto const lower = stored(shop, ZipBuilder()
                                      .add("bin/tool", "old", 0100755)
                                      .add("lib/a", "a")
                                      .add("lib/b", "lower b")
                                      .add("only", "lower"));
  auto const upper =
      stored(shop, ZipBuilder().add("lib/b", "upper b", 0100755).add("lib/c/d", "d").add("e", ""));
  std::vector const order{lower, upper};
  auto const tree = shop.cache().pin(order).value();
  CHECK(describe(tree.path()) ==
        "0755 bin/\n0755 bin/tool old\n0644 e \n0755 lib/\n0644 lib/a a\n0755 lib/b upper b\n"
        "0755 lib/c/\n0644 lib/c/d d\n0644 only lower\n");
  CHECK(tree.untouched());
  for (auto path : {"", "lib", "lib/b", "lib/c"}) {
    struct stat status {};
    REQUIRE(::stat((tree.path() / path).c_str(), &status) == 0);
    CHECK(status.st_mtime == 0);
  }

  std::vector const other{upper, lower};
  auto const reversed = shop.cache().pin(other).value();
  CHECK(reversed.path() != tree.path());
  CHECK(read_file(reversed.path() / "lib/b") == "lower b");
  // Nothing of the packages' own trees was taken for it.
  CHECK(read_file(shop.cache().pin(lower).value().path() / "lib/b") == "lower b");
  CHECK(names_in(shop.path("tmp")).empty());
}

TEST_CASE("a layer's file may take a directory's place, and its directory a file's or a link's") {
  Workshop shop;
  auto const lower = stored(shop, ZipBuilder()
                                      .add("d/x", "1")
                                      .add("d/y/z", "2")
                                      .add("f", "file")
                                      .add("real/t", "t")
                                      .add("l", "real", kLink));
  auto const upper =
      stored(shop, ZipBuilder().add("d", "now a file").add("f/g", "3").add("l/m", "4"));
  std::vector const order{lower, upper};
  auto const tree = shop.cache().pin(order).value();
  CHECK(describe(tree.path()) ==
        "0644 d now a file\n0755 f/\n0644 f/g 3\n0755 l/\n0644 l/m 4\n0755 real/\n0644 real/t t\n");
}

TEST_CASE("a link of an upper layer replaces a directory, and what it names stays as it is") {
  Workshop shop;
  auto const lower = stored(shop, ZipBuilder().add("l/x", "1").add("keep/y", "2"));
  auto const upper = stored(shop, ZipBuilder().add("keep/z", "3").add("l", "keep", kLink));
  std::vector const order{lower, upper};
  auto const tree = shop.cache().pin(order).value();
  CHECK(fs::read_symlink(tree.path() / "l") == "keep");
  CHECK(names_in(tree.path() / "keep") == std::vector<std::string>{"y", "z"});
}

TEST_CASE("one layer alone is the package's own tree") {
  Workshop shop;
  auto const only = stored(shop, ZipBuilder().add("x", "1"));
  auto const tree = shop.cache().pin(std::span(&only, 1)).value();
  CHECK(tree.path() == shop.cache().pin(only).value().path());
  CHECK(tree.was_cached());
}

TEST_CASE("a merged tree is built once for those who hold it, and again after a restart") {
  Workshop shop;
  std::vector const order{stored(shop, ZipBuilder().add("x", "1")),
                          stored(shop, ZipBuilder().add("y", "2"))};
  {
    auto const first = shop.cache().pin(order).value();
    CHECK_FALSE(first.was_cached());
    CHECK(shop.cache().pin(order).value().was_cached());
  }
  // Nobody holds it: it rests.
  CHECK(shop.cache().pin(order).value().was_cached());
  shop.open();
  auto const again = shop.cache().pin(order).value();
  CHECK_FALSE(again.was_cached());
  CHECK(describe(again.path()) == "0644 x 1\n0644 y 2\n");
}

TEST_CASE("many pins of one merged tree at once build it once") {
  Workshop shop;
  std::vector const order{stored(shop, ZipBuilder().add("x", std::string(1 << 20, 'x'))),
                          stored(shop, ZipBuilder().add("y", "2"))};
  std::vector<std::future<Tree>> pins;
  for (int i = 0; i < 8; ++i) {
    pins.push_back(std::async(std::launch::async, [&] { return shop.cache().pin(order).value(); }));
  }
  std::vector<Tree> trees;
  for (auto& pin : pins) trees.push_back(pin.get());
  for (auto const& tree : trees) CHECK(tree.path() == trees.front().path());
  CHECK(names_in(shop.path("trees")).size() == 3);
  CHECK(names_in(shop.path("quarantine")).empty());
}

TEST_CASE("of the merged trees that nobody holds the last eight stay") {
  Workshop shop;
  std::vector<Digest> packages;
  for (int i = 0; i < 12; ++i)
    packages.push_back(stored(shop, ZipBuilder().add("x", std::to_string(i))));
  std::vector const held_order{packages[0], packages[1]};
  auto const held = shop.cache().pin(held_order).value();
  for (int i = 1; i < 12; ++i) {
    std::vector const order{packages[0], packages[static_cast<std::size_t>(i)]};
    CHECK(shop.cache().pin(order).has_value());
  }
  // Twelve packages, the one that is held, eight that rest.
  CHECK(names_in(shop.path("trees")).size() == 12 + 1 + 8);
  CHECK(read_file(held.path() / "x") == "1");
  std::vector const last{packages[0], packages[11]}, oldest{packages[0], packages[2]};
  CHECK(shop.cache().pin(last).value().was_cached());
  CHECK_FALSE(shop.cache().pin(oldest).value().was_cached());
}

TEST_CASE("a merged tree that somebody wrote to is set aside and built anew (K12)") {
  Workshop shop;
  std::vector const order{stored(shop, ZipBuilder().add("x", "1")),
                          stored(shop, ZipBuilder().add("y", "2"))};
  auto const held = shop.cache().pin(order).value();
  write_file(held.path() / "x", "evil");
  CHECK_FALSE(held.untouched());
  auto const again = shop.cache().pin(order).value();
  CHECK_FALSE(again.was_cached());
  CHECK(describe(again.path()) == "0644 x 1\n0644 y 2\n");
  CHECK(again.untouched());
  CHECK(names_in(shop.path("quarantine")) ==
        std::vector{"tree-" + again.path().filename().string()});
}

TEST_CASE("a layer whose upload is damaged is refused, and a layer that is not stored") {
  Workshop shop;
  auto const whole = stored(shop, ZipBuilder().add("x", "1"));
  auto const zip = ZipBuilder().add("y", "2").finish();
  auto const damaged = shop.store(zip).value().digest;
  std::vector const order{whole, damaged};
  auto bytes = zip;
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(shop.cache().upload(damaged).value(), std::ios::binary) << bytes;
  CHECK(shop.cache().pin(order).error().code == Errc::corrupt);
  CHECK(names_in(shop.path("tmp")).empty());

  std::vector const unknown{whole, Digest{std::string(64, '0')}};
  CHECK(shop.cache().pin(unknown).error().code == Errc::not_found);
  CHECK(shop.cache().pin(std::span<Digest const>()).error().code == Errc::invalid_argument);
}

TEST_CASE("removing a layer's package leaves the merged tree to those who hold it") {
  Workshop shop;
  std::vector const order{stored(shop, ZipBuilder().add("x", "1")),
                          stored(shop, ZipBuilder().add("y", "2"))};
  auto const held = shop.cache().pin(order).value();
  CHECK(shop.cache().remove(order[1]).has_value());
  CHECK(read_file(held.path() / "y") == "2");
  CHECK(shop.cache().pin(order).error().code == Errc::not_found);
}
