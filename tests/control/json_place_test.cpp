#include "control/json_place.hpp"

#include <doctest/doctest.h>

#include "support/result.hpp"

using namespace faas::control;

TEST_CASE("a key of the outermost object has a line") {
  constexpr auto kText = "{\n \"a\": {\"b\":\n 1},\n \"b\": \"x\\\"y: \\n{\",\n \"c\"\n:2}";
  CHECK(line_of_key(kText, "a") == 2);
  CHECK(line_of_key(kText, "b") == 4);
  CHECK(line_of_key(kText, "c") == 5);
  CHECK(line_of_key(kText, "none") == 1);
}

TEST_CASE("a key that is there twice is found, one level deep") {
  CHECK(repeated_key(R"({"a":1,"b":{"a":2}})").empty());
  CHECK(repeated_key(R"({"a":1,"b":2,"\u0061":3})") == "a");
}

TEST_CASE("what is not JSON is placed") {
  CHECK(parse_json("{\n\"a\" 1}").error().message.starts_with("2:5: "));
  CHECK(parse_json("{}"));
}
