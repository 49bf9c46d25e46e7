#include "http/function_ref.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::http;

namespace {

constexpr Here kHere{"us-east-1", "000000000000"};

std::string exception_of(std::string_view text, std::optional<std::string_view> qualifier = {}) {
  auto const ref = parse_function_ref(text, kHere, qualifier);
  return ref ? "none" : ref.error().exception;
}

}  // namespace

TEST_CASE("a function is named in four ways") {
  struct Row {
    char const* text;
    char const* account;
    char const* qualifier;
  };
  for (auto const& row : {
           Row{"my-f_1", "000000000000", ""},
           Row{"my-f_1:$LATEST", "000000000000", "$LATEST"},
           Row{"my-f_1:7", "000000000000", "7"},
           Row{"function:my-f_1", "000000000000", ""},
           Row{"123456789012:function:my-f_1", "123456789012", ""},
           Row{"123456789012:function:my-f_1:live", "123456789012", "live"},
           Row{"arn:aws:lambda:us-east-1:123456789012:function:my-f_1", "123456789012", ""},
           Row{"arn:aws:lambda:us-east-1:123456789012:function:my-f_1:2", "123456789012", "2"},
       }) {
    CAPTURE(row.text);
    auto const ref = parse_function_ref(row.text, kHere);
    REQUIRE(ref.has_value());
    CHECK(ref->name.name == "my-f_1");
    CHECK(ref->name.account == row.account);
    CHECK(ref->qualifier == row.qualifier);
  }
}

TEST_CASE("a name without an account is one of the account that asks") {
  Here const here{"us-east-1", "111122223333"};
  CHECK(parse_function_ref("f", here)->name.account == "111122223333");
  CHECK(parse_function_ref("function:f:1", here)->name.account == "111122223333");
  CHECK(parse_function_ref("123456789012:function:f", here)->name.account == "123456789012");
}

TEST_CASE("whatever else a client sends as a name is a validation error") {
  for (auto const* text :
       {"", "..", "../f", "a/b", "a b", "f:", ":f", "f:1:2", "f:$latest", "\xc3\xa4", "f.g",
        "12345678901:function:f", "arn:aws:s3:us-east-1:123456789012:function:f",
        "arn:aws:lambda:us-east-1:123456789012:layer:f",
        "arn:aws:lambda:us-east-1:12:function:f"}) {
    CAPTURE(text);
    CHECK(exception_of(text) == "ValidationException");
  }
  CHECK(exception_of(std::string(64, 'a')) == "none");
  CHECK(exception_of(std::string(65, 'a')) == "ValidationException");
  CHECK(exception_of(std::string(141, 'a')) == "ValidationException");
}

TEST_CASE("the region of an ARN is ours") {
  CHECK(exception_of("arn:aws:lambda:eu-west-1:123456789012:function:f") ==
        "ResourceNotFoundException");
}

TEST_CASE("a qualifier given twice must be the same") {
  CHECK(parse_function_ref("f:2", kHere, "2")->qualifier == "2");
  CHECK(parse_function_ref("f", kHere, "2")->qualifier == "2");
  CHECK(exception_of("f:2", "3") == "InvalidParameterValueException");
  CHECK(exception_of("f", "a b") == "ValidationException");
}
