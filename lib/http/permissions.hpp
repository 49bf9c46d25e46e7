// What each operation asks of who signed in, in one table. Pure.
#pragma once

#include <string_view>

#include "http/function_ref.hpp"
#include "http/message.hpp"
#include "http/router.hpp"

namespace faas::inline v0::http {

// What a grant must name beside the action.
enum class Subject {
  nobody_asked,  // open to all, signed in or not
  signed_in,     // whoever is somebody: it does nothing
  nothing,       // no function in particular
  route,         // the function that the path names
  body,          // the function that the body names as FunctionName
};

struct Permission {
  Subject subject;
  std::string_view action{};  // "lambda:InvokeFunction"; empty of the first two subjects
};

Permission permission_of(Operation);

// Errors: AccessDeniedException; a name that is none, as the operation itself would say it.
LambdaResult<void> authorise(Route const&, Request const&, std::string_view region);

// As the client of this operation reads errors: 401 on our own paths if it did not sign in, 403
// otherwise.
Response refused(Operation, LambdaError const&);

}  // namespace faas::inline v0::http
