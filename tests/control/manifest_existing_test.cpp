#include "control/manifest_existing.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "support/result.hpp"

using namespace faas;
using namespace faas::control;
namespace json = boost::json;

namespace {

constexpr auto kConfiguration =
    R"({"FunctionName":"f","FunctionArn":"arn:f","Runtime":"provided","Handler":"h","MemorySize":256,
    "Timeout":9,"EphemeralStorage":{"Size":1024},"CodeSha256":"sum","Description":"d",
    "CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":
    {"PerExecutionEnvironmentMaxConcurrency":4}},"Environment":{"Variables":{"A":"1"}},
    "Layers":[{"Arn":"arn:l:1","CodeSize":3}],"Version":"$LATEST"})";

json::object configuration() { return json::parse(kConfiguration).get_object(); }

json::object get_function() {
  json::object out{{"Configuration", configuration()}};
  out["Code"] = json::object{{"Location", "http://127.0.0.1:9000/faas/v1/packages/abc"}};
  out["Tags"] = json::object{{"t", "v"}, {"faas:applied", "shop"}};
  out["Concurrency"] = json::object{{"ReservedConcurrentExecutions", 0}};
  return out;
}

VersionSummary version(std::string number, char const* changed = nullptr,
                       json::value value = nullptr) {
  auto c = configuration();
  c["Version"] = number;
  if (changed != nullptr) c[changed] = std::move(value);
  VersionSummary v;
  v.version = std::move(number);
  v.json = json::serialize(c);
  return v;
}

}  // namespace

TEST_CASE("a function is told in a manifest's words") {
  auto const e = existing_of(get_function());
  CHECK(e.arn == "arn:f");
  CHECK(e.code_sha256 == "sum");
  CHECK(e.code_target == "/faas/v1/packages/abc");
  CHECK(e.stack == "shop");
  CHECK(e.state.name == "f");
  CHECK(e.state.memory == 256);
  CHECK(e.state.timeout == 9);
  CHECK(e.state.tmp == 1024);
  CHECK(e.state.capacity == 4);
  CHECK(e.state.description == "d");
  CHECK(e.state.environment == std::map<std::string, std::string>{{"A", "1"}});
  CHECK(e.state.layers == std::vector<std::string>{"arn:l:1"});
  CHECK(e.state.tags == std::map<std::string, std::string>{{"t", "v"}});
  CHECK(e.state.reserved == ReservedCalls{0});
  CHECK(existing_of({}).state.capacity == 1);
  CHECK_FALSE(existing_of({}).state.reserved);
}

TEST_CASE("the newest version is what the function is, unless something that matters differs") {
  auto const current = [](std::vector<VersionSummary> const& versions) {
    ExistingFunction e;
    add_newest(e, versions, configuration());
    return e.newest + (e.newest_is_current ? " current" : "");
  };
  CHECK(current({version("$LATEST")}) == "");
  CHECK(current({version("$LATEST"), version("2"), version("10")}) == "10 current");
  CHECK(current({version("1"), version("2", "CodeSha256", "other")}) == "2");
  CHECK(current({version("1", "Description", "release 1")}) == "1 current");
  CHECK(current({version("1", "MemorySize", 128)}) == "1");
  CHECK(current({version("1", "Environment", nullptr)}) == "1");
  CHECK(current({version("1", "Layers", nullptr)}) == "1");
}

TEST_CASE("an export says what a file cannot make again") {
  ExistingFunction e;
  e.state.name = "f";
  e.newest = "3";
  e.newest_is_current = true;
  e.state.aliases = {
      {"live", {"3", {}, ""}}, {"old", {"1", {}, ""}}, {"two", {"3", {{"2", 10}}, ""}}};
  e.state.provisioned = {{"live", 1}, {"2", 1}};
  std::vector<std::string> notes;
  auto const f = exported(e, notes);
  CHECK(f.aliases.at("live").version == kPublished);
  CHECK(f.aliases.at("old").version == "1");
  REQUIRE(notes.size() == 3);
  CHECK(notes[0].starts_with("f:old "));
  CHECK(notes[1].starts_with("f:two "));
  CHECK(notes[2].starts_with("f:2 is provisioned"));
}

TEST_CASE(
    "a function is put with all of its configuration, for what the file leaves out is usual") {
  ManifestFunction f;
  f.name = "f";
  f.runtime = "provided";
  f.handler = "bootstrap";
  Step step;
  step.function = &f;
  auto const body = put_body(step, "");
  CHECK(
      json::serialize(body) ==
      R"({"Runtime":"provided","Handler":"bootstrap","Description":"","MemorySize":128,"Timeout":3,)"
      R"("EphemeralStorage":{"Size":512},"Environment":{"Variables":{}}})");
  step.with_layers = step.with_capacity = true;
  step.tags = {{"t", "v"}};
  auto const more = put_body(step, "abc");
  CHECK(json::serialize(more.at("Code")) == R"({"S3Bucket":"faas","S3Key":"abc"})");
  CHECK(json::serialize(more.at("Layers")) == "[]");
  auto const& provider =
      more.at("CapacityProviderConfig").at("LambdaManagedInstancesCapacityProviderConfig");
  CHECK(provider.at("PerExecutionEnvironmentMaxConcurrency") == 1);
  CHECK(json::serialize(more.at("Tags")) == R"({"t":"v"})");
}
