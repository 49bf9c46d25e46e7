#include "control/release_replies.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "support/result.hpp"

using namespace faas;
using namespace faas::control;

namespace {

std::string body_of(AliasRequest const& change) {
  return boost::json::serialize(alias_body(change));
}

}  // namespace

TEST_CASE("an alias tells its version and what share others have, in percent") {
  auto const alias = read_alias(
      R"({"AliasArn":"arn:x:live","Name":"live","FunctionVersion":"1","Description":"d",
    "RoutingConfig":{"AdditionalVersionWeights":{"2":0.1}}})");
  REQUIRE(alias);
  CHECK(alias->name == "live");
  CHECK(alias->version == "1");
  CHECK(alias->description == "d");
  CHECK(alias->weights == Weights{{"2", 10}});
  CHECK(read_alias(R"({"Name":"a","FunctionVersion":"1"})")->weights.empty());
  CHECK(read_alias(R"({"Name":"a","RoutingConfig":{"AdditionalVersionWeights":{"2":"x"}}})")
            ->weights.empty());
}

TEST_CASE("a share that was asked for in percent comes back as the same percent") {
  for (double percent : {0.0, 0.01, 0.1, 1.0, 7.0, 10.0, 33.3, 50.0, 99.9, 100.0}) {
    CHECK(percent_of(share_of(percent)) == percent);
  }
  CHECK(share_of(10) == 0.1);
}

TEST_CASE("a change of an alias says only what was asked for") {
  CHECK(body_of({}) == "{}");
  CHECK(body_of({"2", Weights{}, {}}) == R"({"FunctionVersion":"2","RoutingConfig":{}})");
  CHECK(body_of({{}, Weights{{"3", 10}}, {}}) ==
        R"({"RoutingConfig":{"AdditionalVersionWeights":{"3":1E-1}}})");
  CHECK(body_of({{}, {}, "d"}) == R"({"Description":"d"})");
}

TEST_CASE("a provisioned configuration is of its version or alias") {
  constexpr auto kBody = R"({"FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:live",
    "RequestedProvisionedConcurrentExecutions":3,"AvailableProvisionedConcurrentExecutions":1,
    "AllocatedProvisionedConcurrentExecutions":2,"Status":"FAILED","StatusReason":"why"})";
  auto const p = read_provisioned(kBody, "");
  REQUIRE(p);
  CHECK(p->qualifier == "live");
  CHECK(p->requested == 3);
  CHECK(p->available == 1);
  CHECK(p->allocated == 2);
  CHECK(p->status == "FAILED");
  CHECK(p->reason == "why");
  CHECK(read_provisioned(kBody, "7")->qualifier == "7");
}

TEST_CASE("a limit may have no value, and none is no zero") {
  auto const reply = read_limits(
      R"({"FunctionName":"f","Limits":[{"Name":"reserved","Value":null,"Used":0,"Unit":"calls",
    "Source":"default"},{"Name":"rate","Value":1000,"Used":2.5,"Unit":"1/s","Source":"--x"}, 7]})");
  REQUIRE(reply);
  REQUIRE(reply->limits.size() == 2);
  CHECK(reply->limits[0].value.empty());
  CHECK(reply->limits[0].used == "0");
  CHECK(reply->limits[1].value == "1000");
  CHECK(reply->limits[1].source == "--x");
}

TEST_CASE("what no daemon answers is an error here, too") {
  for (auto const* body : {"", "[]", "<html>", "\"x\""}) {
    CHECK_FALSE(read_alias(body));
    CHECK_FALSE(read_version(body));
    CHECK_FALSE(read_provisioned(body, "1"));
    CHECK_FALSE(read_limits(body));
  }
}
