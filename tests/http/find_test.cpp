// How every operation on one function takes its name.
#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

struct Ask {
  char const* method;
  char const* path;  // {} is the name
  char const* body;
};

// Each is refused or answered by the function it names alone.
constexpr Ask kOfAFunction[] = {
    {"PUT", "/2015-03-31/functions/{}/configuration", "{}"},
    {"POST", "/2015-03-31/functions/{}/versions", "{}"},
    {"GET", "/2015-03-31/functions/{}/versions", ""},
    {"GET", "/2015-03-31/functions/{}/aliases", ""},
    {"POST", "/2015-03-31/functions/{}/aliases", R"({"Name":"x","FunctionVersion":"$LATEST"})"},
    {"GET", "/2019-09-30/functions/{}/concurrency", ""},
    {"PUT", "/2017-10-31/functions/{}/concurrency", R"({"ReservedConcurrentExecutions":1})"},
    {"GET", "/2019-09-30/functions/{}/provisioned-concurrency?List=ALL", ""},
    {"GET", "/2019-09-25/functions/{}/event-invoke-config/list", ""},
    {"GET", "/2020-06-30/functions/{}/code-signing-config", ""},
    {"GET", "/2024-08-31/functions/{}/recursion-config", ""},
    {"PUT", "/2024-08-31/functions/{}/recursion-config", R"({"RecursiveLoop":"Allow"})"},
};
constexpr Ask kOfAQualifier[] = {
    {"GET", "/2015-03-31/functions/{}", ""},
    {"GET", "/2015-03-31/functions/{}/configuration", ""},
    {"PUT", "/2019-09-25/functions/{}/event-invoke-config", R"({"MaximumRetryAttempts":1})"},
    {"GET", "/2021-07-20/functions/{}/runtime-management-config", ""},
    {"PUT", "/2021-07-20/functions/{}/runtime-management-config", R"({"UpdateRuntimeOn":"Auto"})"},
};

Answer send(Control& control, Ask const& ask, std::string const& name) {
  return control.ask(ask.method, fmt::format(fmt::runtime(ask.path), fetch::percent_encoded(name)),
                     ask.body);
}

}  // namespace

TEST_CASE("every operation takes a name, a partial ARN and an ARN, and says what is not there") {
  auto const check = [](Ask const& ask) {
    CAPTURE(ask.method);
    CAPTURE(ask.path);
    Control control;
    for (auto const* name : {"f", "function:f", "000000000000:function:f",
                             "arn:aws:lambda:us-east-1:000000000000:function:f", "f:$LATEST"}) {
      CAPTURE(name);
      control.create("f");
      CHECK(send(control, ask, name).status / 100 == 2);
      control.ask("DELETE", "/2015-03-31/functions/f");
    }
    control.create("f");
    for (auto const* name : {"none", "111111111111:function:f", "F"})
      check_refused(send(control, ask, name), 404, "ResourceNotFoundException", "unction");
    check_refused(send(control, ask, "arn:aws:lambda:eu-west-1:000000000000:function:f"), 404,
                  "ResourceNotFoundException", "not reachable in this region ('us-east-1')");
    for (auto const* name : {"..", "a/b", "f:", "f:1:2", "arn:aws:s3:::f"})
      check_refused(send(control, ask, name), 400, "ValidationException", "'functionName'");
  };
  for (auto const& ask : kOfAFunction) check(ask);
  for (auto const& ask : kOfAQualifier) check(ask);
}

TEST_CASE("an operation on functions refuses a version and an alias by name") {
  Control control;
  control.create("f");
  control.publish("f");
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"live","FunctionVersion":"1"})");
  for (auto const& ask : kOfAFunction) {
    CAPTURE(ask.method);
    CAPTURE(ask.path);
    for (auto const* name : {"f:1", "f:live", "f:none"}) {
      check_refused(send(control, ask, name), 400, "InvalidParameterValueException",
                    "Aliases and versions do not support this operation.");
    }
  }
}

TEST_CASE("an operation on a qualifier takes it once, or twice the same") {
  Control control;
  control.create("f");
  control.publish("f");
  for (auto const& ask : kOfAQualifier) {
    CAPTURE(ask.method);
    CAPTURE(ask.path);
    auto const with = [&](std::string const& name, std::string const& query) {
      return control.ask(ask.method,
                         fmt::format(fmt::runtime(ask.path), fetch::percent_encoded(name)) + query,
                         ask.body);
    };
    CHECK(with("f:1", "").status == 200);
    CHECK(with("f", "?Qualifier=1").status == 200);
    CHECK(with("f:1", "?Qualifier=1").status == 200);
    check_refused(with("f:1", "?Qualifier=2"), 400, "InvalidParameterValueException",
                  "The derived qualifier from the function name does not match the specified "
                  "qualifier.");
    check_refused(with("f", "?Qualifier=2"), 404, "ResourceNotFoundException", "f:2");
    check_refused(with("f", "?Qualifier=a%20b"), 400, "ValidationException", "'qualifier'");
  }
}
