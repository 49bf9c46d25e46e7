#include "http/configuration.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::http;

namespace {

struct Read {
  std::shared_ptr<json::object const> tree;  // views of `code` point into it
  ConfigurationFields fields;
  CodeFields code;
  std::optional<LambdaError> error;
};

Read read(std::string_view text) {
  Read out;
  out.tree = *parse_object(text);
  FieldReader reader(*out.tree);
  read_creation(reader, out.fields, out.code);
  if (auto r = reader.finish(); !r) out.error = r.error();
  return out;
}

std::string const kProvider = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine";

std::string fault(std::string_view text) {
  auto const result = read(text);
  return result.error ? result.error->exception + ": " + result.error->message : "none";
}

}  // namespace

TEST_CASE("a function is what CreateFunction describes, and reads back the same") {
  auto const r = read(
      R"({"FunctionName":"f","Runtime":"python3.11","Handler":"a.b","Role":"arn:aws:iam::000000000000:role/r",
    "Code":{"ZipFile":"UEs="},"Timeout":7,"MemorySize":256,"EphemeralStorage":{"Size":1024},"Description":"d",
    "Environment":{"Variables":{"K":"V"}},"Tags":{"t":"1"},"TracingConfig":{"Mode":"Active"},
    "VpcConfig":{"SubnetIds":["subnet-1"]},"KMSKeyArn":"arn:aws:kms:x","DeadLetterConfig":{"TargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}})");
  REQUIRE_FALSE(r.error);
  CHECK(r.code.zip == "UEs=");
  FunctionInfo info;
  info.function = to_function("f", r.fields);
  info.code_sha256 = "abc=";
  info.code_size = 3_B;
  CHECK(info.function.limits.timeout == milliseconds(7000));
  CHECK(info.function.limits.memory == 256_MiB);
  CHECK(info.function.limits.tmp == 1024_MiB);
  auto const out = to_json(info, "us-east-1", "", Detail::full);
  CHECK(out.at("FunctionArn") == "arn:aws:lambda:us-east-1:000000000000:function:f");
  CHECK(out.at("Role") == "arn:aws:iam::000000000000:role/r");
  CHECK(out.at("Timeout") == 7);
  CHECK(out.at("MemorySize") == 256);
  CHECK(out.at("EphemeralStorage").at("Size") == 1024);
  CHECK(out.at("Environment").at("Variables").at("K") == "V");
  CHECK(out.at("TracingConfig").at("Mode") == "Active");
  CHECK(out.at("VpcConfig").at("SubnetIds").at(0) == "subnet-1");
  CHECK(out.at("VpcConfig").at("VpcId") == "");
  CHECK(out.at("KMSKeyArn") == "arn:aws:kms:x");
  CHECK(out.at("DeadLetterConfig").at("TargetArn") == "arn:aws:sqs:us-east-1:000000000000:q");
  CHECK(out.at("LoggingConfig").at("LogGroup") == "/aws/lambda/f");
  CHECK(out.at("State") == "Active");
  CHECK(r.fields.tags.at("t") == "1");
}

TEST_CASE("a listed function lacks its state") {
  auto const out = to_json(FunctionInfo{}, "us-east-1", "$LATEST", Detail::listed);
  CHECK_FALSE(out.contains("State"));
  CHECK_FALSE(out.contains("LastUpdateStatus"));
  CHECK(out.at("FunctionArn").as_string().ends_with(":$LATEST"));
}

TEST_CASE("an update changes what it names") {
  auto const created =
      read(R"({"Role":"arn:aws:iam::000000000000:role/a","Timeout":7,"Tags":{"t":"1"}})");
  auto const function = to_function("f", created.fields);
  auto const change = read(R"({"Role":"arn:aws:iam::000000000000:role/b","MemorySize":512})");
  auto const update = to_update(function, change.fields);
  CHECK(update.limits->timeout == milliseconds(7000));
  CHECK(update.limits->memory == 512_MiB);
  CHECK_FALSE(update.runtime);
  Function after = function;
  after.annotations = *update.annotations;
  CHECK(after.annotations.at(std::string(kAnnotation)).find("role/b") != std::string::npos);
}

TEST_CASE("ranges are told as Lambda tells them") {
  CHECK(fault(R"({"MemorySize":64})") ==
        "ValidationException: 1 validation error detected: Value '64' at 'memorySize' failed to "
        "satisfy constraint: "
        "Member must have value greater than or equal to 128");
  CHECK(fault(R"({"MemorySize":10241})").find("less than or equal to 10240") != std::string::npos);
  CHECK(fault(R"({"Timeout":0})").find("'timeout'") != std::string::npos);
  CHECK(fault(R"({"Timeout":901})").find("less than or equal to 900") != std::string::npos);
  CHECK(fault(R"({"EphemeralStorage":{"Size":1}})").find("'ephemeralStorage.size'") !=
        std::string::npos);
  for (auto const* most : {"0", "1601"}) {
    CHECK(fault(R"({"CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":)"
                R"({"CapacityProviderArn":")" +
                kProvider + R"(","PerExecutionEnvironmentMaxConcurrency":)" + std::string(most) +
                "}}}")
              .find("perExecutionEnvironmentMaxConcurrency'") != std::string::npos);
  }
  CHECK(fault(R"({"Handler":"a b"})").find("'handler'") != std::string::npos);
  CHECK(fault(R"({"Role":"me"})").find("'role'") != std::string::npos);
  CHECK(fault(R"({"TracingConfig":{"Mode":"Maybe"}})").find("tracingConfig.mode") !=
        std::string::npos);
  CHECK(fault("{\"Description\":\"" + std::string(257, 'x') + "\"}").find("'description'") !=
        std::string::npos);
}

