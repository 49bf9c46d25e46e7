// How much body an operation takes. That each request reaches its handler, the tests of the
// handlers show.
#include <doctest/doctest.h>

#include "http/api.hpp"

using namespace faas;
using namespace faas::http;

TEST_CASE("an operation reads as much body as it has use for") {
  HttpServerOptions options;
  options.max_request = 100_MiB;
  CHECK(body_limit(Operation::invoke, options) == 6'291'456);
  CHECK(body_limit(Operation::call_function, options) == 6'291'456);
  CHECK(body_limit(Operation::create_function, options) == (100_MiB).count);
  CHECK(body_limit(Operation::put_function, options) == (100_MiB).count);
  CHECK(body_limit(Operation::put_package, options) == 52'428'800);
  CHECK(body_limit(Operation::update_function_configuration, options) == 1 << 20);
  for (auto none : {Operation::healthz, Operation::list_functions, Operation::delete_function,
                    Operation::unknown_path, Operation::unknown_lambda, Operation::wrong_method})
    CHECK(body_limit(none, options) == 64 << 10);
}

TEST_CASE("a package is no larger than any request may be") {
  HttpServerOptions options;
  options.max_request = 1_MiB;
  CHECK(body_limit(Operation::put_package, options) == (1_MiB).count);
}

TEST_CASE("a body that is too large is told its limit in the words of its path") {
  auto const lambda = body_too_large(Operation::create_function, 42);
  CHECK(lambda.status == 413);
  CHECK(find_header(lambda.headers, "x-amzn-ErrorType") == "RequestEntityTooLargeException");
  CHECK(lambda.body.find("smaller than 42 bytes for the CreateFunction operation") !=
        std::string::npos);
  auto const ours = body_too_large(Operation::put_package, 42);
  CHECK(ours.status == 413);
  CHECK(ours.body.find("smaller than 42 bytes for the PutPackage operation") != std::string::npos);
}

TEST_CASE("bodies that have no room together are a reason to come back, not a fault") {
  CHECK(body_memory_spent(Operation::invoke).status == 429);
  auto const ours = body_memory_spent(Operation::call_function);
  CHECK(ours.status == 429);
  CHECK(ours.body.find("RequestMemory") != std::string::npos);
}
