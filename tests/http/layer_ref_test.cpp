#include "http/layer_ref.hpp"

#include <doctest/doctest.h>

#include "support/result.hpp"

using namespace faas;
using namespace faas::http;

namespace {

constexpr Here kHere{"us-east-1", "000000000000"};

std::string named(std::string_view text) {
  auto const name = parse_layer_name(text, kHere);
  return name ? name->account + " " + name->name : name.error().exception;
}

}  // namespace

TEST_CASE("a layer is named by its name or its ARN") {
  CHECK(named("libs") == "000000000000 libs");
  CHECK(named("L-1_x") == "000000000000 L-1_x");
  CHECK(named("arn:aws:lambda:us-east-1:123456789012:layer:libs") == "123456789012 libs");
  CHECK(named("arn:aws-cn:lambda:us-east-1:123456789012:layer:libs") == "123456789012 libs");
  CHECK(named(std::string(64, 'x')) == "000000000000 " + std::string(64, 'x'));
}

TEST_CASE("what names no layer is refused in the words of the service model") {
  for (auto const& text : std::vector<std::string>{
           "", "a b", "ä", "a:b", "libs:1", "arn:aws:lambda:us-east-1:123456789012:layer:",
           "arn:aws:lambda:us-east-1:123456789012:layer:libs:1",
           "arn:aws:lambda:us-east-1:123456789012:layer:libs:",
           "arn:aws:lambda:us-east-1:123456789012:function:libs",
           "arn:aws:lambda:us-east-1:12345678901:layer:libs",
           "arn:aws:s3:us-east-1:123456789012:layer:libs",
           "arn:aws:lambda::123456789012:layer:libs", std::string(65, 'x'),
           std::string(141, 'x')}) {
    CAPTURE(text);
    CHECK(named(text) == "ValidationException");
  }
  CHECK(named("arn:aws:lambda:eu-west-1:123456789012:layer:libs") == "ResourceNotFoundException");
}

TEST_CASE("a version is a number from 1") {
  CHECK(parse_layer_version("1").value() == 1);
  CHECK(parse_layer_version("9223372036854775807").value() == 9223372036854775807u);
  for (auto const* text : {"0", "-1", "9223372036854775808", "000"}) {
    CAPTURE(text);
    CHECK(parse_layer_version(text).error().exception == "InvalidParameterValueException");
  }
  for (auto const* text : {"", "x", "1x", "1.0", " 1", "+1", "-"}) {
    CAPTURE(text);
    CHECK(parse_layer_version(text).error().exception == "ValidationException");
  }
}

TEST_CASE("an ARN of a layer version names all its parts") {
  auto const ref =
      parse_layer_version_arn("arn:aws:lambda:eu-west-1:123456789012:layer:libs:17").value();
  CHECK(ref.name == LayerName{"123456789012", "libs"});
  CHECK(ref.version == 17);
  CHECK(ref.region == "eu-west-1");
  CHECK(layer_version_arn(ref.name, 17, "eu-west-1") ==
        "arn:aws:lambda:eu-west-1:123456789012:layer:libs:17");
  // No version has such a number: nothing is found by it.
  CHECK(parse_layer_version_arn("arn:aws:lambda:r:123456789012:layer:libs:0")->version == 0);
  CHECK(parse_layer_version_arn("arn:aws:lambda:r:123456789012:layer:l:99999999999999999999")
            ->version == 0);
  for (auto const& text : std::vector<std::string>{
           "", "libs", "libs:1", "arn:aws:lambda:r:123456789012:layer:libs",
           "arn:aws:lambda:r:123456789012:layer:libs:",
           "arn:aws:lambda:r:123456789012:layer:libs:x",
           "arn:aws:lambda:r:123456789012:layer:libs:1:2",
           "arn:aws:lambda:r:123456789012:layer:a b:1",
           "arn:aws:lambda:r:123456789012:layer:" + std::string(110, 'x') + ":1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_layer_version_arn(text).has_value());
  }
}
