// Bodies made to hurt or to mislead their reader: each operation that reads one refuses them all,
// and nothing changes.
#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

struct Ask {
  char const* method;
  std::string target;
  std::string member;  // with a good value
};

std::vector<Ask> readers() {
  std::string const f = "/2015-03-31/functions/f";
  return {{"PUT", f + "/configuration", R"("Description":"changed")"},
          {"PUT", f + "/code", R"("DryRun":false,"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==")"},
          {"POST", f + "/versions", R"("Description":"changed")"},
          {"POST", f + "/aliases", R"("Name":"new","FunctionVersion":"1")"},
          {"PUT", f + "/aliases" + "/live", R"("Description":"changed")"},
          {"POST", f + "/policy", R"("StatementId":"s","Action":"*","Principal":"*")"},
          {"PUT", "/2017-10-31/functions/f/concurrency", R"("ReservedConcurrentExecutions":1)"},
          {"PUT", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1",
           R"("ProvisionedConcurrentExecutions":1)"},
          {"PUT", "/2019-09-25/functions/f/event-invoke-config", R"("MaximumRetryAttempts":1)"},
          {"POST", "/2019-09-25/functions/f/event-invoke-config", R"("MaximumRetryAttempts":1)"},
          {"POST", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af",
           R"("Tags":{"a":"changed"})"},
          {"PUT", "/2021-07-20/functions/f/runtime-management-config",
           R"("UpdateRuntimeOn":"FunctionUpdate")"},
          {"PUT", "/2024-08-31/functions/f/recursion-config", R"("RecursiveLoop":"Allow")"}};
}

// All that the operations above could have changed.
std::string state_of(Control& control) {
  std::string out;
  for (auto const* target : {"/2015-03-31/functions/f", "/2015-03-31/functions/f/versions",
                             "/2015-03-31/functions/f/aliases", "/2015-03-31/functions/f/policy",
                             "/2019-09-30/functions/f/provisioned-concurrency?List=ALL",
                             "/2019-09-25/functions/f/event-invoke-config/list",
                             "/2021-07-20/functions/f/runtime-management-config",
                             "/2024-08-31/functions/f/recursion-config"})
    out += control.ask("GET", target).text + "\n";
  return out;
}

std::string first_name(std::string const& member) { return member.substr(0, member.find(':')); }

}  // namespace

TEST_CASE("a hostile body is refused by every operation that reads one, and changes nothing") {
  Control control;
  control.create("f", R"(,"Tags":{"a":"b"})");
  control.publish("f");
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"live","FunctionVersion":"1"})");
  control.ask("PUT", "/2019-09-25/functions/f/event-invoke-config",
              R"({"MaximumRetryAttempts":2})");
  auto const before = state_of(control);
  for (auto const& ask : readers()) {
    CAPTURE(ask.target);
    auto const name = first_name(ask.member);
    for (auto const& body : {
             std::string(50'000, '['),
             "{" + name + ":" + std::string(2000, '[') + std::string(2000, ']') + "}",
             "{" + ask.member + ",\"x\":" + std::string(999, '[') + std::string(999, ']') + "}",
             "{" + name + ":1e999999999}",
             "{" + name + ":123456789012345678901234567890}",
             "{" + ask.member + "," + ask.member + "}",
             "{" + ask.member + "," + name + ":null}",
             "{" + ask.member + "}{}",
             "{" + ask.member + ",}",
             "{" + ask.member,
             "[{" + ask.member + "}]",
             "{" + ask.member + ",\"\xff\":1}",
             "{" + ask.member + ",\"__proto__\":{}}",
             std::string("null"),
         }) {
      CAPTURE(body.substr(0, 120));
      auto const answer = control.ask(ask.method, ask.target, body);
      CHECK(answer.status == 400);
      CHECK_FALSE(answer.exception.empty());
      CHECK(answer.text.size() < 2000);
      CHECK(answer.body.is_object());
    }
  }
  CHECK(state_of(control) == before);
}

TEST_CASE("a body larger than an operation has use for is not read") {
  Control control;
  control.create("f");
  auto const answer = control.ask("POST", "/2015-03-31/functions/f/aliases",
                                  "{\"Name\":\"" + std::string(70'000, 'a') + "\"}");
  CHECK(answer.status == 413);
  CHECK(answer.exception == "RequestEntityTooLargeException");
}

TEST_CASE("what a message shows of a text is text, too, wherever it is cut") {
  Control control;
  control.create("f");
  for (int shift = 0; shift < 4; ++shift) {
    std::string wide(static_cast<std::size_t>(shift), 'x');
    for (int i = 0; i < 300; ++i) wide += "\xe2\x98\x83";
    auto const answer = control.ask("PUT", "/2015-03-31/functions/f/configuration",
                                    "{\"Description\":\"" + wide + "\"}");
    CHECK(answer.status == 400);
    CHECK_MESSAGE(answer.body.is_object(), answer.text);
    CHECK(control.ask("PUT", "/2015-03-31/functions/f/configuration", "{\"" + wide + "\":1}")
              .body.is_object());
  }
}

TEST_CASE("what a message shows of a path or a query is text, whatever bytes came") {
  Control control;
  control.create("f");
  for (auto const* target :
       {"/2015-03-31/functions/%ff%fe", "/2015-03-31/functions/f?Qualifier=%ff",
        "/2015-03-31/functions/f/aliases/%ff", "/2015-03-31/functions?MaxItems=%ff",
        "/2015-03-31/functions?FunctionVersion=%ff", "/2017-03-31/tags/%ff"}) {
    CAPTURE(target);
    auto const answer = control.ask("GET", target);
    CHECK(answer.status == 400);
    CHECK(answer.body.is_object());
  }
}
