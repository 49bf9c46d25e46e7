#include "http/tags.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace faas;
using namespace faas::http;

namespace {

Tags numbered(int count) {
  Tags tags;
  for (int i = 0; i < count; ++i) tags[fmt::format("k{}", i)] = "v";
  return tags;
}

}  // namespace

TEST_CASE("tags have Lambda's limits, to the last one that is allowed") {
  CHECK(check_tags({}).has_value());
  CHECK(check_tags(numbered(50)).has_value());
  CHECK(check_tags(numbered(51)).error().message.find("these are 51") != std::string::npos);
  CHECK(check_tags({{std::string(128, 'k'), std::string(256, 'v')}}).has_value());
  CHECK(check_tags({{std::string(129, 'k'), ""}}).has_error());
  CHECK(check_tags({{"k", std::string(257, 'v')}}).has_error());
  CHECK(check_tags({{"", "v"}}).has_error());
  CHECK(check_tags({{"aws:k", "v"}}).has_error());
  CHECK(check_tags({{"aws", "v"}, {"k", ""}}).has_value());
}

TEST_CASE("tags come back from where they are kept") {
  Tags const tags{{"a", "\"\n"}, {"\xc3\xa4", ""}};
  FunctionSettings settings;
  settings.attributes[tags_key()] = to_attribute(tags);
  CHECK(tags_of(settings) == tags);
  CHECK(tags_of({}).empty());
  settings.attributes[tags_key()] = "{damaged";
  CHECK(tags_of(settings).empty());
}
