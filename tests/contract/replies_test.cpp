#include "contract/replies.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::contract;

TEST_CASE("a head says what its reply is and how long") {
  CHECK(reply_head(replies::accepted(), "application/json", true) ==
        "HTTP/1.1 202 Accepted\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: 16\r\n\r\n");
  CHECK(reply_head({.status = 200, .body = "pong", .field = "X-Name", .value = "v"}, "text/plain",
                   false) ==
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: text/plain\r\n"
        "X-Name: v\r\n"
        "Content-Length: 4\r\n"
        "Connection: close\r\n\r\n");
}

TEST_CASE("no value ends its line") {
  auto const head =
      reply_head({.status = 200, .body = "", .field = "X-Name", .value = "a\r\nInjected: 1\x7f\t."},
                 "text/plain\nx", true);
  CHECK(head ==
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: text/plain x\r\n"
        "X-Name: a  Injected: 1  .\r\n"
        "Content-Length: 0\r\n\r\n");
}

TEST_CASE("a refusal is a document in Lambda's words, its text escaped") {
  auto const reply = replies::refusal(400, "Type", "a \"quoted\"\nline");
  CHECK(reply.status == 400);
  CHECK(reply.body == "{\"errorMessage\":\"a \\\"quoted\\\"\\nline\",\"errorType\":\"Type\"}\n");
  CHECK(replies::too_large(42).status == 413);
  CHECK(replies::too_large(42).body.find("(42 bytes)") != std::string::npos);
  auto const transition = replies::invalid_transition("Started", "Ready");
  CHECK(transition.status == 403);
  CHECK(transition.body.find("State transition from Started to Ready failed") != std::string::npos);
  CHECK(replies::invalid_request_id().body.find("InvalidRequestID") != std::string::npos);
  CHECK(replies::invalid_response_mode().body.find("InvalidFunctionResponseMode") !=
        std::string::npos);
  CHECK(replies::truncated().body.find("TruncatedHTTPRequest") != std::string::npos);
}

TEST_CASE("every status that we answer has its own phrase") {
  for (int status : {200, 202, 400, 403, 404, 408, 413, 414, 417, 431, 501, 505}) {
    CAPTURE(status);
    auto const head = reply_head({.status = status, .body = ""}, "text/plain", true);
    CHECK(head.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
    CHECK(head.find(" Error\r\n") == std::string::npos);
  }
}

TEST_CASE("a type of error is kept where it has Lambda's form, else it is unknown of its family") {
  for (auto kept : {"Runtime.ExitError", "Function.Ab"}) CHECK(known_error_type(kept) == kept);
  for (auto odd :
       {"", "TypeError", "Runtime.", "Runtime.X", "Runtime.exitError", "Runtime.Exit-Error",
        "Runtime.Exit.Error", "Runtime.Exit\n", "runtime.ExitError", "Extension.Crash"})
    CHECK(known_error_type(odd) == "Runtime.Unknown");
  for (auto odd : {"Function.", "Function.x", "Function.A1"})
    CHECK(known_error_type(odd) == "Function.Unknown");
  CHECK(known_extension_error_type("Extension.Crash", "x") == "Extension.Crash");
  CHECK(known_extension_error_type("Runtime.Crash", "x") == "x");
  CHECK(known_extension_error_type("Extension.", "x") == "x");
}
