#include <doctest/doctest.h>

#include <string>

#include "contract/environment.hpp"

using contract_test::ConnectionId;
using contract_test::Environment;
using contract_test::invocation;
using contract_test::request_id;

namespace {

using Events = std::vector<std::string>;

contract_test::contract::RuntimeApi::Options options() {
  contract_test::contract::RuntimeApi::Options made;
  made.function_name = "hello";
  made.handler = "index.handler";
  made.account_id = "000000000000";
  return made;
}

std::string enroll(std::string const& name, std::string const& body = "{\"events\":[]}") {
  return "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: h\r\nLambda-Extension-Name: " +
         name + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string id_in(std::string const& answer) {
  std::string const name = "Lambda-Extension-Identifier: ";
  return answer.substr(answer.find(name) + name.size(), 36);
}

std::string event_next(std::string const& field) {
  return "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: h\r\n" + field + "\r\n";
}

bool is_refused(std::string const& answer, std::string const& type) {
  return answer.starts_with("HTTP/1.1 403 ") &&
         answer.find("\"errorType\":\"Extension." + type + "\"") != answer.npos;
}

}  // namespace

TEST_CASE("an extension inside the runtime registers and parks, as Go's SIGTERM handler does") {
  Environment environment(options());
  auto const answer = environment.ask(enroll("GoLangEnableSIGTERM"));
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.ends_with(
      "\r\n\r\n{\"functionName\":\"hello\",\"functionVersion\":\"$LATEST\",\"handler\":"
      "\"index.handler\",\"accountId\":\"000000000000\"}"));
  CHECK(environment.events == Events{"extension GoLangEnableSIGTERM"});
  auto const parked =
      environment.ask(event_next("Lambda-Extension-Identifier: " + id_in(answer) + "\r\n"));
  CHECK(parked.empty());
  auto const runtime = environment.next();
  environment.api.invoke(invocation(1));
  environment.api.receive(runtime, Environment::response(1, "x"));
  CHECK(environment.events.back() == "end 1");
  CHECK(environment.closed.empty());  // and it waits for ever
}