TEST_CASE("layers are named by the ARNs of their versions, five at most") {
  std::string const arn = "arn:aws:lambda:us-east-1:000000000000:layer:l:1";
  auto const r = read(R"({"Layers":[")" + arn + R"("]})");
  REQUIRE_FALSE(r.error);
  CHECK(r.fields.layer_arns == std::vector{arn});
  CHECK(read(R"({"Layers":[]})").fields.layer_arns == std::vector<std::string>{});
  CHECK_FALSE(read("{}").fields.layer_arns.has_value());
  for (auto const* text : {R"({"Layers":["l"]})", R"({"Layers":["arn:aws:lambda:r:1:layer:l:1"]})",
                           R"({"Layers":[7]})", R"({"Layers":[null]})"}) {
    CAPTURE(text);
    CHECK(fault(text).find("'layers'") != std::string::npos);
  }
  std::string six;
  for (int i = 0; i < 6; ++i) six += (i == 0 ? "\"" : ",\"") + arn + "\"";
  CHECK(fault("{\"Layers\":[" + six + "]}").find("more than 5 layers") != std::string::npos);
}

TEST_CASE("layers are shown as they were named, while they are what the function has") {
  FunctionInfo info;
  info.function.annotations[std::string(kAnnotation)] = R"({"Layers":[{"Arn":"a","CodeSize":7}]})";
  info.function.layers = {{std::string(64, 'a')}};
  CHECK(to_json(info, "us-east-1", "", Detail::full).at("Layers").at(0).at("Arn") == "a");
  info.function.layers.push_back({std::string(64, 'b')});
  CHECK_FALSE(to_json(info, "us-east-1", "", Detail::full).contains("Layers"));
  info.function.layers.clear();
  CHECK_FALSE(to_json(info, "us-east-1", "", Detail::full).contains("Layers"));
}

TEST_CASE("what this version cannot do is refused, not forgotten") {
  for (auto const* text :
       {R"({"PackageType":"Image"})", R"({"Code":{"ImageUri":"x"}})",
        R"({"SnapStart":{"ApplyOn":"PublishedVersions"}})", R"({"FileSystemConfigs":[{}]})",
        R"({"LoggingConfig":{"LogFormat":"JSON"}})", R"({"CodeSigningConfigArn":"arn:x"})",
        R"({"ImageConfig":{"Command":["x"]}})",
        R"({"CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":{
            "CapacityProviderArn":"arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine",
            "ExecutionEnvironmentMemoryGiBPerVCpu":2.0}}})",
        R"({"TenancyConfig":{"TenantIsolationMode":"PER_TENANT"}})",
        R"({"Architectures":["riscv"]})"}) {
    CAPTURE(text);
    CHECK(fault(text).starts_with("InvalidParameterValueException"));
  }
  for (auto const* text : {R"({"Layers":[]})", R"({"Publish":false})", R"({"PackageType":"Zip"})",
                           R"({"SnapStart":{"ApplyOn":"None"}})",
                           R"({"LoggingConfig":{"LogFormat":"Text"}})", R"({"ImageConfig":{}})"}) {
    CAPTURE(text);
    CHECK(fault(text) == "none");
  }
}

TEST_CASE("calls at once in one instance are asked for, given back and changed in AWS's words") {
  auto const created = read(
      R"({"CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":{
          "CapacityProviderArn":"arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine",
          "PerExecutionEnvironmentMaxConcurrency":8}}})");
  REQUIRE_FALSE(created.error);
  FunctionInfo info;
  info.function = to_function("f", created.fields);
  CHECK(info.function.limits.capacity == 8);
  auto const managed = [&] {
    return to_json(info, "us-east-1", "", Detail::full)
        .at("CapacityProviderConfig")
        .at("LambdaManagedInstancesCapacityProviderConfig");
  };
  CHECK(managed().at("PerExecutionEnvironmentMaxConcurrency") == 8);
  CHECK(managed().at("CapacityProviderArn") ==
        "arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine");

  auto const without = read(R"({"MemorySize":256,"CapacityProviderConfig":{}})");
  CHECK(to_update(info.function, without.fields).limits->capacity == 8);
  auto const change = read(
      R"({"CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":{
          "PerExecutionEnvironmentMaxConcurrency":2}}})");
  info.function.limits = *to_update(info.function, change.fields).limits;
  CHECK(managed().at("PerExecutionEnvironmentMaxConcurrency") == 2);
}

TEST_CASE("a function of one call an instance has no capacity provider; another has one to name") {
  FunctionInfo info;
  info.function.name = "f";
  CHECK_FALSE(to_json(info, "r", "", Detail::full).contains("CapacityProviderConfig"));
  info.function.limits.capacity = 2;
  CHECK(to_json(info, "r", "", Detail::full)
            .at("CapacityProviderConfig")
            .at("LambdaManagedInstancesCapacityProviderConfig")
            .at("CapacityProviderArn") ==
        "arn:aws:lambda:r:000000000000:capacity-provider:this-host");
}

TEST_CASE("an unknown member is named with its place") {
  CHECK(fault(R"({"Code":{"Zip":"x"}})").find("'Code.Zip'") != std::string::npos);
  CHECK(fault(R"({"Environment":{"Vars":{}}})").find("'Environment.Vars'") != std::string::npos);
}

TEST_CASE("times are written as Lambda writes them") {
  CHECK(lambda_time(SystemTime(std::chrono::milliseconds(1'000'000'000'123))) ==
        "2001-09-09T01:46:40.123+0000");
}
