#include "contract/routes.hpp"

#include <doctest/doctest.h>

using namespace faas::contract;

namespace {

Endpoint endpoint(std::string_view method, std::string_view target) {
  return route(method, target).endpoint;
}

}  // namespace

TEST_CASE("each call of the Runtime API has its method and path") {
  CHECK(endpoint("GET", "/2018-06-01/runtime/invocation/next") == Endpoint::next);
  CHECK(endpoint("POST", "/2018-06-01/runtime/init/error") == Endpoint::init_error);
  CHECK(endpoint("GET", "/2018-06-01/ping") == Endpoint::ping);
  CHECK(endpoint("POST", "/2020-01-01/extension/register") == Endpoint::extension_register);
  CHECK(endpoint("GET", "/2020-01-01/extension/event/next") == Endpoint::extension_next);
  CHECK(endpoint("POST", "/2020-01-01/extension/init/error") == Endpoint::extension_init_error);
  CHECK(endpoint("POST", "/2020-01-01/extension/exit/error") == Endpoint::extension_exit_error);
  CHECK(endpoint("PUT", "/2022-07-01/telemetry") == Endpoint::telemetry);
  CHECK(endpoint("PUT", "/2020-08-15/logs") == Endpoint::logs);
  CHECK(endpoint("GET", "/2018-06-01/runtime/restore/next") == Endpoint::snapstart);
}

TEST_CASE("an answer names its invocation, by a token that is not decoded") {
  auto const response = route("POST", "/2018-06-01/runtime/invocation/a%2fb/response");
  CHECK(response.endpoint == Endpoint::response);
  CHECK(response.request_id == "a%2fb");
  auto const error = route("POST", "/2018-06-01/runtime/invocation/id/error");
  CHECK(error.endpoint == Endpoint::error);
  CHECK(error.request_id == "id");
}

TEST_CASE("what is nearly a path is none") {
  for (auto target :
       {"", "/", "/2018-06-01/runtime/invocation/", "/2018-06-01/runtime/invocation/id",
        "/2018-06-01/runtime/invocation//response", "/2018-06-01/runtime/invocation/id/response/",
        "/2018-06-01/runtime/invocation/id/x/response",
        "/2018-06-01/runtime/invocation/id/Response", "/2018-06-01/runtime/init/error/",
        "/2018-06-01/runtime/init/error?x=1", "/2018-06-02/runtime/init/error",
        "2018-06-01/runtime/init/error"}) {
    CAPTURE(target);
    CHECK(endpoint("POST", target) == Endpoint::unknown);
  }
}

TEST_CASE("a path with another method is unknown") {
  CHECK(endpoint("POST", "/2018-06-01/runtime/invocation/next") == Endpoint::unknown);
  CHECK(endpoint("get", "/2018-06-01/runtime/invocation/next") == Endpoint::unknown);
  CHECK(endpoint("GET", "/2018-06-01/runtime/invocation/id/response") == Endpoint::unknown);
  CHECK(endpoint("PUT", "/2018-06-01/runtime/invocation/id/response") == Endpoint::unknown);
}
