#include "registry/layers.hpp"

#include <doctest/doctest.h>

#include "registry/validate.hpp"
#include "support/temp_dir.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using registry::Layers;

namespace {

constexpr std::string_view kAccount = kDefaultAccount;

LayerInfo layer(std::string name, char digit = 'a') {
  LayerInfo info;
  info.layer.name.name = std::move(name);
  info.layer.code = {std::string(64, digit)};
  info.layer.description = "välue";
  info.layer.license = "Apache-2.0";
  info.layer.runtimes = {"python3.11", "nodejs20.x"};
  info.layer.architectures = {"x86_64"};
  info.code_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  info.code_size = {100};
  info.created = SystemTime(std::chrono::nanoseconds(1'718'000'000'123'456'789));
  return info;
}

struct Shop {
  TempDir directory;
  std::unique_ptr<store::Store> store;
  std::optional<Layers> layers;

  Shop() { open(); }
  void open() {
    layers.reset();
    store.reset();
    store = store::Store::open({.path = directory.path() + "/faas.db"}).value();
    layers.emplace(Layers::open(*store).value());
  }
  std::uint64_t publish(LayerInfo info) {
    std::promise<Result<LayerInfo>> done;
    layers->publish(std::move(info), [&](Result<LayerInfo> r) { done.set_value(std::move(r)); });
    return done.get_future().get().value().version;
  }
  void remove(std::string name, std::uint64_t version) {
    std::promise<Result<void>> done;
    layers->remove({.name = std::move(name)}, version,
                   [&](Result<void> r) { done.set_value(std::move(r)); });
    REQUIRE(done.get_future().get().has_value());
  }
  // "a:2 b:1 "
  std::string page(std::string_view after = "", std::size_t most = 10, LayerFilter filter = {}) {
    return names(layers->page(kAccount, after, most, filter));
  }
  std::string versions(std::string name, std::uint64_t before = 0, std::size_t most = 10,
                       LayerFilter filter = {}) {
    return names(layers->versions({.name = std::move(name)}, before, most, filter));
  }
  static std::string names(std::vector<LayerInfo> const& infos) {
    std::string out;
    for (auto const& i : infos) out += i.layer.name.name + ":" + std::to_string(i.version) + " ";
    return out;
  }
};

}  // namespace

TEST_CASE("a published version is read back as it was, also after a restart") {
  Shop shop;
  CHECK(shop.publish(layer("a")) == 1);
  for (int i = 0; i < 2; ++i) {
    auto const back = shop.layers->get({.name = "a"}, 1).value();
    CHECK(back.layer == layer("a").layer);
    CHECK(back.code_sha256 == layer("a").code_sha256);
    CHECK(back.code_size == Bytes{100});
    CHECK(back.created == layer("a").created);
    CHECK(back.version == 1);
    shop.open();
  }
  for (auto const version : {std::uint64_t{0}, std::uint64_t{2}, ~std::uint64_t{0}})
    CHECK(shop.layers->get({.name = "a"}, version).error().reason == "ResourceNotFoundException");
  CHECK(shop.layers->get({.name = "b"}, 1).error().code == Errc::not_found);
  CHECK(shop.layers->get({"123456789012", "a"}, 1).error().code == Errc::not_found);
}

TEST_CASE("the number of a removed version never comes back, though none is left") {
  Shop shop;
  shop.publish(layer("a"));
  shop.publish(layer("a"));
  shop.remove("a", 2);
  CHECK(shop.publish(layer("a")) == 3);
  for (auto const version : {1, 3}) shop.remove("a", static_cast<std::uint64_t>(version));
  CHECK(shop.page().empty());
  shop.open();
  CHECK(shop.page().empty());
  CHECK(shop.publish(layer("a")) == 4);
  CHECK(shop.publish(layer("b")) == 1);
  shop.remove("a", 7);
  shop.remove("a", ~std::uint64_t{0});
  shop.remove("c", 1);
  CHECK(shop.page() == "a:4 b:1 ");
}

TEST_CASE("layers are listed by name with their newest version, versions from the newest") {
  Shop shop;
  for (auto name : {"b", "a", "c", "a"}) shop.publish(layer(name));
  auto foreign = layer("aa");
  foreign.layer.name.account = "123456789012";
  shop.publish(foreign);
  CHECK(shop.page() == "a:2 b:1 c:1 ");
  CHECK(shop.page("", 2) == "a:2 b:1 ");
  CHECK(shop.page("a") == "b:1 c:1 ");
  CHECK(shop.page("c").empty());
  shop.publish(layer("a"));
  CHECK(shop.versions("a") == "a:3 a:2 a:1 ");
  CHECK(shop.versions("a", 3) == "a:2 a:1 ");
  CHECK(shop.versions("a", 0, 1) == "a:3 ");
  CHECK(shop.versions("a", 1).empty());
  CHECK(shop.versions("nobody").empty());
}

