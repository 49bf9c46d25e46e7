// Responses: their limits, their streams, their ends.
#include "contract/runtime_api.hpp"

#include <doctest/doctest.h>

#include <string>

#include "contract/running.hpp"

using namespace contract_test;

TEST_CASE("the largest response passes, one byte more does not, and the environment stays usable") {
  auto const limit = contract_test::contract::kPayloadLimit;
  {
    Running environment;
    CHECK(environment.say(Environment::response(1, std::string(limit, 'x'))) == kAccepted);
    CHECK(environment.events.back() == "end 1");
  }
  Running environment;
  auto const answer = environment.say(Environment::response(1, std::string(limit + 1, 'x')));
  CHECK(status_of(answer) == "413");
  CHECK(body_of(answer) == kTooLarge);
  CHECK(environment.events == Events{"failed 1" + kTooLargeFailure});
  CHECK(environment.closed.empty());
  environment.events.clear();
  environment.api.receive(environment.runtime,
                          "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(environment.events == Events{"next"});
}

TEST_CASE("a chunked response is cut at the limit") {
  Running environment;
  environment.say("POST /2018-06-01/runtime/invocation/" + request_id(1) +
                  "/response HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string const chunk = "10000\r\n" + std::string(65'536, 'x') + "\r\n";
  for (int i = 0; i < 96; ++i) environment.say(chunk);
  CHECK(environment.events.size() == 2);
  CHECK(environment.events[1].size() == 5 + 6 * 1024 * 1024);
  environment.say(chunk);
  REQUIRE(environment.events.size() == 3);
  CHECK(environment.events[2] == "failed 1" + kTooLargeFailure);
  CHECK(environment.events[1].size() == 5 + contract_test::contract::kPayloadLimit);
  CHECK(environment.say(chunk).empty());
  auto const answer = environment.say("0\r\n\r\n");
  CHECK(status_of(answer) == "413");
  CHECK(body_of(answer) == kTooLarge);
  CHECK(environment.closed.empty());
}

TEST_CASE("a stream may be given a larger limit") {
  Environment environment;
  auto const runtime = environment.next();
  environment.api.invoke(invocation(1), 10'000'000);
  environment.answers[runtime].clear();
  environment.api.receive(runtime, Environment::response(1, std::string(9'000'000, 'x')));
  CHECK(environment.answers[runtime] == kAccepted);
}

TEST_CASE("a body that is refused is drained to a bound, then its connection is closed") {
  Running environment;
  environment.say("POST /2018-06-01/runtime/invocation/" + request_id(1) +
                  "/response HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string const chunk = "100000\r\n" + std::string(1'048'576, 'x') + "\r\n";
  int sent = 0;
  while (environment.closed.empty() && sent < 100)
    environment.api.receive(environment.runtime, chunk), ++sent;
  CHECK(sent == 7 + 16);  // past the limit, then past 16 MiB more
  CHECK(status_of(environment.answers[environment.runtime]) == "413");
  CHECK(has_field(environment.answers[environment.runtime], "Connection: close"));
  CHECK(environment.api.connections() == 0);
  // A declared length beyond the bound is not read at all.
  environment.api.invoke(invocation(2));
  environment.next();
  auto const answer = environment.ask(
      "POST /2018-06-01/runtime/invocation/" + request_id(2) +
      "/response HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000000000\r\n\r\n");
  CHECK(status_of(answer) == "413");
  CHECK(environment.closed.size() == 2);
}

TEST_CASE("error documents are limited as responses are") {
  auto const limit = contract_test::contract::kPayloadLimit;
  Running environment;
  auto const answer = environment.say(Environment::error(1, std::string(limit + 1, 'x')));
  CHECK(body_of(answer) == kTooLarge);
  CHECK(environment.events == Events{"failed 1" + kTooLargeFailure});
  Environment fresh;
  CHECK(body_of(fresh.ask(Environment::post("init/error", std::string(limit + 1, 'x')))) ==
        kTooLarge);
  CHECK(fresh.events == Events{"init error" + kTooLargeFailure});
}

TEST_CASE("a response that is cut has failed") {
  auto const request = Environment::response(1, "hello");
  auto const failure =
      "failed 1 Runtime.TruncatedResponse "
      "{\"errorType\":\"Runtime.TruncatedResponse\",\"errorMessage\":"
      "\"The runtime's answer was cut short: the connection was closed before the end of the "
      "body\"}";
  SUBCASE("by the connection's end") {
    Running environment;
    environment.say(request.substr(0, request.size() - 2));
    environment.api.closed(environment.runtime);
    CHECK(environment.events == Events{"head 1 []", "body hel", failure});
  }
  SUBCASE("by the end of what the peer sends: it is told") {
    Running environment;
    environment.say(request.substr(0, request.size() - 2));
    environment.api.end_of_input(environment.runtime);
    CHECK(environment.events == Events{"head 1 []", "body hel", failure});
    CHECK(body_of(environment.answers[environment.runtime]) ==
          "{\"errorMessage\":\"HTTP request detected as "
          "truncated\",\"errorType\":\"TruncatedHTTPRequest\"}\n");
    CHECK(environment.closed.size() == 1);
  }
  SUBCASE("by a malformed chunk") {
    Running environment;
    auto const answer = environment.say(
        "POST /2018-06-01/runtime/invocation/" + request_id(1) +
        "/response HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nzz\r\n");
    CHECK(status_of(answer) == "400");
    CHECK(environment.events ==
          Events{"head 1 []", "body hel",
                 "failed 1 Runtime.TruncatedResponse "
                 "{\"errorType\":\"Runtime.TruncatedResponse\",\"errorMessage\":"
                 "\"The runtime's answer was cut short: malformed chunk size\"}"});
    CHECK(environment.closed.size() == 1);
  }
  SUBCASE("an error document, too") {
    Running environment;
    auto const error = Environment::error(1, "hello");
    environment.say(error.substr(0, error.size() - 2));
    environment.api.closed(environment.runtime);
    CHECK(environment.events == Events{failure});
  }
  SUBCASE("and the runtime may go on") {
    Running environment;
    environment.say(request.substr(0, request.size() - 2));
    environment.api.closed(environment.runtime);
    environment.next();
    CHECK(environment.events.back() == "next");
  }
}

TEST_CASE("the response mode is absent or streaming") {
  Running environment;
  auto const answer = environment.say(
      Environment::response(1, "x", "Lambda-Runtime-Function-Response-Mode: Streaming\r\n"));
  CHECK(status_of(answer) == "400");
  CHECK(body_of(answer) ==
        "{\"errorMessage\":\"Invalid function response "
        "mode\",\"errorType\":\"InvalidFunctionResponseMode\"}\n");
  REQUIRE(environment.events.size() == 1);
  CHECK(environment.events[0].starts_with("failed 1 Runtime.InvalidResponseModeHeader {"));
  CHECK(environment.closed.empty());
}

TEST_CASE("a stream that breaks says so in its trailers") {
  auto const stream = [](std::string const& trailers) {
    return "POST /2018-06-01/runtime/invocation/" + request_id(1) +
           "/response HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
           "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n2\r\nab\r\n0\r\n" +
           trailers + "\r\n";
  };
  struct Row {
    std::string trailers, event;
  };
  Row const rows[] = {
      {"", "end 1"},
      {"Lambda-Runtime-Function-Error-Type: Runtime.Broken\r\nLambda-Runtime-Function-Error-Body: "
       "eyJhIjoxfQ==\r\n",
       "end 1 Runtime.Broken {\"a\":1}"},
      {"lambda-runtime-function-error-type: Oops\r\n", "end 1 Runtime.Unknown "},
      {"Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n", "end 1 Function.Unknown {\"a\":1}"},
      {"Lambda-Runtime-Function-Error-Type: Runtime.Broken\r\nLambda-Runtime-Function-Error-Body: "
       "{}\r\n",
       "end 1 Runtime.Broken "},
  };
  for (auto const& row : rows) {
    Running environment;
    CHECK(environment.say(stream(row.trailers)) == kAccepted);
    CHECK(environment.events == Events{"head 1 [] streaming", "body ab", row.event});
  }
}

TEST_CASE("a slow reader holds the function's response, not memory") {
  Running environment;
  environment.pause_after = 1;
  auto const request = Environment::response(1, "hello");
  environment.say(request.substr(0, request.size() - 2));
  CHECK_FALSE(environment.api.wants_input(environment.runtime));
  environment.say(request.substr(request.size() - 2) +
                  "GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(environment.events == Events{"head 1 []", "body hel"});
  environment.answers[environment.runtime].clear();
  environment.pause_after.reset();
  environment.api.resume();
  CHECK(environment.api.wants_input(environment.runtime));
  CHECK(environment.events == Events{"head 1 []", "body hello", "end 1"});
  CHECK(environment.answers[environment.runtime].ends_with("pong"));
}

TEST_CASE("abandon frees a connection whose reader was slow") {
  Running environment;
  environment.pause_after = 1;
  auto const request = Environment::response(1, "hello");
  environment.say(request.substr(0, request.size() - 2));
  environment.api.abandon();
  CHECK(environment.api.wants_input(environment.runtime));
  CHECK(body_of(environment.say(request.substr(request.size() - 2))) == kInvalidId);
}
