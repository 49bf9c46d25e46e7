#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr auto kPolicy = "/2015-03-31/functions/f/policy";

std::string permission(std::string const& sid, std::string const& principal = "s3.amazonaws.com",
                       std::string const& more = {}) {
  return fmt::format(
      R"({{"StatementId":"{}","Action":"lambda:InvokeFunction","Principal":"{}"{}}})", sid,
      principal, more);
}

json::value policy_of(Control& control) {
  return json::parse(control.ask("GET", kPolicy).string("Policy"));
}

}  // namespace

TEST_CASE("a permission is added, read and removed") {
  Control control;
  control.create("f");
  check_refused(control.ask("GET", kPolicy), 404, "ResourceNotFoundException",
                "The resource you requested does not exist.");
  auto const added = control.ask("POST", kPolicy, permission("one"));
  CHECK(added.status == 201);
  auto const statement = json::parse(added.string("Statement"));
  CHECK(
      json::serialize(statement) ==
      std::string(R"({"Sid":"one","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},)") +
          R"("Action":"lambda:InvokeFunction","Resource":")" + kArn + "f\"}");
  auto const policy = policy_of(control);
  CHECK(policy.at("Version") == "2012-10-17");
  CHECK(policy.at("Id") == "default");
  CHECK(policy.at("Statement").at(0) == statement);
  CHECK(control.ask("DELETE", std::string(kPolicy) + "/one").status == 204);
  check_refused(control.ask("DELETE", std::string(kPolicy) + "/one"), 404,
                "ResourceNotFoundException", "The resource you requested does not exist.");
}

TEST_CASE("whom a permission is for is an account, an ARN, a service or everybody") {
  Control control;
  control.create("f");
  struct Row {
    char const* given;
    char const* shown;
  };
  int number = 0;
  for (auto const& row :
       {Row{"*", R"("*")"}, Row{"123456789012", R"({"AWS":"arn:aws:iam::123456789012:root"})"},
        Row{"arn:aws:iam::123456789012:user/u", R"({"AWS":"arn:aws:iam::123456789012:user/u"})"},
        Row{"events.amazonaws.com", R"({"Service":"events.amazonaws.com"})"},
        Row{"12345678901", R"({"Service":"12345678901"})"}}) {
    auto const added =
        control.ask("POST", kPolicy, permission(fmt::format("s{}", number++), row.given));
    CHECK(json::serialize(json::parse(added.string("Statement")).at("Principal")) == row.shown);
  }
}

TEST_CASE("conditions of a permission are kept in the policy's language") {
  Control control;
  control.create("f");
  auto const added = control.ask(
      "POST", kPolicy,
      permission(
          "c", "*",
          R"(,"SourceArn":"arn:aws:s3:::b","SourceAccount":"123456789012","EventSourceToken":"t.1","PrincipalOrgID":"o-abcdefghij","FunctionUrlAuthType":"NONE","InvokedViaFunctionUrl":true)"));
  CHECK(added.status == 201);
  auto const conditions = json::parse(added.string("Statement")).at("Condition");
  CHECK(conditions.at("ArnLike").at("AWS:SourceArn") == "arn:aws:s3:::b");
  CHECK(conditions.at("StringEquals").at("AWS:SourceAccount") == "123456789012");
  CHECK(conditions.at("StringEquals").at("lambda:EventSourceToken") == "t.1");
  CHECK(conditions.at("StringEquals").at("aws:PrincipalOrgID") == "o-abcdefghij");
  CHECK(conditions.at("StringEquals").at("lambda:FunctionUrlAuthType") == "NONE");
  CHECK(conditions.at("Bool").at("lambda:InvokedViaFunctionUrl") == "true");
}

