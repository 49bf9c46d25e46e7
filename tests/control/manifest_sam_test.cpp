#include <doctest/doctest.h>

#include <faas/manifest.hpp>
#include <string>

#include "support/result.hpp"

using namespace faas;

namespace {

constexpr auto kTemplate = R"(AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Description: a shop
Globals:
  Function:
    Timeout: 10
    Runtime: python3.11
    Environment:
      Variables: {STAGE: dev, LEVEL: info}
    Tags: {team: a}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Sub "${AWS::StackName}-x"}
  Hello:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties:
      CodeUri: hello/
      Handler: app.handler
      MemorySize: 512
      Environment:
        Variables: {STAGE: prod}
      AutoPublishAlias: live
      Architectures: [x86_64]
      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 2}
  Other:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: the-other
      CodeUri: other.zip
      Handler: index.handler
      Runtime: nodejs20.x
      Description: d
      Timeout: 5
      EphemeralStorage: {Size: 1024}
      ReservedConcurrentExecutions: 3
Outputs:
  Name: {Value: !Ref Hello}
)";

// The template with one function, whose properties are these lines.
std::string fault(std::string const& properties) {
  auto const text =
      "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
      "      CodeUri: x\n      Handler: a.b\n      Runtime: provided\n" +
      properties;
  auto const manifest = read_manifest(text, "t.yaml");
  return manifest ? "none" : manifest.error().message;
}

bool faulty(std::string const& text, std::string_view what) {
  auto const manifest = read_manifest(text, "t.yaml");
  auto const message = manifest ? "none" : manifest.error().message;
  CAPTURE(message);
  return message.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("the functions of a template are read, with what Globals say of all") {
  auto const m = read_manifest(kTemplate, "app/template.yaml").value();
  CHECK(m.stack == "template");
  CHECK_FALSE(m.stack_named);
  CHECK(m.notes == std::vector<std::string>{"Bucket (AWS::S3::Bucket) is ignored"});
  REQUIRE(m.functions.size() == 2);
  auto const& hello = m.functions[0];
  CHECK(hello.name == "Hello");
  CHECK(hello.line == 15);
  CHECK(hello.runtime == "python3.11");
  CHECK(hello.handler == "app.handler");
  CHECK(hello.code == "app/hello/");
  CHECK(hello.memory == 512);
  CHECK(hello.timeout == 10);
  CHECK(hello.environment ==
        std::map<std::string, std::string>{{"STAGE", "prod"}, {"LEVEL", "info"}});
  CHECK(hello.tags == std::map<std::string, std::string>{{"team", "a"}});
  CHECK(hello.aliases.at("live").version == kPublished);
  CHECK(hello.provisioned == std::map<std::string, std::uint64_t>{{"live", 2}});
  auto const& other = m.functions[1];
  CHECK(other.name == "the-other");
  CHECK(other.runtime == "nodejs20.x");
  CHECK(other.timeout == 5);
  CHECK(other.tmp == 1024);
  CHECK(other.description == "d");
  CHECK(other.reserved == ReservedCalls{3});
  CHECK(other.aliases.empty());
}

TEST_CASE("what only CloudFormation could resolve is refused with its line") {
  CHECK(fault("      Description: !Sub x\n").starts_with("t.yaml:8: Description is !Sub, which "));
  CHECK(fault("      Description:\n        Fn::Sub: x\n")
            .starts_with("t.yaml:9: Description is "
                         "Fn::Sub, which "));
  CHECK(fault("      Timeout: !Ref T\n").starts_with("t.yaml:8: Timeout is !Ref"));
  CHECK(fault("      Environment: {Variables: {A: !GetAtt B.Arn}}\n").find("A is !GetAtt") !=
        std::string::npos);
  CHECK(faulty("Parameters: {A: {Type: String}}\nResources: {}\n",
               "t.yaml:1: the template has no 'Parameters' here"));
  CHECK(faulty("Conditions: {}\nResources: {}\n", "(faasd resolves no parameters, mappings or"));
}

TEST_CASE("what this does not do is refused, not left out in silence") {
  CHECK(fault("      Events: {A: {Type: Api}}\n").starts_with("t.yaml:8: F has no 'Events' here"));
  CHECK(fault("      VpcConfig: {}\n").starts_with("t.yaml:8: F has no 'VpcConfig' here"));
  CHECK(fault("      Architectures: [mips]\n").starts_with("t.yaml:8: Architectures: this host"));
  CHECK(fault("      PackageType: Image\n").starts_with("t.yaml:8: PackageType"));
  CHECK(fault("      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 1}\n")
            .find("needs AutoPublishAlias") != std::string::npos);
  CHECK(fault("      AutoPublishAlias: live)\n").find("'live)' is no name of an alias") !=
        std::string::npos);
  CHECK(faulty("Globals:\n  Api: {}\nResources: {}\n", "t.yaml:2: Globals has no 'Api' here"));
  CHECK(
      faulty("Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Condition: C\n"
             "    Properties: {CodeUri: x, Handler: a, Runtime: provided}\n",
             "t.yaml:4: F has no 'Condition' here"));
}

TEST_CASE("a function needs code beside the template, a handler, a runtime and a name of its own") {
  auto const one = [](std::string const& properties) {
    return "Resources:\n  F: {Type: AWS::Serverless::Function, Properties: {" + properties + "}}\n";
  };
  CHECK(faulty(one("Handler: a, Runtime: provided"), "t.yaml:2: F has no CodeUri"));
  CHECK(faulty(one("CodeUri: x, Runtime: provided"), "t.yaml:2: F has no Handler"));
  CHECK(faulty(one("CodeUri: x, Handler: a"), "t.yaml:2: F has no Runtime"));
  CHECK(faulty(one("CodeUri: 's3://b/k', Handler: a, Runtime: provided"), "names a bucket"));
  CHECK(faulty(one("CodeUri: {Bucket: b, Key: k}"), "CodeUri must be a text, not a map"));
  CHECK(faulty("Resources: {F: {Properties: {}}}", "F has no Type"));
  CHECK(faulty(
      "Resources:\n  A: {Type: AWS::Serverless::Function, Properties: {CodeUri: x, Handler: a, "
      "Runtime: provided, FunctionName: B}}\n  B: {Type: AWS::Serverless::Function, Properties: "
      "{CodeUri: x, Handler: a, Runtime: provided}}\n",
      "t.yaml:3: line 2 already has a function named 'B'"));
  CHECK(faulty("Transform: x\n", "the template has no Resources"));
}
