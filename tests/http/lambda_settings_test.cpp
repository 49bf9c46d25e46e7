#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr auto kManagement = "/2021-07-20/functions/f/runtime-management-config";
constexpr auto kRecursion = "/2024-08-31/functions/f/recursion-config";
constexpr auto kRuntime =
    "arn:aws:lambda:us-east-1::runtime:0123456789abcdef0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("there is no code signing, and that can be read") {
  Control control;
  control.create("f");
  CHECK(control.ask("GET", "/2020-06-30/functions/f/code-signing-config").text ==
        R"({"CodeSigningConfigArn":"","FunctionName":"f"})");
  CHECK(control.ask("GET", "/2020-06-30/functions/none/code-signing-config").status == 404);
  check_refused(control.ask("PUT", "/2020-06-30/functions/f/code-signing-config", "{}"), 404,
                "UnknownOperationException", "PUT");
}

TEST_CASE("the management of a runtime is kept for each qualifier") {
  Control control;
  control.create("f");
  control.publish("f");
  auto const fresh = control.ask("GET", kManagement);
  CHECK(fresh.string("UpdateRuntimeOn") == "Auto");
  CHECK(fresh.string("FunctionArn") == std::string(kArn) + "f:$LATEST");
  auto const one = std::string(kManagement) + "?Qualifier=1";
  auto const put = control.ask(
      "PUT", one,
      fmt::format(R"({{"UpdateRuntimeOn":"Manual","RuntimeVersionArn":"{}"}})", kRuntime));
  CHECK(put.status == 200);
  CHECK(put.string("RuntimeVersionArn") == kRuntime);
  CHECK(put.string("FunctionArn") == std::string(kArn) + "f:1");
  CHECK(control.ask("GET", one).body == put.body);
  CHECK(control.ask("GET", kManagement).string("UpdateRuntimeOn") == "Auto");
  auto const back = control.ask("PUT", one, R"({"UpdateRuntimeOn":"FunctionUpdate"})");
  CHECK_FALSE(back.has("RuntimeVersionArn"));
}

TEST_CASE("what the management of a runtime may be is checked first") {
  Control control;
  control.create("f");
  for (std::string const function : {"f", "none"}) {
    CAPTURE(function);
    auto const put = [&](std::string const& body) {
      return control.ask("PUT", "/2021-07-20/functions/" + function + "/runtime-management-config",
                         body);
    };
    check_refused(put("{}"), 400, "ValidationException", "'updateRuntimeOn'");
    check_refused(put(R"({"UpdateRuntimeOn":"Never"})"), 400, "ValidationException",
                  "[Auto, Manual, FunctionUpdate]");
    check_refused(put(R"({"UpdateRuntimeOn":"Manual"})"), 400, "InvalidParameterValueException",
                  "RuntimeVersionArn");
    check_refused(put(R"({"UpdateRuntimeOn":"Manual","RuntimeVersionArn":"x"})"), 400,
                  "ValidationException", "'runtimeVersionArn'");
    check_refused(
        put(fmt::format(R"({{"UpdateRuntimeOn":"Auto","RuntimeVersionArn":"{}"}})", kRuntime)), 400,
        "InvalidParameterValueException", "Manual alone");
  }
  check_refused(control.ask("PUT", std::string(kManagement) + "?Qualifier=9",
                            R"({"UpdateRuntimeOn":"Auto"})"),
                404, "ResourceNotFoundException", "f:9");
}

TEST_CASE("recursion is allowed or ended") {
  Control control;
  control.create("f");
  CHECK(control.ask("GET", kRecursion).text == R"({"RecursiveLoop":"Terminate"})");
  CHECK(control.ask("PUT", kRecursion, R"({"RecursiveLoop":"Allow"})").text ==
        R"({"RecursiveLoop":"Allow"})");
  CHECK(control.ask("GET", kRecursion).text == R"({"RecursiveLoop":"Allow"})");
  for (auto const* target : {kRecursion, "/2024-08-31/functions/none/recursion-config"}) {
    check_refused(control.ask("PUT", target, R"({"RecursiveLoop":"Maybe"})"), 400,
                  "ValidationException", "[Allow, Terminate]");
    check_refused(control.ask("PUT", target, "{}"), 400, "ValidationException", "'recursiveLoop'");
  }
  CHECK(control.ask("GET", "/2024-08-31/functions/none/recursion-config").status == 404);
}

TEST_CASE("an account without a limit is shown the largest number") {
  Control control;
  auto const settings = control.ask("GET", "/2016-08-19/account-settings/");
  CHECK(settings.at("AccountLimit").at("ConcurrentExecutions") == 2'147'483'647);
  CHECK(settings.at("AccountLimit").at("TotalCodeSize") == 80'530'636'800);
  CHECK(settings.at("AccountLimit").at("CodeSizeZipped") == 52'428'800);
  CHECK(settings.at("AccountUsage").at("FunctionCount") == 0);
}
