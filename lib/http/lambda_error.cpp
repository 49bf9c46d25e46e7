#include "http/lambda_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace faas::inline v0::http {
namespace {

struct Shape {
  std::string_view exception;
  unsigned status;
  bool capital;  // "Message" rather than "message"
  bool typed;    // has "Type":"User" (or "Service")
};

// Of the service model; the exceptions this version can answer.
constexpr std::array kShapes{
    Shape{"AccessDeniedException", 403, true, false},
    Shape{"CodeStorageExceededException", 400, false, true},
    Shape{"IncompleteSignatureException", 403, false, false},
    Shape{"InvalidParameterValueException", 400, false, true},
    Shape{"InvalidRequestContentException", 400, false, true},
    Shape{"InvalidSignatureException", 403, false, false},
    Shape{"MissingAuthenticationTokenException", 403, false, false},
    Shape{"PolicyLengthExceededException", 400, false, true},
    Shape{"PreconditionFailedException", 412, false, true},
    Shape{"ProvisionedConcurrencyConfigNotFoundException", 404, false, true},
    Shape{"RequestEntityTooLargeException", 413, false, true},
    Shape{"RequestTooLargeException", 413, false, true},
    Shape{"ResourceConflictException", 409, false, true},
    Shape{"ResourceNotFoundException", 404, true, true},
    Shape{"SerializationException", 400, false, false},
    Shape{"ServiceException", 500, true, true},
    Shape{"TooManyRequestsException", 429, false, true},
    Shape{"UnrecognizedClientException", 403, false, false},
    Shape{"UnknownOperationException", 404, false, true},
    Shape{"UnsupportedMediaTypeException", 415, false, true},
    Shape{"ValidationException", 400, false, false},
};

Shape shape_of(std::string_view exception) {
  auto const found = std::ranges::find(kShapes, exception, &Shape::exception);
  return found == kShapes.end() ? Shape{exception, 400, false, true} : *found;
}

bool known(std::string_view exception) {
  return std::ranges::find(kShapes, exception, &Shape::exception) != kShapes.end();
}

std::string_view exception_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::unsupported: return "InvalidParameterValueException";
    case Errc::not_found: return "ResourceNotFoundException";
    case Errc::conflict: return "ResourceConflictException";
    case Errc::too_large: return "RequestEntityTooLargeException";
    case Errc::throttled: return "TooManyRequestsException";
    default: return "ServiceException";
  }
}

// Clients know these; ours (QueueFull, StartsFailing) stand in `why`.
std::string throttle_reason(std::string const& reason) {
  constexpr std::array<std::string_view, 5> kReasons{
      "CallerRateLimitExceeded", "ConcurrentInvocationLimitExceeded",
      "FunctionInvocationRateLimitExceeded", "ReservedFunctionConcurrentInvocationLimitExceeded",
      "ReservedFunctionInvocationRateLimitExceeded"};
  bool const known = std::ranges::find(kReasons, reason) != kReasons.end();
  return known ? reason : "ConcurrentInvocationLimitExceeded";
}

unsigned plain_status(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::unsupported: return 400;
    case Errc::not_found: return 404;
    case Errc::conflict: return 409;
    case Errc::too_large: return 413;
    case Errc::throttled: return 429;
    case Errc::cancelled:
    case Errc::unavailable: return 503;
    case Errc::deadline: return 504;
    default: return 500;
  }
}

}  // namespace

unsigned lambda_status(std::string_view exception) { return shape_of(exception).status; }

Response render(LambdaError const& error) {
  auto const shape = shape_of(error.exception);
  std::string body = "{";
  if (shape.typed)
    body += fmt::format("\"Type\":\"{}\",", shape.status == 500 ? "Service" : "User");
  if (!error.reason.empty()) body += fmt::format("\"Reason\":{},", json_quote(error.reason));
  if (!error.why.empty()) body += fmt::format("\"why\":{},", json_quote(error.why));
  body +=
      fmt::format("\"{}\":{}}}", shape.capital ? "Message" : "message", json_quote(error.message));
  auto response = json_response(shape.status, std::move(body));
  response.with("x-amzn-ErrorType", error.exception);
  if (shape.status == 429) response.with("Retry-After", "1");
  return response;
}

LambdaError control_error(Error const& error) {
  if (error.reason == "InvalidZipFileException") return invalid_parameter(error.message);
  if (known(error.reason)) return {error.reason, error.message};
  return {std::string(exception_of(error.code)), error.message};
}

LambdaError invoke_error(Error const& error) {
  auto result = control_error(error);
  if (error.code != Errc::throttled) return result;
  return {
      "TooManyRequestsException", "Rate Exceeded.", throttle_reason(error.reason),
      error.reason.empty() ? error.message : fmt::format("{}: {}", error.reason, error.message)};
}

LambdaError conflict_error(Error const& error) {
  auto result = control_error(error);
  if (error.code == Errc::conflict) {
    return {"ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress: try again."};
  }
  return result;
}

LambdaError constraint_error(std::string_view value, std::string_view member,
                             std::string_view must) {
  return {"ValidationException", fmt::format("1 validation error detected: Value {} at '{}' failed "
                                             "to satisfy constraint: Member must {}",
                                             value, member, must)};
}

LambdaError invalid_parameter(std::string message) {
  return {"InvalidParameterValueException", std::move(message)};
}

LambdaError unknown_operation(std::string_view method, std::string_view target) {
  return {"UnknownOperationException",
          fmt::format("{} {} is not an operation of this version", method, target.substr(0, 200))};
}

Response render_error(Error const& error) {
  auto response = json_response(
      plain_status(error.code),
      fmt::format("{{\"code\":{},\"reason\":{},\"message\":{}}}", json_quote(to_string(error.code)),
                  json_quote(error.reason), json_quote(error.message)));
  if (response.status == 429 || response.status == 503) response.with("Retry-After", "1");
  return response;
}

}  // namespace faas::inline v0::http
