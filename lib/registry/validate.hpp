// Is this a function we can keep? Pure; ranges and texts are Lambda's.
#pragma once

#include <cstddef>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/layer.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::registry {

inline constexpr std::size_t kMaxEnvironment = 4096;      // bytes, as one JSON object
inline constexpr std::size_t kMaxAnnotations = 64 << 10;  // bytes, keys and values
inline constexpr unsigned kMaxConcurrency = 100'000;
inline constexpr unsigned kMaxQueue = 1'000'000;
inline constexpr unsigned kMaxCapacity = 1600;  // Lambda's, for one execution environment

bool is_function_name(std::string_view);  // 1..64 of [a-zA-Z0-9-_]
bool is_account(std::string_view);        // 12 digits
// Set by the platform in every function; AWS_LAMBDA_FUNCTION_NAME, _HANDLER, ….
bool is_reserved_variable(std::string_view);

// Everything of a Function but whether its code exists and its runtime is installed. Errors:
// invalid_argument, reason ValidationException (a field's own range) or
// InvalidParameterValueException; the message names field, value and range.
Result<void> validate(Function const&);
Result<void> validate(Layer const&);

// 1..128 of [a-zA-Z0-9-_], not digits alone; a description of 256 characters at most. Errors: as
// validate.
Result<void> validate_alias(std::string_view name, std::string_view description);

}  // namespace faas::inline v0::registry
