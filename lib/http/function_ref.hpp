// The ways an AWS client names a function: NAME, NAME:QUALIFIER, ACCOUNT:function:NAME and the ARN.
#pragma once

#include <boost/system/result.hpp>
#include <faas/function.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http/lambda_error.hpp"

namespace faas::inline v0::http {

// Failures on AWS paths carry the exception they are told as.
template <class T>
using LambdaResult = boost::system::result<T, LambdaError>;
[[noreturn]] void throw_exception_from_error(LambdaError const&, boost::source_location const&);

struct FunctionRef {
  FunctionName name;
  std::string qualifier;  // empty: none given

  bool latest() const { return qualifier.empty() || qualifier == "$LATEST"; }
};

// Where the short forms of a name point to.
struct Here {
  std::string_view region, account;
};

// `text` is the decoded path segment (or FunctionName member), `qualifier` the query parameter.
LambdaResult<FunctionRef> parse_function_ref(std::string_view text, Here,
                                             std::optional<std::string_view> qualifier = {});

// The function's ARN, and ":qualifier" if there is one.
std::string qualified_arn(FunctionName const&, std::string_view region, std::string_view qualifier);

// "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f[:2]"
LambdaError function_not_found(FunctionRef const&, std::string_view region);

bool valid_function_name(std::string_view);

}  // namespace faas::inline v0::http
