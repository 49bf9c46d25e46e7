// Lambda's multi-concurrent environment: several invocations at once, matched by their ids alone.
#include <doctest/doctest.h>

#include <string>

#include "contract/running.hpp"

using namespace contract_test;

namespace {

contract::RuntimeApi::Options of_capacity(unsigned capacity) {
  contract::RuntimeApi::Options options;
  options.capacity = capacity;
  return options;
}

std::string refusal(std::string const& type, std::string const& message) {
  return "{\"errorMessage\":\"" + message + "\",\"errorType\":\"" + type + "\"}\n";
}

std::string error_type(std::string const& answer) {
  auto const at = answer.find("\"errorType\":\"") + 13;
  return answer.substr(at, answer.find('"', at) - at);
}

// Its runtime has as many workers as it may have invocations, each on a connection of its own.
struct Workers : Environment {
  explicit Workers(unsigned capacity = 3) : Environment(of_capacity(capacity)) {
    for (unsigned i = 0; i < capacity; ++i) workers.push_back(next());
    events.clear();
  }
  std::string say(ConnectionId worker, std::string_view bytes) {
    answers[worker].clear();
    api.receive(worker, bytes);
    return answers[worker];
  }
  // The worker that was given that invocation.
  ConnectionId runner(int number) {
    auto const line = "\r\nLambda-Runtime-Aws-Request-Id: " + request_id(number) + "\r\n";
    for (auto const worker : workers)
      if (answers[worker].find(line) != std::string::npos) return worker;
    FAIL("nobody runs invocation ", number);
    return 0;
  }
  void invoke(int count) {
    for (int i = 1; i <= count; ++i) api.invoke(invocation(i));
  }
  std::vector<ConnectionId> workers;
};

std::string const kAskAgain = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace

TEST_CASE("each waiting next is a worker, and is given an invocation of its own") {
  Workers environment;
  environment.invoke(3);
  auto const first = environment.runner(1), second = environment.runner(2);
  CHECK(first != second);
  CHECK(environment.runner(3) != first);
  CHECK(environment.runner(3) != second);
  CHECK(environment.api.busy());
  CHECK_FALSE(environment.api.awaited());
}

TEST_CASE("answers are matched by id, in any order and from any connection") {
  Workers environment;
  environment.invoke(3);
  auto const first = environment.runner(1), third = environment.runner(3);
  CHECK(environment.say(first, Environment::response(3, "c")) == kAccepted);
  CHECK(environment.say(third, Environment::error(1, "{}")) == kAccepted);
  CHECK(environment.ask(Environment::response(2, "b")) == kAccepted);
  CHECK(environment.events == Events{"head 3 []", "body c", "end 3", "error 1 Function.Unknown {}",
                                     "head 2 []", "body b", "end 2"});
  CHECK_FALSE(environment.api.busy());
}

TEST_CASE("an invocation beyond the waiting workers is kept until one asks") {
  Environment environment(of_capacity(2));
  auto const worker = environment.next();
  environment.api.invoke(invocation(1));
  environment.api.invoke(invocation(2));
  CHECK(has_field(environment.answers[worker], "Lambda-Runtime-Aws-Request-Id: " + request_id(1)));
  environment.answers[worker].clear();
  environment.api.receive(worker, Environment::response(1, "") + kAskAgain);
  CHECK(environment.answers[worker].find(request_id(2)) != std::string::npos);
}

TEST_CASE("responses in flight at once have their own body, limit and back-pressure") {
  Workers environment(2);
  environment.api.invoke(invocation(1), 4);
  environment.api.invoke(invocation(2), 100);
  auto const first = environment.runner(1), second = environment.runner(2);
  std::string const fields = "Host: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  auto const head = [&](int number) {
    return "POST /2018-06-01/runtime/invocation/" + request_id(number) + "/response HTTP/1.1\r\n" +
           fields;
  };
  environment.pause_after = 1;
  environment.api.receive(second, head(2) + "2\r\nab\r\n");
  environment.pause_after.reset();
  CHECK_FALSE(environment.api.wants_input(second));
  // The other one is not held up, and is measured against a limit of its own.
  CHECK(status_of(environment.say(first, head(1) + "5\r\n12345\r\n0\r\n\r\n")) == "413");
  CHECK(environment.api.wants_input(first));
  CHECK_FALSE(environment.api.wants_input(second));
  environment.api.resume(request_id(1));
  CHECK_FALSE(environment.api.wants_input(second));
  environment.api.resume(request_id(2));
  CHECK(environment.api.wants_input(second));
  CHECK(environment.say(second, "3\r\ncde\r\n0\r\n\r\n") == kAccepted);
  auto const& events = environment.events;
  REQUIRE(events.size() == 7);
  CHECK(events[4].starts_with("failed 1 Function.ResponseSizeTooLarge"));
  CHECK(Events{events[0], events[1], events[2], events[3], events[5], events[6]} ==
        Events{"head 2 []", "body ab", "head 1 []", "body 1234", "body cde", "end 2"});
}

