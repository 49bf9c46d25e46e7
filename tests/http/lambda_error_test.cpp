#include "http/lambda_error.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::http;

TEST_CASE("the case of the message key is the exception's own") {
  auto const missing = render(LambdaError{"ResourceNotFoundException", "gone"});
  CHECK(missing.status == 404);
  CHECK(missing.body == R"({"Type":"User","Message":"gone"})");
  CHECK(find_header(missing.headers, "x-amzn-ErrorType") == "ResourceNotFoundException");
  CHECK(render(LambdaError{"InvalidParameterValueException", "no"}).body ==
        R"({"Type":"User","message":"no"})");
  CHECK(render(LambdaError{"ValidationException", "no"}).body == R"({"message":"no"})");
  CHECK(render(LambdaError{"ServiceException", "no"}).body ==
        R"({"Type":"Service","Message":"no"})");
}

TEST_CASE("each exception has Lambda's status") {
  CHECK(lambda_status("ResourceConflictException") == 409);
  CHECK(lambda_status("PreconditionFailedException") == 412);
  CHECK(lambda_status("RequestEntityTooLargeException") == 413);
  CHECK(lambda_status("UnsupportedMediaTypeException") == 415);
  CHECK(lambda_status("TooManyRequestsException") == 429);
  CHECK(lambda_status("UnknownOperationException") == 404);
  CHECK(lambda_status("InvalidRequestContentException") == 400);
}

TEST_CASE("a throttled call says why and when to come back") {
  auto const response =
      render(invoke_error(Error{Errc::throttled, "The queue is full", "QueueFull", "queue"}));
  CHECK(response.status == 429);
  CHECK(response.body == R"({"Type":"User","Reason":"ConcurrentInvocationLimitExceeded",)"
                         R"("why":"QueueFull: The queue is full","message":"Rate Exceeded."})");
  CHECK(find_header(response.headers, "Retry-After") == "1");
  CHECK(invoke_error(Error{Errc::throttled, "x", "", ""}).reason ==
        "ConcurrentInvocationLimitExceeded");
}

TEST_CASE("the reason of a throttled call is one of Lambda's words; ours stands in why") {
  for (auto const* word :
       {"CallerRateLimitExceeded", "ConcurrentInvocationLimitExceeded",
        "FunctionInvocationRateLimitExceeded", "ReservedFunctionConcurrentInvocationLimitExceeded",
        "ReservedFunctionInvocationRateLimitExceeded"}) {
    auto const error = invoke_error(Error{Errc::throttled, "m", word, ""});
    CHECK(error.reason == word);
    CHECK(error.why == std::string(word) + ": m");
    CHECK(error.message == "Rate Exceeded.");
  }
  auto const ours = invoke_error(Error{Errc::throttled, "m", "StartsFailing", ""});
  CHECK(ours.reason == "ConcurrentInvocationLimitExceeded");
  CHECK(ours.why == "StartsFailing: m");
  CHECK(invoke_error(Error{Errc::throttled, "m", "", ""}).why == "m");
  CHECK(invoke_error(Error{Errc::not_found, "m", "", ""}).why.empty());
}

TEST_CASE("a change that others overtook is a conflict, whatever it was made from") {
  auto const error =
      conflict_error(Error{Errc::conflict, "m", "PreconditionFailedException", "registry"});
  CHECK(error.exception == "ResourceConflictException");
  CHECK(error.message.find("An update is in progress") != std::string::npos);
  CHECK(conflict_error(Error{Errc::not_found, "m", "", ""}).exception ==
        "ResourceNotFoundException");
}

TEST_CASE("errors of the runtime become Lambda's exceptions") {
  auto exception = [](Errc code, std::string reason = "") {
    return control_error(Error{code, "m", reason, ""}).exception;
  };
  CHECK(exception(Errc::invalid_argument) == "InvalidParameterValueException");
  CHECK(exception(Errc::unsupported) == "InvalidParameterValueException");
  CHECK(exception(Errc::not_found) == "ResourceNotFoundException");
  CHECK(exception(Errc::conflict) == "ResourceConflictException");
  CHECK(exception(Errc::conflict, "PreconditionFailedException") == "PreconditionFailedException");
  CHECK(exception(Errc::too_large) == "RequestEntityTooLargeException");
  CHECK(exception(Errc::unavailable) == "ServiceException");
  CHECK(exception(Errc::io) == "ServiceException");
}

TEST_CASE("a bad zip is the caller's mistake when it is uploaded") {
  auto const error =
      control_error(Error{Errc::invalid_argument, "not a zip", "InvalidZipFileException", "code"});
  CHECK(error.exception == "InvalidParameterValueException");
  CHECK(error.message == "not a zip");
}

TEST_CASE("on our own paths an error is code, reason and message") {
  auto const response = render_error(Error{Errc::throttled, "say \"when\"", "QueueFull", ""});
  CHECK(response.status == 429);
  CHECK(response.body == R"({"code":"throttled","reason":"QueueFull","message":"say \"when\""})");
  auto status = [](Errc code) { return render_error(Error{code, "", "", ""}).status; };
  CHECK(status(Errc::invalid_argument) == 400);
  CHECK(status(Errc::not_found) == 404);
  CHECK(status(Errc::too_large) == 413);
  CHECK(status(Errc::unavailable) == 503);
  CHECK(status(Errc::deadline) == 504);
  CHECK(status(Errc::internal) == 500);
}