TEST_CASE("an extension that listens gets each invocation, and work waits for it") {
  Environment environment(options());
  auto const id = id_in(environment.ask(enroll("tracer", "{\"events\":[\"INVOKE\"]}")));
  auto const runtime = environment.next();
  CHECK(environment.events == Events{"extension tracer"});  // no next: the extension is not ready
  auto const tracer = environment.open();
  auto const wait = event_next("Lambda-Extension-Identifier: " + id + "\r\n");
  environment.api.receive(tracer, wait);
  CHECK(environment.events.back() == "next");
  environment.api.invoke(invocation(1));
  auto const& event = environment.answers[tracer];
  CHECK(event.find("\r\nLambda-Extension-Event-Identifier: " + request_id(1) + "\r\n") !=
        event.npos);
  CHECK(event.ends_with(
      "{\"eventType\":\"INVOKE\",\"deadlineMs\":1800000000000,\"requestId\":\"" + request_id(1) +
      "\",\"invokedFunctionArn\":\"arn:aws:lambda:us-east-1:000000000000:function:f\","
      "\"tracing\":{\"type\":\"X-Amzn-Trace-Id\",\"value\":\"\"}}"));
  environment.events.clear();
  environment.api.receive(
      runtime, Environment::response(1, "x") +
                   "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(environment.events == Events{"head 1 []", "body x", "end 1"});
  environment.api.receive(tracer, wait);
  CHECK(environment.events.back() == "next");
}

TEST_CASE("registration is refused with Lambda's types") {
  Environment environment(options());
  CHECK(is_refused(environment.ask(enroll("")), "InvalidExtensionName"));
  CHECK(is_refused(environment.ask(enroll(std::string(129, 'x'))), "InvalidExtensionName"));
  CHECK(is_refused(environment.ask(enroll("x", "{")), "InvalidRequestFormat"));
  CHECK(is_refused(environment.ask(enroll("x", "[]")), "InvalidRequestFormat"));
  CHECK(is_refused(environment.ask(enroll("x", "{\"events\":1}")), "InvalidRequestFormat"));
  CHECK(is_refused(environment.ask(enroll("x", "{\"events\":[1]}")), "InvalidRequestFormat"));
  CHECK(is_refused(environment.ask(enroll("x", std::string(5000, '['))), "InvalidRequestFormat"));
  CHECK(
      is_refused(environment.ask(enroll("x", "{\"events\":[\"SHUTDOWN\"]}")), "InvalidEventType"));
  CHECK(is_refused(environment.ask(enroll("x", "{\"events\":[\"invoke\"]}")), "InvalidEventType"));
  CHECK(environment.ask(enroll("x", std::string(70'000, ' '))).starts_with("HTTP/1.1 413 "));
  CHECK(environment.events.empty());
  environment.ask(enroll("x", "{}"));
  CHECK(is_refused(environment.ask(enroll("x")), "InvalidExtensionState"));
  for (int i = 1; i < 10; ++i) environment.ask(enroll("x" + std::to_string(i)));
  CHECK(environment.events.size() == 10);
  CHECK(is_refused(environment.ask(enroll("y")), "TooManyExtensions"));
  environment.next();
  CHECK(is_refused(environment.ask(enroll("z")), "RegistrationClosed"));
}

TEST_CASE("an extension is known by its identifier alone") {
  Environment environment(options());
  auto const id = id_in(environment.ask(enroll("x")));
  CHECK(is_refused(environment.ask(event_next("")), "MissingExtensionIdentifier"));
  CHECK(is_refused(environment.ask(event_next("Lambda-Extension-Identifier: x\r\n")),
                   "InvalidExtensionIdentifier"));
  CHECK(is_refused(
      environment.ask(event_next("Lambda-Extension-Identifier: " + std::string(36, '-') + "\r\n")),
      "InvalidExtensionIdentifier"));
  auto other = id;
  other.back() = 'f';
  CHECK(is_refused(environment.ask(event_next("Lambda-Extension-Identifier: " + other + "\r\n")),
                   "UnknownExtensionIdentifier"));
  auto const mine = event_next("Lambda-Extension-Identifier: " + id + "\r\n");
  auto const parked = environment.open();
  environment.api.receive(parked, mine);
  CHECK(is_refused(environment.ask(mine), "InvalidExtensionState"));
  environment.api.closed(parked);
  CHECK(environment.ask(mine).empty());  // it may come back
}

TEST_CASE("an extension that cannot go on ends the environment") {
  Environment environment(options());
  auto const id = id_in(environment.ask(enroll("x")));
  auto const report = [&](std::string const& path, std::string const& type) {
    return environment.ask("POST /2020-01-01/extension/" + path + " HTTP/1.1\r\nHost: h\r\n" +
                           "Lambda-Extension-Identifier: " + id + "\r\n" + type +
                           "Content-Length: 2\r\n\r\n{}");
  };
  CHECK(is_refused(report("init/error", ""), "MissingHeader"));
  CHECK(report("init/error", "Lambda-Extension-Function-Error-Type: Extension.NoConfig\r\n")
            .starts_with("HTTP/1.1 202 "));
  CHECK(report("exit/error", "Lambda-Extension-Function-Error-Type: oops\r\n")
            .starts_with("HTTP/1.1 202 "));
  CHECK(environment.events == Events{"extension x", "extension failed x Extension.NoConfig {}",
                                     "extension failed x Extension.ExitError {}"});
}

namespace {

// Gives up the first invocation while it is handed out, and has another at once.
struct Replacing final : Environment {
  Replacing() : Environment(options()) {}
  void send(ConnectionId id, std::string_view head, std::string_view body) override {
    Environment::send(id, head, body);
    if (head.find("Aws-Request-Id: " + request_id(1)) == head.npos) return;
    api.abandon();
    api.invoke(invocation(2));
  }
};

}  // namespace

TEST_CASE("an extension hears of an invocation when the runtime has it, not before") {
  Replacing environment;
  auto const id = id_in(environment.ask(enroll("tracer", "{\"events\":[\"INVOKE\"]}")));
  auto const tracer = environment.open();
  environment.api.receive(tracer, event_next("Lambda-Extension-Identifier: " + id + "\r\n"));
  environment.next();
  environment.api.invoke(invocation(1));
  CHECK(environment.answers[tracer].empty());
  auto const runtime = environment.next();
  CHECK(environment.answers[runtime].find(request_id(2)) != std::string::npos);
  CHECK(environment.answers[tracer].find(request_id(2)) != std::string::npos);
}
