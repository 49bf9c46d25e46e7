// Errors in the form that AWS clients parse: the status and the case of the message key differ by
// exception, the name goes into x-amzn-ErrorType.
#pragma once

#include <faas/error.hpp>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace faas::inline v0::http {

struct LambdaError {
  std::string exception;  // "ResourceNotFoundException"
  std::string message;
  std::string reason{};  // TooManyRequestsException only: one of Lambda's words
  std::string why{};     // likewise: which limit, its value, where it was set
};

// 400 for an exception that is not in the table.
unsigned lambda_status(std::string_view exception);
Response render(LambdaError const&);

// What a client of a control operation is told of an Error.
LambdaError control_error(Error const&);
// The same for Invoke: only what never ran gets here, so a retry is safe.
LambdaError invoke_error(Error const&);

// For a change that its client made from nothing it had read: others came in between too often.
LambdaError conflict_error(Error const&);

// "1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint: …"
LambdaError constraint_error(std::string_view value, std::string_view member,
                             std::string_view must);
LambdaError invalid_parameter(std::string message);
LambdaError unknown_operation(std::string_view method, std::string_view target);

// An Error on our own paths: {"code","reason","message"}.
Response render_error(Error const&);

}  // namespace faas::inline v0::http
