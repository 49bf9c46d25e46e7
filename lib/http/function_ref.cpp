#include "http/function_ref.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "base/text.hpp"
#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kArnLimit = 140;
constexpr std::size_t kNameLimit = 64;
constexpr std::string_view kPattern =
    "satisfy regular expression pattern: "
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?"
    "-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?";

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto const colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_';
  });
}

bool is_account(std::string_view text) {
  return text.size() == 12 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_qualifier(std::string_view text) {
  return text == "$LATEST" || (is_word(text) && text.size() <= 128);
}

struct Parts {
  std::string_view region, account, name, qualifier;  // empty: not given
};

// Nothing: not one of the four forms.
std::optional<Parts> take_apart(std::string_view text) {
  Parts result;
  auto parts = split(text);
  auto drop = [&](std::size_t n) {
    parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(n));
  };
  if (parts.size() >= 7 && parts[0] == "arn" && parts[1].starts_with("aws") &&
      parts[2] == "lambda") {
    result.region = parts[3];
    drop(4);
  }
  if (parts.size() >= 3 && is_account(parts[0]) && parts[1] == "function") {
    result.account = parts[0];
    drop(2);
  } else if (!result.region.empty()) {
    return std::nullopt;
  } else if (parts.size() >= 2 && parts[0] == "function") {
    drop(1);
  }
  result.name = parts[0];
  if (parts.size() == 2) result.qualifier = parts[1];
  if (parts.size() > 2 || !is_word(result.name)) return std::nullopt;
  if (parts.size() == 2 && !is_qualifier(result.qualifier)) return std::nullopt;
  return result;
}

}  // namespace

void throw_exception_from_error(LambdaError const& e, boost::source_location const&) {
  throw std::runtime_error(e.exception + ": " + e.message);
}

bool valid_function_name(std::string_view name) {
  return is_word(name) && name.size() <= kNameLimit;
}

LambdaResult<FunctionRef> parse_function_ref(std::string_view text, Here here,
                                             std::optional<std::string_view> qualifier) {
  if (text.empty() || text.size() > kArnLimit) {
    return constraint_error(in_quotes(text), "functionName",
                            text.empty() ? "have length greater than or equal to 1"
                                         : "have length less than or equal to 140");
  }
  auto const parts = take_apart(text);
  if (!parts) return constraint_error(in_quotes(text), "functionName", kPattern);
  if (parts->name.size() > kNameLimit) {
    return constraint_error(in_quotes(parts->name), "functionName",
                            "have length less than or equal to 64");
  }
  if (!parts->region.empty() && parts->region != here.region) {
    return LambdaError{"ResourceNotFoundException",
                       fmt::format("Functions from '{}' are not reachable in this region ('{}')",
                                   parts->region, here.region)};
  }
  if (qualifier && !is_qualifier(*qualifier)) {
    return constraint_error(in_quotes(*qualifier), "qualifier",
                            "satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)");
  }
  if (qualifier && !parts->qualifier.empty() && *qualifier != parts->qualifier) {
    return invalid_parameter(
        "The derived qualifier from the function name does not match the specified qualifier.");
  }
  auto const account = parts->account.empty() ? here.account : parts->account;
  return FunctionRef{FunctionName(std::string(account), std::string(parts->name)),
                     std::string(qualifier.value_or(parts->qualifier))};
}

std::string qualified_arn(FunctionName const& name, std::string_view region,
                          std::string_view qualifier) {
  auto arn = function_arn(name, region);
  if (!qualifier.empty()) arn.append(":").append(qualifier);
  return arn;
}

LambdaError function_not_found(FunctionRef const& ref, std::string_view region) {
  return {"ResourceNotFoundException",
          "Function not found: " + qualified_arn(ref.name, region, ref.qualifier)};
}

}  // namespace faas::inline v0::http
