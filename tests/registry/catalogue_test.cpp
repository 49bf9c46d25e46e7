#include "registry/catalogue.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

#include "registry/packed.hpp"
#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using namespace faas::registry;

namespace {

FunctionInfo of(std::string account, std::string name, char code, std::uint64_t revision = 1,
                std::uint64_t size = 10) {
  auto f = function(std::move(name));
  f.name.account = std::move(account);
  f.code = {std::string(64, code)};
  auto i = info(std::move(f));
  i.revision = RevisionId{revision};
  i.code_size = {size};
  return i;
}

}  // namespace

TEST_CASE("a catalogue finds what was set last, and nothing that was dropped") {
  Catalogue catalogue;
  std::map<FunctionName, RevisionId> model;
  std::mt19937 random(1);
  for (unsigned step = 1; step <= 20'000; ++step) {
    auto const name = "f" + std::to_string(random() % 500);
    auto const i = of(random() % 2 ? "1" : "2", name, 'a', step);
    if (random() % 3 == 0) {
      catalogue.drop(i.function.name);
      model.erase(i.function.name);
    } else {
      catalogue.set(i);
      model[i.function.name] = i.revision;
    }
  }
  CHECK(catalogue.size() == model.size());
  for (unsigned n = 0; n < 500; ++n) {
    for (auto const account : {"1", "2"}) {
      FunctionName const name(account, "f" + std::to_string(n));
      auto const known = model.find(name);
      auto const found = catalogue.revision(name);
      CHECK(found.has_value() == (known != model.end()));
      CHECK(catalogue.find(name).empty() == (known == model.end()));
      if (found) CHECK(*found == known->second);
      if (found) CHECK(unpack(catalogue.find(name)).function.name == name);
    }
  }
  auto at = model.begin();
  catalogue.each_name([&](FunctionName const& name) { return name == (at++)->first; });
  CHECK(at == model.end());
}

TEST_CASE("account and name are two texts, not one") {
  Catalogue catalogue;
  catalogue.set(of("1", "23", 'a'));
  CHECK_FALSE(catalogue.revision({"12", "3"}));
  CHECK_FALSE(catalogue.revision({"", "123"}));
  CHECK_FALSE(catalogue.revision({"23", "1"}));
  CHECK(catalogue.revision({"1", "23"}));
}

TEST_CASE("code that functions of one account share counts once, until the last of them goes") {
  Catalogue catalogue;
  catalogue.set(of("1", "a", 'a', 1, 10));
  catalogue.set(of("1", "b", 'a', 2, 10));
  catalogue.set(of("1", "c", 'b', 3, 5));
  catalogue.set(of("2", "a", 'a', 4, 10));
  CHECK(catalogue.usage("1").functions == 3);
  CHECK(catalogue.usage("1").code == Bytes{15});
  CHECK(catalogue.usage("2").code == Bytes{10});
  CHECK(catalogue.usage("3").functions == 0);
  catalogue.set(of("1", "c", 'c', 5, 7));
  CHECK(catalogue.usage("1").code == Bytes{17});
  CHECK_FALSE(catalogue.uses({std::string(64, 'b')}));
  catalogue.drop({"1", "a"});
  CHECK(catalogue.usage("1").code == Bytes{17});
  catalogue.drop({"1", "b"});
  CHECK(catalogue.usage("1").code == Bytes{7});
  CHECK(catalogue.uses({std::string(64, 'a')}));
  catalogue.drop({"2", "a"});
  CHECK_FALSE(catalogue.uses({std::string(64, 'a')}));
  CHECK(catalogue.usage("2").functions == 0);
}

TEST_CASE("a package is used while a function has it as a layer, and counts for no code") {
  Catalogue catalogue;
  Digest const layer{std::string(64, 'b')};
  auto one = info(function("one")), two = info(function("two"));
  one.function.layers = {layer, layer};
  two.function.layers = {layer};
  catalogue.set(one);
  catalogue.set(two);
  CHECK(catalogue.uses(layer));
  CHECK(catalogue.usage(kDefaultAccount).code == Bytes{1234});
  one.function.layers.clear();
  catalogue.set(one);
  CHECK(catalogue.uses(layer));
  catalogue.drop(two.function.name);
  CHECK_FALSE(catalogue.uses(layer));
  CHECK(catalogue.uses(one.function.code));
}
