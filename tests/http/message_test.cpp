#include "http/message.hpp"

#include <doctest/doctest.h>

using namespace faas::http;

TEST_CASE("a header is found whatever the case of its name, and the first one counts") {
  std::vector<Header> const headers{{"X-Name", "first"}, {"x-name", "second"}, {"Y", ""}};
  CHECK(find_header(headers, "x-NAME") == "first");
  CHECK(find_header(headers, "Y").empty());
  CHECK(find_header(headers, "X-Nam").empty());
  CHECK(find_header(std::vector<Header>{}, "X-Name").empty());
}

TEST_CASE("only ASCII letters have a case") {
  CHECK(same_without_case("aZ09-", "Az09-"));
  CHECK_FALSE(same_without_case("@", "`"));  // 0x20 apart, as A and a are
  CHECK_FALSE(same_without_case("[", "{"));
  CHECK_FALSE(same_without_case("a", "ab"));
  CHECK(same_without_case("", ""));
}

TEST_CASE("a parameter that is empty is not one that is missing, and the first one counts") {
  Target const target{{}, {{"a", "1"}, {"a", "2"}, {"empty", ""}}};
  CHECK(target.parameter("a") == "1");
  CHECK(target.parameter("empty") == "");
  CHECK_FALSE(target.parameter("b"));
  CHECK_FALSE(target.parameter("A"));
}

TEST_CASE("a response says what its body is") {
  auto const json = json_response(404, "{}");
  CHECK(json.status == 404);
  CHECK(json.body == "{}");
  CHECK(find_header(json.headers, "content-type") == "application/json");
  auto const text = text_response(200, "ok\n");
  CHECK(find_header(text.headers, "content-type") == "text/plain; charset=utf-8");
}
