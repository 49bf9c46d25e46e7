#include "posture/lines.hpp"

#include <doctest/doctest.h>

using namespace faas::test;

TEST_CASE("a difference shows what is missing and what is too much, and nothing else") {
  CHECK(difference({"a", "b", "c"}, {"a", "x", "c", "d"}) == Lines{"- b", "+ x", "+ d"});
  CHECK(difference({"a"}, {"a"}).empty());
}