TEST_CASE("what no invocation is waiting for is refused with its reason") {
  Workers environment;
  environment.invoke(2);
  SUBCASE("an id that never ran here") {
    auto const answer = environment.ask(Environment::response(9, "x"));
    CHECK(status_of(answer) == "400");
    CHECK(body_of(answer) ==
          refusal("Runtime.InvalidInvokeId", "No invocation with this id runs here"));
  }
  SUBCASE("one that waits for a worker has not run") {
    Environment late(of_capacity(2));
    late.api.invoke(invocation(1));
    CHECK(error_type(late.ask(Environment::response(1, ""))) == "Runtime.InvalidInvokeId");
    CHECK(late.api.busy());
  }
  SUBCASE("a second answer while the first is under way") {
    auto const whole = Environment::response(1, "body");
    environment.say(environment.runner(1), whole.substr(0, whole.size() - 1));
    auto const answer = environment.ask(Environment::error(1, "{}"));
    CHECK(status_of(answer) == "400");
    CHECK(error_type(answer) == "Runtime.InvokeResponseInProgress");
  }
  SUBCASE("a second answer after the first") {
    CHECK(environment.ask(Environment::response(1, "x")) == kAccepted);
    auto const answer = environment.ask(Environment::response(1, "y"));
    CHECK(status_of(answer) == "400");
    CHECK(error_type(answer) == "Runtime.InvokeResponseWasSent");
  }
  SUBCASE("an answer to one that was given up") {
    environment.api.abandon(request_id(1));
    auto const answer = environment.ask(Environment::response(1, "x"));
    CHECK(status_of(answer) == "400");
    CHECK(error_type(answer) == "Runtime.InvokeTimeout");
    CHECK(environment.ask(Environment::response(2, "x")) == kAccepted);  // its neighbour goes on
  }
  SUBCASE("an answer given up half-way") {
    auto const whole = Environment::response(1, "body");
    auto const worker = environment.runner(1);
    environment.say(worker, whole.substr(0, whole.size() - 1));
    environment.api.abandon(request_id(1));
    auto const answer = environment.say(worker, "y");
    CHECK(error_type(answer) == "Runtime.InvokeTimeout");
  }
}

TEST_CASE("a next more than the capacity is refused, and the others wait on") {
  Workers environment;
  auto const answer = environment.ask(kAskAgain);
  CHECK(status_of(answer) == "400");
  CHECK(error_type(answer) == "Runtime.TooManyIdleRuntimes");
  environment.invoke(3);
  CHECK(environment.runner(3) != 0);
}

TEST_CASE("only the last ended invocations are remembered") {
  Workers environment(2);
  for (int i = 1; i <= 4; ++i) {
    environment.api.invoke(invocation(i));
    environment.say(environment.runner(i), Environment::response(i, "") + kAskAgain);
  }
  CHECK(error_type(environment.ask(Environment::response(4, ""))) ==
        "Runtime.InvokeResponseWasSent");
  CHECK(error_type(environment.ask(Environment::response(3, ""))) ==
        "Runtime.InvokeResponseWasSent");
  CHECK(error_type(environment.ask(Environment::response(2, ""))) == "Runtime.InvalidInvokeId");
}

TEST_CASE("a worker that is gone takes no invocation, and cuts only its own answer") {
  Workers environment;
  environment.api.closed(environment.workers[2]);
  environment.invoke(2);
  auto const whole = Environment::response(2, "body");
  auto const second = environment.runner(2);
  environment.say(second, whole.substr(0, whole.size() - 1));
  environment.api.closed(second);
  REQUIRE(environment.events.size() == 3);
  CHECK(environment.events[2].starts_with("failed 2 Runtime.TruncatedResponse"));
  CHECK(environment.say(environment.runner(1), Environment::response(1, "")) == kAccepted);
}

TEST_CASE("an environment is idle when every worker it has shown waits again") {
  Workers environment(2);
  CHECK(environment.api.idle());
  environment.api.invoke(invocation(1));
  CHECK_FALSE(environment.api.idle());
  CHECK(environment.api.awaited());
  auto const worker = environment.runner(1);
  environment.say(worker, Environment::response(1, ""));
  CHECK_FALSE(environment.api.idle());  // it may have last words
  environment.say(worker, kAskAgain);
  CHECK(environment.api.idle());
  CHECK(environment.events == Events{"head 1 []", "end 1"});  // no worker's next is news
}

TEST_CASE("an invocation may be given from inside the end of another") {
  struct Chain final : Workers {
    void on_response_end(std::string_view id,
                         std::optional<contract::FunctionFailure> failure) override {
      Workers::on_response_end(id, std::move(failure));
      if (last < 5) api.invoke(invocation(++last));
    }
    int last = 3;
  } environment;
  environment.invoke(3);
  environment.say(environment.runner(1), Environment::response(1, "") + kAskAgain);
  CHECK(environment.runner(4) != 0);
  environment.say(environment.runner(2), Environment::response(2, "") + kAskAgain);
  environment.say(environment.runner(3), Environment::response(3, ""));
  CHECK(environment.runner(5) != 0);
  CHECK(environment.api.busy());
}

TEST_CASE("all that run can be given up at once") {
  Workers environment;
  environment.invoke(3);
  environment.api.abandon();
  CHECK_FALSE(environment.api.busy());
  for (int i = 1; i <= 3; ++i)
    CHECK(error_type(environment.ask(Environment::response(i, ""))) == "Runtime.InvokeTimeout");
  CHECK(environment.events.empty());
}

TEST_CASE("where several invocations run at once no extension hears of them") {
  Environment environment(of_capacity(2));
  auto const enroll = [&](std::string const& events) {
    return environment.ask(
        "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: h\r\n"
        "Lambda-Extension-Name: e\r\nContent-Length: " +
        std::to_string(events.size()) + "\r\n\r\n" + events);
  };
  auto const refused = enroll("{\"events\":[\"INVOKE\"]}");
  CHECK(status_of(refused) == "403");
  CHECK(error_type(refused) == "Extension.InvalidEventType");
  CHECK(status_of(enroll("{\"events\":[]}")) == "200");
}
