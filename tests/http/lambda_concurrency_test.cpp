#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr auto kPut = "/2017-10-31/functions/f/concurrency";
constexpr auto kGet = "/2019-09-30/functions/f/concurrency";
constexpr auto kProvisioned = "/2019-09-30/functions/f/provisioned-concurrency";

Options with_account(unsigned concurrency) {
  Options options;
  options.scheduler.account_concurrency = concurrency;
  return options;
}

std::string provision(int instances) {
  return fmt::format(R"({{"ProvisionedConcurrentExecutions":{}}})", instances);
}

}  // namespace

TEST_CASE("a reservation is put, read and taken back") {
  Control control;
  control.create("f");
  CHECK(control.ask("GET", kGet).text == "{}");
  auto const put = control.ask("PUT", kPut, R"({"ReservedConcurrentExecutions":5})");
  CHECK(put.status == 200);
  CHECK(put.text == R"({"ReservedConcurrentExecutions":5})");
  CHECK(control.ask("GET", kGet).text == put.text);
  CHECK(control.ask("GET", "/2015-03-31/functions/f")
            .at("Concurrency")
            .at("ReservedConcurrentExecutions") == 5);
  CHECK(control.ask("DELETE", kPut).status == 204);
  CHECK(control.ask("DELETE", kPut).status == 204);
  CHECK(control.ask("GET", kGet).text == "{}");
}

TEST_CASE("what a reservation may be is checked before its function is looked for") {
  Control control;
  control.create("f");
  control.publish("f");
  for (auto const* function : {"f", "none"}) {
    CAPTURE(function);
    auto const put = [&](std::string const& body) {
      return control.ask("PUT", fmt::format("/2017-10-31/functions/{}/concurrency", function),
                         body);
    };
    check_refused(put("{}"), 400, "ValidationException", "Value null");
    check_refused(put(R"({"ReservedConcurrentExecutions":null})"), 400, "ValidationException",
                  "'reservedConcurrentExecutions'");
    check_refused(put(R"({"ReservedConcurrentExecutions":-1})"), 400, "ValidationException",
                  "Value '-1' at 'reservedConcurrentExecutions'");
    check_refused(put(R"({"ReservedConcurrentExecutions":2147483648})"), 400, "ValidationException",
                  "less than or equal to 2147483647");
    check_refused(put(R"({"ReservedConcurrentExecutions":1e3})"), 400, "SerializationException",
                  "an integer");
    check_refused(put(""), 400, "SerializationException", "");
  }
  check_refused(control.ask("PUT", "/2017-10-31/functions/none/concurrency",
                            R"({"ReservedConcurrentExecutions":1})"),
                404, "ResourceNotFoundException", "Function not found: ");
  check_refused(control.ask("PUT", "/2017-10-31/functions/f:1/concurrency",
                            R"({"ReservedConcurrentExecutions":1})"),
                400, "InvalidParameterValueException", "permitted on Lambda functions only");
}

TEST_CASE("a hundred calls of an account stay with those that reserve none") {
  Control control(with_account(1000));
  control.create("f");
  control.create("g");
  CHECK(control.ask("PUT", kPut, R"({"ReservedConcurrentExecutions":800})").status == 200);
  auto const other = [&](int reserved) {
    return control.ask("PUT", "/2017-10-31/functions/g/concurrency",
                       fmt::format(R"({{"ReservedConcurrentExecutions":{}}})", reserved));
  };
  check_refused(other(101), 400, "InvalidParameterValueException",
                "Specified ReservedConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of [100].");
  CHECK(other(100).status == 200);
  auto const settings = control.ask("GET", "/2016-08-19/account-settings");
  CHECK(settings.at("AccountLimit").at("ConcurrentExecutions") == 1000);
  CHECK(settings.at("AccountLimit").at("UnreservedConcurrentExecutions") == 100);
}

