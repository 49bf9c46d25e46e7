#include "registry/family.hpp"

#include <doctest/doctest.h>

#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using namespace faas::registry;

TEST_CASE("a version's number is digits from 1 on, and nothing else is one") {
  CHECK(version_number("1") == 1);
  CHECK(version_number("18446744073709551615") == 18446744073709551615u);
  for (auto const no : {"", "0", "01", "-1", "+1", " 1", "1 ", "1a", "0x1", "$LATEST", "live",
                        "18446744073709551616"}) {
    CAPTURE(no);
    CHECK_FALSE(version_number(no));
  }
}

TEST_CASE("of a weighted alias just the share of lots goes to the other version") {
  auto a = alias("f", "live", "1");
  CHECK(routed_version(a, 0) == "1");
  a.weights = {{"2", 0.25}};
  constexpr int kLots = 1000;
  int other = 0;
  for (int lot = 0; lot < kLots; ++lot) other += routed_version(a, double(lot) / kLots) == "2";
  CHECK(other == 250);
  CHECK(routed_version(a, 0.25) == "1");
  CHECK(routed_version(a, 1) == "1");  // beyond every share: weights aside
}

TEST_CASE("a weight of 0 gets no call and a weight of 1 every one") {
  auto a = alias("f", "live", "1");
  a.weights = {{"2", 0.0}};
  CHECK(routed_version(a, 0) == "1");
  a.weights = {{"2", 1.0}};
  CHECK(routed_version(a, 0) == "2");
  CHECK(routed_version(a, 0x1.fffffffffffffp-1) == "2");  // the largest lot
}

TEST_CASE("a function that has nothing beside $LATEST leaves nothing behind") {
  Families families;
  families.at("f").settings.reserved = 1;
  families.tidy("f");
  CHECK(families.find("f") != nullptr);
  families.at("f").settings.reserved.reset();
  families.tidy("f");
  CHECK(families.find("f") == nullptr);
  families.tidy("never");
  families.at("g").versions[1] = "packed";
  families.at("h").aliases["live"] = alias("h", "live", "1");
  families.tidy("g");
  families.tidy("h");
  CHECK(families.find("g") != nullptr);
  CHECK(families.find("h") != nullptr);
  families.drop("g");
  CHECK(families.find("g") == nullptr);
}
