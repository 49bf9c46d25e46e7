#include <doctest/doctest.h>

#include <faas/manifest.hpp>

#include "support/result.hpp"

using namespace faas;

namespace {

Manifest sample() {
  Manifest m;
  m.stack = "shop";
  m.stack_named = true;
  ManifestFunction f;
  f.name = "hello";
  f.runtime = "python3.11";
  f.handler = "app.handler";
  f.code = "code/hello.zip";
  f.memory = 256;
  f.tmp = 1024;
  f.capacity = 2;
  f.environment = {
      {"PLAIN", "text"}, {"PORT", "8080"},          {"YES", "yes"},
      {"EMPTY", ""},     {"LINES", "a\n\"b\"\t\\"}, {"ODD", "h\u00e9 \u2603: # - \x7f"},
      {"null", "null"},  {"SIGN", "!Ref x"},        {"DOTS", "...\n..."}};
  f.environment[std::string(2000, 'N')] = "long";
  f.description = "says: hello";
  f.layers = {"arn:aws:lambda:us-east-1:000000000000:layer:l:1"};
  f.tags = {{"a b", "c"}};
  f.reserved = ReservedCalls{5};
  f.aliases = {{"live", {"published", {{"2", 12.5}}, "d"}}, {"old", {"1", {}, ""}}};
  f.provisioned = {{"live", 2}};
  ManifestFunction g;
  g.name = "7";
  g.runtime = "provided";
  g.handler = "bootstrap";
  g.reserved = ReservedCalls{};
  m.functions = {f, g};
  return m;
}

void check_same(ManifestFunction const& a, ManifestFunction const& b) {
  CHECK(a.name == b.name);
  CHECK(a.runtime == b.runtime);
  CHECK(a.handler == b.handler);
  CHECK(a.code == b.code);
  CHECK(a.memory == b.memory);
  CHECK(a.timeout == b.timeout);
  CHECK(a.tmp == b.tmp);
  CHECK(a.capacity == b.capacity);
  CHECK(a.environment == b.environment);
  CHECK(a.description == b.description);
  CHECK(a.layers == b.layers);
  CHECK(a.tags == b.tags);
  CHECK(a.reserved == b.reserved);
  CHECK(a.aliases == b.aliases);
  CHECK(a.provisioned == b.provisioned);
}

}  // namespace

TEST_CASE("what is written is read as the same again, in both forms") {
  auto const m = sample();
  for (auto const form : {ManifestForm::yaml, ManifestForm::json}) {
    auto const text = write_manifest(m, form);
    CAPTURE(text);
    auto const again = read_manifest(text, "shop.yaml");
    REQUIRE(again);
    CHECK(again->stack == "shop");
    CHECK(again->stack_named);
    REQUIRE(again->functions.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) check_same(m.functions[i], again->functions[i]);
  }
}

TEST_CASE("a person reads what is written: words are plain, what is usual is left out") {
  Manifest m;
  ManifestFunction f;
  f.name = "hello";
  f.runtime = "python3.11";
  f.handler = "app.handler";
  f.environment = {{"ON", "on"}};
  f.aliases = {{"live", {"published", {}, ""}}};
  m.functions = {f};
  CHECK(write_manifest(m, ManifestForm::yaml) ==
        "functions:\n"
        "  hello:\n"
        "    runtime: python3.11\n"
        "    handler: app.handler\n"
        "    memory: 128\n"
        "    timeout: 3\n"
        "    environment:\n"
        "      \"ON\": \"on\"\n"
        "    aliases:\n"
        "      live:\n"
        "        version: published\n");
  m.functions.clear();
  CHECK(write_manifest(m, ManifestForm::yaml) == "functions: {}\n");
}