TEST_CASE("a filter shows the newest version that matches, and versions that name nothing not") {
  Shop shop;
  shop.publish(layer("a"));
  auto other = layer("a");
  other.layer.runtimes = {"provided.al2023"};
  other.layer.architectures = {};
  shop.publish(other);
  CHECK(shop.page("", 10, {.runtime = "python3.11"}) == "a:1 ");
  CHECK(shop.page("", 10, {.runtime = "provided.al2023"}) == "a:2 ");
  CHECK(shop.page("", 10, {.runtime = "java21"}).empty());
  CHECK(shop.page("", 10, {.architecture = "x86_64"}) == "a:1 ");
  CHECK(shop.versions("a", 0, 10, {.runtime = "provided.al2023", .architecture = "x86_64"}) == "");
  CHECK(shop.versions("a", 0, 10, {.runtime = "nodejs20.x"}) == "a:1 ");
}

TEST_CASE("a package is used while a version has it, and counts once for its account") {
  Shop shop;
  shop.publish(layer("a", 'a'));
  shop.publish(layer("b", 'a'));
  shop.publish(layer("b", 'b'));
  CHECK(shop.layers->usage(kAccount) == Bytes{200});
  CHECK(shop.layers->usage("123456789012") == Bytes{0});
  shop.remove("a", 1);
  CHECK(shop.layers->uses({std::string(64, 'a')}));
  shop.remove("b", 1);
  CHECK_FALSE(shop.layers->uses({std::string(64, 'a')}));
  shop.open();
  CHECK(shop.layers->uses({std::string(64, 'b')}));
  CHECK_FALSE(shop.layers->uses({std::string(64, 'a')}));
}

TEST_CASE("a row that cannot be read is not served and stays, and its number does not come back") {
  Shop shop;
  shop.publish(layer("a"));
  shop.publish(layer("a"));
  for (auto const* damage : {"{", "{}", R"({"code":7})", "[]"}) {
    CAPTURE(damage);
    auto const done = shop.store->run([&](store::Transaction& t) -> Result<void> {
      auto r = t.execute("UPDATE layer_versions SET info = ? WHERE version = 2", {damage});
      return r ? Result<void>() : r.error();
    });
    REQUIRE(done.has_value());
    shop.open();
    CHECK(shop.page() == "a:1 ");
  }
  CHECK(shop.publish(layer("a")) == 3);
}

TEST_CASE("a layer's name, texts and lists are checked") {
  auto const refused = [](auto change) {
    auto l = layer("a").layer;
    change(l);
    auto const valid = registry::validate(l);
    return valid ? std::string() : valid.error().message;
  };
  CHECK(refused([](Layer&) {}).empty());
  CHECK(refused([](Layer& l) { l.name.name = std::string(64, 'x'); }).empty());
  for (auto const& name : std::vector<std::string>{"", "a b", "ä", "a:1", std::string(65, 'x')})
    CHECK(refused([&](Layer& l) { l.name.name = name; }).find("layerName") != std::string::npos);
  CHECK(refused([](Layer& l) { l.name.account = "1"; }).find("account") != std::string::npos);
  CHECK(refused([](Layer& l) { l.code.hex = "x"; }).find("code") != std::string::npos);
  CHECK(refused([](Layer& l) { l.code.hex = ""; }).find("code") != std::string::npos);
  CHECK(refused([](Layer& l) { l.description = std::string(257, 'x'); }).find("description") !=
        std::string::npos);
  CHECK(refused([](Layer& l) { l.license = std::string(513, 'x'); }).find("licenseInfo") !=
        std::string::npos);
  CHECK(refused([](Layer& l) { l.license = std::string(512, 'x'); }).empty());
  CHECK(refused([](Layer& l) { l.runtimes = std::vector<std::string>(16, "x"); }).find("15") !=
        std::string::npos);
  CHECK(refused([](Layer& l) { l.runtimes = {"a b"}; }).find("compatibleRuntimes") !=
        std::string::npos);
  CHECK(refused([](Layer& l) { l.architectures = {"mips"}; }).find("compatibleArchitectures") !=
        std::string::npos);
  CHECK_FALSE(refused([](Layer& l) { l.architectures = {"arm64", "arm64", "arm64"}; }).empty());
}