TEST_CASE("what a permission may be is checked before the function is looked for") {
  Control control;
  control.create("f");
  struct Row {
    std::string body;
    char const* exception;
    char const* words;
  };
  auto const extra = [](char const* more) { return permission("s", "*", more); };
  for (auto const& row : {
           Row{"{}", "ValidationException", "'statementId'"},
           Row{R"({"StatementId":"s","Principal":"*"})", "ValidationException", "'action'"},
           Row{R"({"StatementId":"s","Action":"*"})", "ValidationException", "'principal'"},
           Row{permission(""), "ValidationException", "'statementId'"},
           Row{permission("a b"), "ValidationException", "'statementId'"},
           Row{permission(std::string(101, 's')), "ValidationException", "'statementId'"},
           Row{permission("s", "a b"), "ValidationException", "'principal'"},
           Row{permission("s", ""), "ValidationException", "'principal'"},
           Row{R"({"StatementId":"s","Principal":"*","Action":"s3:GetObject"})",
               "ValidationException", "'action'"},
           Row{extra(R"(,"SourceAccount":"12")"), "ValidationException", "'sourceAccount'"},
           Row{extra(R"(,"SourceArn":"x")"), "ValidationException", "'sourceArn'"},
           Row{extra(R"(,"EventSourceToken":"a b")"), "ValidationException", "'eventSourceToken'"},
           Row{extra(R"(,"PrincipalOrgID":"p-abcdefghij")"), "ValidationException",
               "'principalOrgID'"},
           Row{extra(R"(,"FunctionUrlAuthType":"ALL")"), "ValidationException", "[NONE, AWS_IAM]"},
           Row{extra(R"(,"Effect":"Deny")"), "InvalidParameterValueException", "'Effect'"},
       }) {
    CAPTURE(row.body);
    check_refused(control.ask("POST", kPolicy, row.body), 400, row.exception, row.words);
    check_refused(control.ask("POST", "/2015-03-31/functions/none/policy", row.body), 400,
                  row.exception, row.words);
  }
  check_refused(control.ask("POST", "/2015-03-31/functions/none/policy", permission("s")), 404,
                "ResourceNotFoundException", "Function not found: ");
  check_refused(control.ask("DELETE", std::string(kPolicy) + "/a%20b"), 400, "ValidationException",
                "'statementId'");
  CHECK(control.ask("GET", kPolicy).status == 404);
}

TEST_CASE("a statement has a name of its own, and a stale revision changes nothing") {
  Control control;
  control.create("f");
  control.ask("POST", kPolicy, permission("one"));
  check_refused(control.ask("POST", kPolicy, permission("one", "*")), 409,
                "ResourceConflictException",
                "The statement id (one) provided already exists. Please provide a new statement "
                "id, or remove the existing statement.");
  auto const revision = control.ask("GET", kPolicy).string("RevisionId");
  auto const with = [](std::string const& id) { return ",\"RevisionId\":\"" + id + "\""; };
  check_refused(control.ask("POST", kPolicy, permission("two", "*", with("old"))), 412,
                "PreconditionFailedException",
                "Call the GetPolicy API to retrieve the latest Revision Id");
  CHECK(control.ask("POST", kPolicy, permission("two", "*", with(revision))).status == 201);
  check_refused(control.ask("DELETE", std::string(kPolicy) + "/two?RevisionId=" + revision), 412,
                "PreconditionFailedException", "GetPolicy");
  check_refused(control.ask("DELETE", std::string(kPolicy) + "/three"), 404,
                "ResourceNotFoundException", "Statement three is not found in resource policy.");
  CHECK(policy_of(control).at("Statement").as_array().size() == 2);
}

TEST_CASE("a policy has at most 20,480 bytes, to the byte") {
  Control control;
  control.create("f");
  for (int i = 0; i < 74; ++i) {
    auto const filler = std::string(100 - 2, 's') + fmt::format("{:02}", i);
    REQUIRE(control.ask("POST", kPolicy, permission(filler)).status == 201);
  }
  auto const size = control.ask("GET", kPolicy).string("Policy").size();
  REQUIRE(size < 20'480);
  // A comma, and a statement whose principal makes up what is left.
  auto const last = std::string(R"(,{"Sid":"last","Effect":"Allow","Principal":{"Service":""},)") +
                    R"("Action":"lambda:InvokeFunction","Resource":")" + kArn + "f\"}";
  auto const left = 20'480 - size - last.size();
  check_refused(control.ask("POST", kPolicy, permission("last", std::string(left + 1, 'p'))), 400,
                "PolicyLengthExceededException",
                "The final policy size (20481) is bigger than the limit (20480).");
  CHECK(control.ask("POST", kPolicy, permission("last", std::string(left, 'p'))).status == 201);
  CHECK(control.ask("GET", kPolicy).string("Policy").size() == 20'480);
}

TEST_CASE("a version and an alias have policies of their own; $LATEST has none") {
  Control control;
  control.create("f");
  control.publish("f");
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"live","FunctionVersion":"1"})");
  for (std::string const qualifier : {"1", "live"}) {
    auto const target = std::string(kPolicy) + "?Qualifier=" + qualifier;
    auto const added = control.ask("POST", target, permission("s"));
    CHECK(json::parse(added.string("Statement")).at("Resource") ==
          json::value(kArn + ("f:" + qualifier)));
    CHECK(control.ask("GET", target).status == 200);
  }
  CHECK(control.ask("GET", kPolicy).status == 404);
  check_refused(control.ask("POST", std::string(kPolicy) + "?Qualifier=%24LATEST", permission("s")),
                400, "InvalidParameterValueException",
                "do not support adding policies for $LATEST");
  control.ask("DELETE", "/2015-03-31/functions/f/aliases/live");
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"live","FunctionVersion":"1"})");
  CHECK(control.ask("GET", std::string(kPolicy) + "?Qualifier=live").status == 404);
}
