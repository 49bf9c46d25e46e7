#include "contract/runtime_api.hpp"

#include <doctest/doctest.h>

#include <string>

#include "contract/running.hpp"

using namespace contract_test;

TEST_CASE("an invocation is answered to the waiting next, in full") {
  Environment environment;
  auto const runtime = environment.next();
  CHECK(environment.events == Events{"next"});
  CHECK(environment.api.idle());
  CHECK(environment.answers[runtime].empty());
  auto made = invocation(1, "{\"a\":1}");
  made.trace_id = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1";
  made.client_context = "{\"custom\":{}}";
  made.tenant = "blue";
  environment.api.invoke(made);
  CHECK(environment.answers[runtime] ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-000000000001\r\n"
        "Lambda-Runtime-Deadline-Ms: 1800000000000\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1\r\n"
        "Lambda-Runtime-Client-Context: {\"custom\":{}}\r\n"
        "Lambda-Runtime-Aws-Tenant-Id: blue\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
  CHECK(environment.api.busy());
  CHECK_FALSE(environment.api.idle());
}

TEST_CASE("empty metadata is left out, and the content type is the caller's") {
  Environment environment;
  auto const runtime = environment.next();
  auto made = invocation(1, "x");
  made.content_type = "text/plain";
  environment.api.invoke(made);
  auto const& answer = environment.answers[runtime];
  CHECK(has_field(answer, "Content-Type: text/plain"));
  CHECK(answer.find("Trace-Id") == answer.npos);
  CHECK(answer.find("Client-Context") == answer.npos);
  CHECK(answer.find("Tenant") == answer.npos);
}

TEST_CASE("a caller's metadata cannot add a header") {
  Environment environment;
  auto const runtime = environment.next();
  auto made = invocation(1);
  made.client_context = "{\"a\":\r\n 1}\r\n\r\nHTTP/1.1 200 OK";
  made.tenant = std::string("a\0b\nc", 5);
  environment.api.invoke(made);
  auto const& answer = environment.answers[runtime];
  CHECK(has_field(answer, "Lambda-Runtime-Client-Context: {\"a\":   1}    HTTP/1.1 200 OK"));
  CHECK(has_field(answer, "Lambda-Runtime-Aws-Tenant-Id: a b c"));
  CHECK(body_of(answer) == "{}");
}

TEST_CASE("an invocation given early is kept until the runtime asks") {
  Environment environment;
  environment.api.invoke(invocation(1));
  CHECK_FALSE(environment.api.initialized());
  auto const runtime = environment.next();
  CHECK(environment.events == Events{"next"});
  CHECK(status_of(environment.answers[runtime]) == "200");
}

TEST_CASE("a response goes to the caller as it arrives") {
  Running environment;
  std::string const request = Environment::response(1, "hello world", "Content-Type: text/x\r\n");
  environment.say(request.substr(0, request.size() - 6));
  CHECK(environment.events == Events{"head 1 [text/x]", "body hello"});
  CHECK(environment.say(request.substr(request.size() - 6)) == kAccepted);
  CHECK(environment.events == Events{"head 1 [text/x]", "body hello world", "end 1"});
  CHECK_FALSE(environment.api.busy());
  CHECK_FALSE(environment.api.idle());  // the runtime has not asked again
}

TEST_CASE("an empty response is a response") {
  Running environment;
  CHECK(environment.say(Environment::response(1, "")) == kAccepted);
  CHECK(environment.events == Events{"head 1 []", "end 1"});
}

TEST_CASE("an error is passed on verbatim, its type by the rule") {
  struct Row {
    std::string type, kept;
  };
  Row const rows[] = {
      {"Runtime.Foo", "Runtime.Foo"},
      {"Function.FooBar", "Function.FooBar"},
      {"Foo", "Runtime.Unknown"},
      {"Runtime.foo", "Runtime.Unknown"},
      {"Runtime.F", "Runtime.Unknown"},
      {"Runtime.Foo1", "Runtime.Unknown"},
      {"Runtime.Foo.Bar", "Runtime.Unknown"},
      {"runtime.Foo", "Runtime.Unknown"},
      {"XRuntime.Foo", "Runtime.Unknown"},
      {"Function.foo", "Function.Unknown"},
      {"Function.Foo Bar", "Function.Unknown"},
      {std::string(60'000, 'A'), "Runtime.Unknown"},
  };
  for (auto const& row : rows) {
    Running environment;
    CHECK(environment.say(Environment::error(
              1, "any bytes", "Lambda-Runtime-Function-Error-Type: " + row.type + "\r\n")) ==
          kAccepted);
    CHECK(environment.events == Events{"error 1 " + row.kept + " any bytes"});
  }
  Running environment;
  environment.say(Environment::error(1, "{}"));
  CHECK(environment.events == Events{"error 1 Function.Unknown {}"});
}

TEST_CASE("an id is told apart by every byte of it, and by case") {
  Environment environment;
  environment.next();
  auto named = invocation(1);
  named.request_id = "abcdefab-cdef-4abc-8def-abcdefabcdef";
  environment.api.invoke(named);
  auto const connection = environment.open();
  auto const answer = [&](std::string const& id) {
    environment.answers[connection].clear();
    environment.api.receive(connection, Environment::post("invocation/" + id + "/response", "x"));
    return status_of(environment.answers[connection]);
  };
  for (std::size_t i = 0; i < named.request_id.size(); ++i) {
    auto other = named.request_id;
    bool const letter = other[i] >= 'a' && other[i] <= 'f';
    other[i] = letter ? static_cast<char>(other[i] ^ 0x20) : 'x';
    CAPTURE(other);
    CHECK(answer(other) == "400");
    CHECK(answer(named.request_id.substr(0, i)) == (i == 0 ? "404" : "400"));
  }
  CHECK(answer(named.request_id) == "202");
}

TEST_CASE("a type of error cannot carry a header, nor be longer than a head") {
  Running split;
  split.say(Environment::error(
      1, "{}", "Lambda-Runtime-Function-Error-Type: Function.Foo\r\n Function.Bar\r\n"));
  CHECK(split.events.empty());
  CHECK(split.closed.size() == 1);
  Running large;
  auto const answer = large.say(Environment::error(
      1, "{}", "Lambda-Runtime-Function-Error-Type: " + std::string(2 << 20, 'A') + "\r\n"));
  CHECK(status_of(answer) == "431");
  CHECK(large.events.empty());
}

TEST_CASE("an error's document is bytes: nobody here reads it") {
  std::string const documents[] = {
      std::string(100'000, '['),
      std::string(100'000, '[') + std::string(100'000, ']'),
      R"({"errorType":"A","errorType":"B"})",
      R"({"errorMessage":NaN})",
      R"({"errorMessage":"\ud800"})",
      "{\"errorMessage\":\"\xed\xa0\x80\"}",
      std::string("\0\xff", 2),
      "\"" + std::string(6'000'000, '\\') + "\"",
      "",
  };
  for (auto const& document : documents) {
    Running environment;
    CHECK(environment.say(Environment::error(1, document)) == kAccepted);
    CHECK(environment.events == Events{"error 1 Function.Unknown " + document});
    Environment starting;
    starting.ask(Environment::post("init/error", document));
    CHECK(starting.events == Events{"init error Runtime.Unknown " + document});
  }
}

TEST_CASE("init error ends the init, once") {
  Environment environment;
  auto const answer = environment.ask(
      Environment::post("init/error", "{\"errorType\":\"X\"}",
                        "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n"));
  CHECK(answer == kAccepted);
  CHECK(environment.events == Events{"init error Runtime.ImportModuleError {\"errorType\":\"X\"}"});
  CHECK(body_of(environment.ask(Environment::post("init/error", "{}"))) ==
        transition("InitError", "InitError"));
  auto const runtime = environment.next();
  CHECK(body_of(environment.answers[runtime]) == transition("InitError", "Ready"));
  CHECK(environment.events.size() == 1);
}

TEST_CASE("init error after next is refused") {
  Environment environment;
  environment.next();
  auto const answer = environment.ask(Environment::post("init/error", "{}"));
  CHECK(status_of(answer) == "403");
  CHECK(body_of(answer) == transition("Ready", "InitError"));
  CHECK(environment.events == Events{"next"});
}

TEST_CASE("an answer before the first next is refused") {
  Environment environment;
  environment.api.invoke(invocation(1));  // kept: the runtime cannot know it
  auto const answer = environment.ask(Environment::response(1, "{}"));
  CHECK(status_of(answer) == "403");
  CHECK(body_of(answer) == transition("Started", "InvocationResponse"));
  CHECK(body_of(environment.ask(Environment::error(1, "{}"))) ==
        transition("Started", "InvocationErrorResponse"));
  CHECK(environment.events.empty());
}

TEST_CASE("an id that is not the running one is refused and nothing is touched") {
  auto const id = request_id(1);
  std::string const ids[] = {
      request_id(2),
      "x",
      id + "0",
      id.substr(0, id.size() - 1),
      "A" + id.substr(1),
      "00000000-0000-4000-8000-00000000000%EF%BC%91",
      id + "%20",
      "%30" + id.substr(1),
      id + "?",
      "..",
      std::string(4000, '0'),
  };
  for (auto const& other : ids) {
    Running environment;
    for (std::string const verb : {"response", "error"}) {
      auto const answer =
          environment.say(Environment::post("invocation/" + other + "/" + verb, "evil"));
      CHECK(status_of(answer) == "400");
      CHECK(body_of(answer) == kInvalidId);
    }
    CHECK(environment.events.empty());
    CHECK(environment.say(Environment::response(1, "good")) == kAccepted);
    CHECK(environment.events.back() == "end 1");
  }
}

TEST_CASE("the first answer stands") {
  for (bool const first_is_error : {false, true}) {
    for (bool const second_is_error : {false, true}) {
      Running environment;
      auto const answer = [](bool error) {
        return error ? Environment::error(1, "e") : Environment::response(1, "r");
      };
      CHECK(environment.say(answer(first_is_error)) == kAccepted);
      auto const before = environment.events;
      auto const refused = environment.say(answer(second_is_error));
      CHECK(status_of(refused) == "403");
      CHECK(body_of(refused) ==
            transition("RuntimeResponseSentState",
                       second_is_error ? "InvocationErrorResponse" : "InvocationResponse"));
      CHECK(environment.events == before);
    }
  }
}

TEST_CASE("two answers at once are one answer") {
  Running environment;
  auto const request = Environment::response(1, "hello");
  environment.say(request.substr(0, request.size() - 2));
  auto const other = environment.ask(Environment::error(1, "{}"));
  CHECK(status_of(other) == "403");
  CHECK(body_of(other) == transition("InvocationResponse", "InvocationErrorResponse"));
  auto const next = environment.next();
  CHECK(body_of(environment.answers[next]) == transition("InvocationResponse", "Ready"));
  CHECK(environment.say(request.substr(request.size() - 2)) == kAccepted);
  CHECK(environment.events == Events{"head 1 []", "body hello", "end 1"});
}

TEST_CASE("next again while an invocation runs gives the same one again") {
  Running environment;
  auto const again = environment.next();
  CHECK(has_field(environment.answers[again], "Lambda-Runtime-Aws-Request-Id: " + request_id(1)));
  CHECK(environment.events.empty());
}

TEST_CASE("a late answer meets 400 and the next invocation's result is untouched") {
  Running environment;
  environment.api.abandon();
  CHECK_FALSE(environment.api.busy());
  auto const late = environment.say(Environment::response(1, "late"));
  CHECK(status_of(late) == "400");
  CHECK(body_of(late) == kInvalidId);
  environment.api.invoke(invocation(2));
  CHECK(body_of(environment.say(Environment::response(1, "late"))) == kInvalidId);
  environment.next();
  CHECK(environment.events == Events{"next"});
  CHECK(body_of(environment.say(Environment::response(1, "late"))) == kInvalidId);
  CHECK(environment.say(Environment::response(2, "good")) == kAccepted);
  CHECK(environment.events == Events{"next", "head 2 []", "body good", "end 2"});
}

TEST_CASE("an invocation abandoned in the middle of its response is heard of no more") {
  Running environment;
  auto const request = Environment::response(1, "hello");
  environment.say(request.substr(0, request.size() - 2));
  environment.api.abandon();
  auto const before = environment.events;
  auto const answer = environment.say(request.substr(request.size() - 2));
  CHECK(body_of(answer) == kInvalidId);
  CHECK(environment.events == before);
  CHECK(environment.closed.empty());
}

TEST_CASE("an invocation abandoned before the runtime asked is not handed out") {
  Environment environment;
  environment.api.invoke(invocation(1));
  environment.api.abandon();
  auto const runtime = environment.next();
  CHECK(environment.answers[runtime].empty());
  CHECK(environment.api.idle());
}

TEST_CASE("a runtime that reconnects is served on its newest connection") {
  Environment environment;
  auto const old = environment.next();
  auto const fresh = environment.next();
  CHECK(environment.events == Events{"next"});
  environment.api.invoke(invocation(1));
  CHECK(environment.answers[old].empty());
  CHECK(status_of(environment.answers[fresh]) == "200");
  // The other one still waits: the environment is ready again as soon as the first has answered.
  environment.api.receive(fresh, Environment::response(1, "x"));
  CHECK(environment.events.back() == "next");
  environment.api.invoke(invocation(2));
  CHECK(has_field(environment.answers[old], "Lambda-Runtime-Aws-Request-Id: " + request_id(2)));
}

TEST_CASE("a runtime that left while it waited gets its invocation when it asks again") {
  Environment environment;
  auto const runtime = environment.next();
  environment.api.closed(runtime);
  CHECK_FALSE(environment.api.idle());
  environment.api.invoke(invocation(1));
  CHECK(environment.answers[runtime].empty());
  CHECK(status_of(environment.answers[environment.next()]) == "200");
}

TEST_CASE("ping, telemetry and logs") {
  Environment environment;
  CHECK(environment.ask("GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\n\r\n") ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\npong");
  auto const put = [&](std::string const& path) {
    return environment.ask("PUT " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}");
  };
  auto const telemetry = put("/2022-07-01/telemetry");
  CHECK(status_of(telemetry) == "202");
  CHECK(body_of(telemetry) ==
        "{\"errorMessage\":\"Telemetry API is not "
        "supported\",\"errorType\":\"Telemetry.NotSupported\"}\n");
  auto const logs = put("/2020-08-15/logs");
  CHECK(status_of(logs) == "202");
  CHECK(body_of(logs) ==
        "{\"errorMessage\":\"Logs API is not supported\",\"errorType\":\"Logs.NotSupported\"}\n");
  CHECK(environment.events.empty());
}

TEST_CASE("HTTP/1.0 and Connection: close are answered, then closed") {
  Environment environment;
  auto const old = environment.ask("GET /2018-06-01/ping HTTP/1.0\r\n\r\n");
  CHECK(has_field(old, "Connection: close"));
  CHECK(environment.closed.size() == 1);
  environment.ask("GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(environment.closed.size() == 2);
  auto const id = environment.open();
  environment.api.receive(id, "GET /2018-06-01/runtime/invocation/next HTTP/1.0\r\n\r\n");
  CHECK(environment.closed.size() == 2);
  environment.api.invoke(invocation(1));
  CHECK(environment.closed.contains(id));
  CHECK(environment.api.connections() == 0);
}

TEST_CASE("a client that waits for 100 Continue is told at once") {
  Running environment;
  auto const head =
      "POST /2018-06-01/runtime/invocation/" + request_id(1) +
      "/response HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  CHECK(environment.say(head) == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(environment.say("hello") == kAccepted);
  // A refused one may never send its body: the answer is the last.
  auto const refused = environment.say(head);
  CHECK(status_of(refused) == "403");
  CHECK(environment.closed.size() == 1);
}

TEST_CASE("an expectation we do not know is refused") {
  Running environment;
  auto const answer = environment.say(Environment::response(1, "x", "Expect: miracles\r\n"));
  CHECK(status_of(answer) == "417");
  CHECK(environment.events.back().starts_with("failed 1 Runtime.TruncatedResponse"));
  CHECK(environment.closed.size() == 1);
}
