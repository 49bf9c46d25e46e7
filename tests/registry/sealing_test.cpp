// A database that is opened with a key for the first time, and after.
#include "registry/sealing.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "registry/json.hpp"
#include "support/temp_dir.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::Registry;
using registry::Secrets;

namespace {

constexpr std::string_view kMarker = "canary-5f1d7c";

Secrets key(char byte) { return Secrets::of(std::string(32, byte)).value(); }

FunctionInfo secret(std::string name) {
  auto f = function(std::move(name));
  f.environment = {{"TOKEN", std::string(kMarker)}};
  return info(std::move(f));
}

struct Shop {
  TempDir directory;
  std::unique_ptr<store::Store> store;
  std::optional<Registry> registry;

  Result<void> open(Secrets secrets) {
    close();
    store = store::Store::open({.path = directory.path() + "/faas.db"}).value();
    auto opened = Registry::open(*store, std::move(secrets));
    if (!opened) return opened.error();
    registry.emplace(std::move(*opened));
    return {};
  }
  void close() {
    registry.reset();
    store.reset();
  }
  FunctionInfo publish(std::string name) {
    Waiter w;
    registry::Publish wish;
    wish.function = FunctionName(std::move(name));
    wish.revision_uuid = "uuid-p";
    registry->publish(wish, w.done());
    return w.get().value();
  }
  // How often the marker stands in the files of the database.
  std::size_t marks() const {
    std::size_t count = 0;
    for (auto const& file : std::filesystem::directory_iterator(directory.path())) {
      std::ifstream in(file.path(), std::ios::binary);
      std::string const bytes(std::istreambuf_iterator<char>(in), {});
      for (auto at = bytes.find(kMarker); at != std::string::npos; at = bytes.find(kMarker, at + 1))
        ++count;
    }
    return count;
  }
  void check_served(std::string name) const {
    CHECK(registry->get(FunctionName(std::move(name))).value().function.environment.at("TOKEN") ==
          kMarker);
  }
};

}  // namespace

TEST_CASE("with a key from the start no environment reaches the disk in clear") {
  Shop shop;
  REQUIRE(shop.open(key('a')).has_value());
  CHECK(add(*shop.registry, secret("f")).has_value());
  CHECK(put(*shop.registry, secret("f")).has_value());
  CHECK(shop.publish("f").version == "1");
  CHECK(shop.marks() == 0);
  shop.close();
  CHECK(shop.marks() == 0);
  REQUIRE(shop.open(key('a')).has_value());
  shop.check_served("f");
  CHECK(shop.registry->get("f", "1").value().function.environment.at("TOKEN") == kMarker);
}

TEST_CASE("the first open with a key seals what was in clear, and wipes what was removed before") {
  Shop shop;
  REQUIRE(shop.open({}).has_value());
  for (int i = 0; i < 600; ++i)
    REQUIRE(add(*shop.registry, secret("f" + std::to_string(i))).has_value());
  CHECK(add(*shop.registry, info(function("plain"))).has_value());
  CHECK(shop.publish("f1").version == "1");
  for (int i = 300; i < 600; ++i)
    CHECK(remove(*shop.registry, FunctionName("f" + std::to_string(i))).has_value());
  CHECK(shop.marks() > 300);
  shop.close();
  CHECK(shop.marks() > 300);

  REQUIRE(shop.open(key('a')).has_value());
  CHECK(shop.marks() == 0);
  shop.check_served("f299");
  shop.close();
  CHECK(shop.marks() == 0);
  REQUIRE(shop.open(key('a')).has_value());
  CHECK(shop.registry->size() == 301);
  for (int i = 0; i < 300; ++i) shop.check_served("f" + std::to_string(i));
  CHECK(shop.registry->get("f1", "1").value().function.environment.at("TOKEN") == kMarker);
  CHECK(shop.registry->damaged().empty());
}

TEST_CASE("a kill between the sealing and the wiping is made good by the next open") {
  Shop shop;
  REQUIRE(shop.open({}).has_value());
  // Debian's SQLite clears what is deleted; others do not.
  auto const careless = shop.store->run([](store::Transaction& t) {
    return t.query("PRAGMA secure_delete = OFF", {},
                   [](store::Row const&) -> Result<void> { return {}; });
  });
  REQUIRE(careless.has_value());
  for (int i = 0; i < 50; ++i)
    REQUIRE(add(*shop.registry, secret("g" + std::to_string(i))).has_value());
  for (int i = 0; i < 50; ++i)
    REQUIRE(remove(*shop.registry, FunctionName("g" + std::to_string(i))).has_value());
  auto const stored = add(*shop.registry, secret("f")).value();
  // As such a kill leaves it: the row is sealed, old pages hold what it was.
  auto const sealed = shop.store->run([&](store::Transaction& t) -> Result<void> {
    auto r = t.execute("UPDATE functions SET info = ? WHERE name = 'f'",
                       {registry::to_json(stored, key('a'))});
    return r ? Result<void>() : r.error();
  });
  REQUIRE(sealed.has_value());
  shop.close();
  CHECK(shop.marks() > 0);
  REQUIRE(shop.open(key('a')).has_value());
  CHECK(shop.marks() == 0);
  shop.check_served("f");
}

TEST_CASE("another key, and none, are refused, and the message names the key that is wanted") {
  Shop shop;
  REQUIRE(shop.open(key('a')).has_value());
  REQUIRE(add(*shop.registry, secret("f")).has_value());
  for (auto const& wrong : {key('b'), Secrets()}) {
    auto const refused = shop.open(wrong);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::denied);
    CHECK(refused.error().reason == "SecretsKeyWrong");
    CHECK(refused.error().message.find(key('a').key_id()) != std::string::npos);
  }
  REQUIRE(shop.open(key('a')).has_value());
  shop.check_served("f");
}

TEST_CASE("what was stored in clear in between is sealed again by the next open with a key") {
  Shop shop;
  REQUIRE(shop.open(key('a')).has_value());
  REQUIRE(shop.open({}).has_value());
  REQUIRE(add(*shop.registry, secret("f")).has_value());
  shop.close();
  CHECK(shop.marks() > 0);
  REQUIRE(shop.open(key('b')).has_value());
  CHECK(shop.marks() == 0);
  shop.check_served("f");
}

TEST_CASE("rows whose environments were swapped are damage, not served with the other's secrets") {
  Shop shop;
  REQUIRE(shop.open(key('a')).has_value());
  for (auto const* name : {"f", "g"}) REQUIRE(add(*shop.registry, secret(name)).has_value());
  auto const swapped = shop.store->run([](store::Transaction& t) -> Result<void> {
    auto r = t.execute(
        "UPDATE functions SET info = json_set(info, '$.sealed', json((SELECT"
        " json_extract(info, '$.sealed') FROM functions WHERE name = 'g'))) WHERE name = 'f'");
    return r ? Result<void>() : r.error();
  });
  REQUIRE(swapped.has_value());
  REQUIRE(shop.open(key('a')).has_value());
  CHECK(shop.registry->get("f").error().code == Errc::not_found);
  CHECK(shop.registry->damaged().size() == 1);
  shop.check_served("g");
}
