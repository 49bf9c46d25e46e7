// The native contract through Runtime::invoke: guest.h's programs in jails.
#include <sys/resource.h>

#include <filesystem>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

struct Native : Host {
  explicit Native(std::string const& program = "native_task", Limits limits = {.timeout = 5s}) {
    function.name = "f";
    function.runtime = "native";
    function.limits = limits;
    function.code = await(runtime().store(FAAS_BINARY_DIR "/" + program)).value().digest;
  }
  void deploy() { await(runtime().deploy(function)).value(); }
  Outcome ask(std::string const& payload, InvokeOptions options = {}) {
    return invoke("f", payload, options).value();
  }
  Function function;
};

bool contains(std::string const& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a function in C over the native contract is called first, then warm") {
  Native host;
  host.deploy();
  auto const first = host.ask("echo 1");
  CHECK(first.payload == "echo 1");
  CHECK(first.timing.init.has_value());
  auto const second = host.ask("echo 2");
  CHECK(second.payload == "echo 2");
  CHECK(second.start == StartLevel::warm);
}

TEST_CASE("the example for C keeps its count, logs, and refuses what is too long") {
  Native host("functions/native-hello");
  host.deploy();
  CHECK(host.ask(R"("you")").payload == R"({"hello":"you","from":"c","count":1})");
  CHECK(host.ask("7").payload == R"({"hello":7,"from":"c","count":2})");
  auto const refused = host.ask(std::string(3000, '1'));
  CHECK(refused.error_type == "Function.TooLong");
  CHECK(refused.payload ==
        R"({"errorMessage":"at most 2,048 bytes","errorType":"Function.TooLong"})");
}

TEST_CASE("an event says who asks, for what and until when") {
  Native host;
  host.deploy();
  auto const said = host.ask("describe", {.client_context = R"({"a":1})"});
  CHECK(said.content_type == "text/plain");
  CHECK(said.payload.starts_with(said.request_id + "|arn:aws:lambda:"));
  CHECK(contains(said.payload, R"(:function:f|{"a":1}||)"));
  CHECK(said.payload.ends_with("|1"));
}

TEST_CASE("events and answers of any size arrive whole") {
  Native host;
  host.deploy();
  for (std::size_t const size : {0, 1, 3000, 4000, 4072, 4096, 5000, 65'536, 100'000, 6'291'456}) {
    CAPTURE(size);
    CHECK(host.ask("bytes " + std::to_string(size)).payload == std::string(size, 'x'));
    std::string event(size, 'y');
    if (size > 4096) CHECK(host.ask(event).payload == event);
  }
  auto const over = host.ask("bytes 6291557");
  CHECK(over.error_type == "Function.ResponseSizeTooLarge");
  CHECK(host.ask("echo still").payload == "echo still");
}

TEST_CASE("functions fail by name, also late in a stream, also by saying nothing") {
  Native host;
  host.deploy();
  auto const failed = host.ask("fail");
  CHECK(failed.status == Status::function_error);
  CHECK(failed.error_type == "Function.Bad");
  CHECK(failed.payload == R"({"errorMessage":"it is\u000a\"bad\"","errorType":"Function.Bad"})");
  CHECK(host.ask("silence").error_type == "Function.NoResponse");
  CHECK(host.ask("late").error_type == "Function.Late");
  CHECK(host.ask("twice").payload == "one");
  CHECK(host.ask("stream 3 1000").payload == std::string(3000, 'x'));
}

TEST_CASE("a native process that ends, crashes or sleeps ends as any other") {
  Native host("native_task", {.timeout = 1s});
  host.deploy();
  CHECK(contains(host.ask("exit").payload, "exit status 3"));
  CHECK(contains(host.ask("crash").payload, "segmentation fault"));
  CHECK(host.ask("sleep").status == Status::timed_out);
  CHECK(host.ask("echo again").payload == "echo again");
}

TEST_CASE("a native function that cannot start says why") {
  Native host;
  host.function.environment["INIT_FAILS"] = "1";
  host.deploy();
  auto const failed = host.ask("echo");
  CHECK(failed.error_type == "Runtime.NoConfig");
  CHECK(contains(failed.payload, "INIT_FAILS is set"));
}

TEST_CASE("a program that speaks the contract wrongly is ended, and the reason is told") {
  Native host;
  host.deploy();
  struct Row {
    char const *how, *told;
  };
  for (auto const& row : {Row{"magic", "magic"},
                          {"version", "version 9"},
                          {"type", "unknown type 99"},
                          {"ready", "before the answer"},
                          {"descriptor", "a descriptor with a frame that has none"},
                          {"file", "no memfd of its size"},
                          {"long", "too long"},
                          {"empty", "closed"},
                          {"closed", "closed"}}) {
    CAPTURE(row.how);
    auto const ended = host.ask("raw " + std::string(row.how));
    CHECK(ended.status == Status::killed);
    CHECK(ended.error_type == "Runtime.BrokenContract");
    CHECK_MESSAGE(contains(ended.payload, row.told), ended.payload);
  }
  CHECK(host.ask("echo again").payload == "echo again");
}

TEST_CASE("a flood of late frames is read at its pace, and the call behind it is answered") {
  Native host("native_task", {.timeout = 30s});
  host.deploy();
  auto const begun = std::chrono::steady_clock::now();
  CHECK(host.ask("raw late").payload.empty());
  // 1,000 at once and 1,000 a second: 5,000 take four seconds.
  CHECK(std::chrono::steady_clock::now() - begun > 2s);
}

// A socket that lingers would have the host wait in close() where one is passed to it.
TEST_CASE("no socket of a native function can be made to linger") {
  Native host;
  host.deploy();
  CHECK(host.ask("linger").payload == "-1 " + std::to_string(EPERM));
}

TEST_CASE("one native instance takes one call at a time: a capacity above it is refused") {
  Native host;
  host.function.limits.capacity = 2;
  auto const refused = host.await(host.runtime().deploy(host.function));
  REQUIRE(refused.has_error());
  CHECK(contains(refused.error().message, "one call at a time"));
}