TEST_CASE("a function with a reservation of none is stopped, in Lambda's words") {
  Control control;
  control.create("f");
  control.ask("PUT", kPut, R"({"ReservedConcurrentExecutions":0})");
  auto const response = control.serving().send("POST", "/2015-03-31/functions/f/invocations", "{}");
  CHECK(response.status == 429);
  CHECK(response.header("x-amzn-ErrorType") == "TooManyRequestsException");
  CHECK(response.header("Retry-After") == "1");
  auto const body = json::parse(response.body);
  CHECK(body.at("Reason") == "ReservedFunctionConcurrentInvocationLimitExceeded");
  CHECK(body.at("Type") == "User");
  CHECK(body.at("message") == "Rate Exceeded.");
  auto const why = std::string(body.at("why").as_string());
  CAPTURE(why);
  CHECK(why.find("ReservedFunctionConcurrentInvocationLimitExceeded: ") == 0);
  CHECK(why.find("0 calls at once") != std::string::npos);
  CHECK(why.find("reserved concurrency of the function") != std::string::npos);
}

TEST_CASE("what may be provisioned is a published version, or an alias of one") {
  Control control;
  control.create("f");
  control.publish("f");
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"edge","FunctionVersion":"$LATEST"})");
  auto const put = [&](std::string const& query) {
    return control.ask("PUT", kProvisioned + query, provision(1));
  };
  check_refused(put(""), 400, "ValidationException", "'qualifier'");
  for (auto const* unpublished : {"?Qualifier=%24LATEST", "?Qualifier=edge"}) {
    check_refused(
        put(unpublished), 400, "InvalidParameterValueException",
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  }
  check_refused(put("?Qualifier=7"), 404, "ResourceNotFoundException", "f:7");
  check_refused(control.ask("GET", std::string(kProvisioned) + "?Qualifier=1"), 404,
                "ProvisionedConcurrencyConfigNotFoundException",
                R"("message":"No Provisioned Concurrency Config found for this function")");
  for (auto const* function : {"f", "none"}) {
    CAPTURE(function);
    check_refused(
        control.ask(
            "PUT",
            fmt::format("/2019-09-30/functions/{}/provisioned-concurrency?Qualifier=1", function),
            provision(0)),
        400, "ValidationException",
        "Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must "
        "have value greater than or equal to 1");
  }
  check_refused(
      control.ask("PUT", "/2019-09-30/functions/f:2/provisioned-concurrency?Qualifier=1",
                  provision(1)),
      400, "InvalidParameterValueException",
      "The derived qualifier from the function name does not match the specified qualifier.");
}

TEST_CASE("provisioned concurrency is told, listed and taken back") {
  Control control(with_account(1000));
  control.create("f");
  for (int i = 0; i < 3; ++i) control.publish("f");
  auto const put = [&](std::string const& version) {
    return control.ask("PUT", fmt::format("{}?Qualifier={}", kProvisioned, version), provision(1));
  };
  auto const first = put("1");
  CHECK(first.status == 202);
  CHECK(first.at("RequestedProvisionedConcurrentExecutions") == 1);
  CHECK((first.string("Status") == "IN_PROGRESS" || first.string("Status") == "FAILED"));
  CHECK(first.string("LastModified").ends_with("+0000"));
  put("2");
  put("3");
  auto const list = std::string(kProvisioned) + "?List=ALL";
  std::vector<std::string> const wanted{std::string(kArn) + "f:1", std::string(kArn) + "f:2",
                                        std::string(kArn) + "f:3"};
  for (std::size_t most = 1; most <= 4; ++most)
    CHECK(all_pages(control, list, "ProvisionedConcurrencyConfigs", "FunctionArn", most) == wanted);
  check_paging(control, list, 50);
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"live","FunctionVersion":"1"})");
  check_refused(put("live"), 409, "ResourceConflictException", "already Provisioned version");
  check_refused(control.ask("PUT", kPut, R"({"ReservedConcurrentExecutions":2})"), 400,
                "InvalidParameterValueException", "total provisioned concurrency [3]");
  for (auto const* version : {"1", "2", "3"})
    CHECK(control.ask("DELETE", fmt::format("{}?Qualifier={}", kProvisioned, version)).status ==
          204);
  check_refused(control.ask("GET", std::string(kProvisioned) + "?Qualifier=1"), 404,
                "ProvisionedConcurrencyConfigNotFoundException", "");
}
