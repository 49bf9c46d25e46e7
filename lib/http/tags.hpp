// Tags of a function: what a request may set, and how they are kept. Pure.
#pragma once

#include <faas/function.hpp>
#include <map>
#include <string>

#include "http/json.hpp"

namespace faas::inline v0::http {

using Tags = std::map<std::string, std::string>;

// Errors: InvalidParameterValueException, in Lambda's words.
LambdaResult<void> check_tags(Tags const&);

AttributeKey tags_key();
std::string to_attribute(Tags const&);
Tags tags_of(FunctionSettings const&);
json::object to_json(Tags const&);

}  // namespace faas::inline v0::http
