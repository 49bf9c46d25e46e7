#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <stdexcept>

#include "base/text.hpp"
#include "http/serving.hpp"
#include "support/result.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr auto kInvoke = "/2015-03-31/functions/echo/invocations";

// The body with the call's own id, which it names, blotted out.
std::string without_its_id(fetch::Response const& response) {
  auto body = response.body;
  auto const id = response.header("x-amzn-RequestId");
  if (auto const at = body.find(id); at != std::string::npos) body.replace(at, id.size(), "ID");
  return body;
}

std::string exception_of(fetch::Response const& response) {
  return std::string(response.header("x-amzn-ErrorType"));
}

}  // namespace

TEST_CASE("a body goes in and comes out verbatim") {
  Serving serving;
  serving.deploy_echo("echo");
  std::string const body("not json \0\xff", 11);
  auto const response =
      serving.send("POST", "/function/echo", body, {{"Content-Type", "application/octet-stream"}});
  CHECK(response.status == 200);
  CHECK(response.body == body);
  CHECK(response.header("X-Faas-Start") == "cold");
  CHECK(std::string(response.header("Server-Timing")).find("queued;dur=0.") == 0);
  auto const again = serving.send("POST", "/function/echo", body);
  CHECK(again.header("X-Faas-Start") == "warm");
  CHECK(again.header("Server-Timing").empty());
  CHECK(response.header("x-amzn-RequestId").size() == 36);
}

TEST_CASE("a call that cannot be made says why in our form") {
  Serving serving;
  auto const missing = serving.send("POST", "/function/nosuch");
  CHECK(missing.status == 404);
  CHECK(missing.body.find("\"code\":\"not_found\"") != std::string::npos);
  CHECK(missing.header("x-amzn-RequestId").size() == 36);
  CHECK(missing.header("X-Faas-Start").empty());
  CHECK(serving.send("POST", "/function/..%2f..%2fetc").status == 404);
  CHECK(serving.send("GET", "/function/echo").status == 405);
  CHECK(serving.send("GET", "/nothing").status == 404);
}

TEST_CASE("a function that fails is 502 here and 200 on Lambda's path") {
  Serving serving;
  serving.deploy("bad", [](HostCall) -> asio::awaitable<std::string> {
    throw std::runtime_error("no");
    co_return "";
  });
  auto const own = serving.send("POST", "/function/bad");
  CHECK(own.status == 502);
  CHECK(own.header("X-Amz-Function-Error") == "Unhandled");
  auto const lambda = serving.send("POST", "/2015-03-31/functions/bad/invocations");
  CHECK(lambda.status == 200);
  CHECK(lambda.header("X-Amz-Function-Error") == "Unhandled");
  CHECK(lambda.body.find("\"errorType\"") != std::string::npos);
  CHECK(without_its_id(lambda) == without_its_id(own));
}

TEST_CASE("an invocation has Lambda's headers") {
  Serving serving;
  serving.deploy_echo("echo");
  auto const response = serving.send("POST", kInvoke, "{\"a\":1}", {{"X-Amz-Log-Type", "Tail"}});
  CHECK(response.status == 200);
  CHECK(response.body == "{\"a\":1}");
  CHECK(response.header("X-Amz-Executed-Version") == "$LATEST");
  CHECK(response.header("X-Amz-Function-Error").empty());
  CHECK(response.header("X-Amzn-Trace-Id").starts_with("Root=1-"));
  CHECK(response.header("x-amzn-Remapped-Content-Length") == "0");
  auto const log = from_base64(response.header("X-Amz-Log-Result")).value();
  CHECK(log.find("START RequestId: " + std::string(response.header("x-amzn-RequestId"))) !=
        std::string::npos);
  CHECK(log.find("REPORT RequestId: ") != std::string::npos);
}

