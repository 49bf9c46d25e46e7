#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace faas::inline v0::http {
namespace {

struct Pattern {
  std::string_view method;
  std::string_view path;  // "*" is a name
  Operation operation;
};

constexpr std::array kLambda{
    Pattern{"POST", "2015-03-31/functions", Operation::create_function},
    Pattern{"GET", "2015-03-31/functions", Operation::list_functions},
    Pattern{"GET", "2015-03-31/functions/*", Operation::get_function},
    Pattern{"DELETE", "2015-03-31/functions/*", Operation::delete_function},
    Pattern{"PUT", "2015-03-31/functions/*/code", Operation::update_function_code},
    Pattern{"PUT", "2015-03-31/functions/*/configuration",
            Operation::update_function_configuration},
    Pattern{"GET", "2015-03-31/functions/*/configuration", Operation::get_function_configuration},
    Pattern{"POST", "2015-03-31/functions/*/invocations", Operation::invoke},
    Pattern{"GET", "2016-08-19/account-settings", Operation::get_account_settings},
};

constexpr std::array kOwn{
    Pattern{"POST", "function/*", Operation::call_function},
    Pattern{"PUT", "faas/v1/packages", Operation::put_package},
    Pattern{"GET", "faas/v1/packages/*", Operation::get_package},
    Pattern{"PUT", "faas/v1/functions/*", Operation::put_function},
    Pattern{"GET", "faas/v1/functions/*/logs", Operation::follow_logs},
    Pattern{"GET", "faas/v1/doctor", Operation::doctor},
    Pattern{"GET", "faas/v1/instances", Operation::list_instances},
    Pattern{"GET", "faas/v1/status", Operation::get_status},
    Pattern{"GET", "healthz", Operation::healthz},
    Pattern{"GET", "readyz", Operation::readyz},
    Pattern{"GET", "metrics", Operation::metrics},
};

// Where the path fits the pattern: the segment at its star, or an empty view into it.
bool fits(std::string_view pattern, std::vector<std::string> const& segments, std::size_t count,
          std::string_view& name) {
  for (std::size_t i = 0; i < count; ++i) {
    auto const end = std::min(pattern.find('/'), pattern.size());
    auto const part = pattern.substr(0, end);
    if (part == "*") {
      name = segments[i];
    } else if (part.empty() || part != segments[i]) {
      return false;
    }
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return pattern.empty();
}

bool is_date(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace

Route find_route(std::string_view method, Target const& target) {
  auto const& segments = target.segments;
  auto count = segments.size();
  if (count > 1 && segments.back().empty()) --count;  // older clients end some paths in '/'
  std::string_view name;
  if (count > 0 && is_date(segments[0])) {
    for (auto const& p : kLambda) {
      if (p.method == method && fits(p.path, segments, count, name))
        return {p.operation, std::string(name)};
    }
    return {Operation::unknown_lambda};
  }
  std::string_view other;
  for (auto const& p : kOwn) {
    if (!fits(p.path, segments, count, name)) continue;
    if (p.method == method || (method == "HEAD" && p.method == "GET"))
      return {p.operation, std::string(name)};
    other = p.method;
  }
  if (!other.empty()) return {Operation::wrong_method, {}, other};
  return {Operation::unknown_path};
}

bool speaks_lambda(Operation operation) { return operation <= Operation::unknown_lambda; }

}  // namespace faas::inline v0::http