TEST_CASE("every form of a name reaches the function") {
  Serving serving;
  serving.deploy_echo("echo");
  for (auto const* name :
       {"echo", "echo:$LATEST", "000000000000%3Afunction%3Aecho",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Aecho%3A%24LATEST"}) {
    CAPTURE(name);
    CHECK(
        serving.send("POST", fmt::format("/2015-03-31/functions/{}/invocations", name), "1").body ==
        "1");
  }
  for (auto const* name : {"echo:1", "nosuch", "111111111111%3Afunction%3Aecho"}) {
    CAPTURE(name);
    auto const response =
        serving.send("POST", fmt::format("/2015-03-31/functions/{}/invocations", name), "1");
    CHECK(response.status == 404);
    CHECK(exception_of(response) == "ResourceNotFoundException");
    CHECK(response.body.find("Function not found: arn:aws:lambda:us-east-1:") != std::string::npos);
  }
  CHECK(serving.send("POST", "/2015-03-31/functions/..%2Fecho/invocations").status == 400);
}

TEST_CASE("what is not JSON is refused on Lambda's path alone") {
  Serving serving;
  serving.deploy_echo("echo");
  auto const refused = serving.send("POST", kInvoke, "{\"a\"");
  CHECK(refused.status == 400);
  CHECK(exception_of(refused) == "InvalidRequestContentException");
  CHECK(refused.body.find("Could not parse request body into json: ") != std::string::npos);
  CHECK(serving.send("POST", "/function/echo", "{\"a\"").status == 200);
  auto const empty = serving.send("POST", kInvoke);
  CHECK(empty.status == 200);
  CHECK(empty.body.empty());
}

TEST_CASE("the headers of an invocation are checked") {
  Serving serving;
  serving.deploy_echo("echo");
  auto ask = [&](std::string name, std::string value) {
    return serving.send("POST", kInvoke, "{}", {{name, value}});
  };
  auto const dry = ask("X-Amz-Invocation-Type", "DryRun");
  CHECK(dry.status == 204);
  CHECK(dry.body.empty());
  auto const event = ask("X-Amz-Invocation-Type", "Event");
  CHECK(event.status == 400);
  CHECK(exception_of(event) == "InvalidParameterValueException");
  CHECK(event.body.find("not available yet in this version") != std::string::npos);
  CHECK(exception_of(ask("X-Amz-Invocation-Type", "Now")) == "ValidationException");
  CHECK(exception_of(ask("X-Amz-Log-Type", "All")) == "ValidationException");
  CHECK(exception_of(ask("X-Amz-Client-Context", "***")) == "InvalidRequestContentException");
  CHECK(exception_of(ask("X-Amz-Client-Context", to_base64("{"))) ==
        "InvalidRequestContentException");
  CHECK(exception_of(ask("X-Amz-Client-Context", std::string(3584, 'e'))) ==
        "InvalidRequestContentException");
  auto const largest =
      to_base64("\"" + std::string(2683, 'x') + "\"");  // 3,580 bytes, as 4 divides
  CHECK(largest.size() == 3580);
  CHECK(ask("X-Amz-Client-Context", largest).status == 200);
  CHECK(ask("X-Amz-Client-Context", to_base64("{\"a\":\n1}")).status == 200);
  CHECK(exception_of(ask("X-Amz-Tenant-Id", "a,b")) == "ValidationException");
}

TEST_CASE("tenants never share an instance, whichever path they call by") {
  Serving serving;
  serving.deploy_echo("echo");
  for (auto const* path : {"/function/echo", "/2015-03-31/functions/echo/invocations"}) {
    for (auto const* tenant : {"alice", "bob"})
      CHECK(serving.send("POST", path, "1", {{"X-Amz-Tenant-Id", tenant}}).status == 200);
  }
  CHECK(serving.wait(serving.runtime().instances()).size() == 2);
  CHECK(serving.send("POST", "/function/echo", "1", {{"X-Amz-Tenant-Id", "a,b"}}).status == 400);
}

TEST_CASE("what our own path cannot give is refused there") {
  Serving serving;
  serving.deploy_echo("echo");
  for (auto const* type : {"Event", "DryRun", "other"}) {
    auto const response =
        serving.send("POST", "/function/echo", "1", {{"X-Amz-Invocation-Type", type}});
    CHECK(response.status == 400);
  }
}

TEST_CASE("operations of other versions are 404, which clients do not retry") {
  Serving serving;
  auto const response = serving.send("POST", "/2014-11-13/functions/echo/invoke-async/", "{}");
  CHECK(response.status == 404);
  CHECK(exception_of(response) == "UnknownOperationException");
}

TEST_CASE("a full queue is 429 with the reason") {
  Serving serving;
  Limits limits;
  limits.concurrency = 1;
  limits.queue = 1;
  std::atomic<int> entered = 0;
  serving.deploy(
      "slow",
      [&](HostCall) -> asio::awaitable<std::string> {
        ++entered;
        entered.notify_all();
        asio::steady_timer timer(co_await asio::this_coro::executor,
                                 std::chrono::milliseconds(500));
        co_await timer.async_wait(asio::use_awaitable);
        co_return "1";
      },
      limits);
  auto call = [&] {
    return std::async(std::launch::async, [&] {
      return serving.send("POST", "/2015-03-31/functions/slow/invocations", "1");
    });
  };
  auto first = call();
  entered.wait(0);
  auto second = call();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  auto const third = serving.send("POST", "/2015-03-31/functions/slow/invocations", "1");
  CHECK(third.status == 429);
  CHECK(exception_of(third) == "TooManyRequestsException");
  CHECK(third.header("Retry-After") == "1");
  CHECK(third.body.find("\"Reason\":\"") != std::string::npos);
  CHECK(first.get().status == 200);
  CHECK(second.get().status == 200);
}
