#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace faas::inline v0::http {
namespace {

struct Pattern {
  std::string_view method;
  std::string_view path;  // "*" is a name, a second one a detail of it
  Operation operation;
  std::string_view parameter{};  // of the query; where it must be there
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
    Pattern{"POST", "2015-03-31/functions/*/versions", Operation::publish_version},
    Pattern{"GET", "2015-03-31/functions/*/versions", Operation::list_versions},
    Pattern{"POST", "2015-03-31/functions/*/aliases", Operation::create_alias},
    Pattern{"GET", "2015-03-31/functions/*/aliases", Operation::list_aliases},
    Pattern{"GET", "2015-03-31/functions/*/aliases/*", Operation::get_alias},
    Pattern{"PUT", "2015-03-31/functions/*/aliases/*", Operation::update_alias},
    Pattern{"DELETE", "2015-03-31/functions/*/aliases/*", Operation::delete_alias},
    Pattern{"PUT", "2017-10-31/functions/*/concurrency", Operation::put_function_concurrency},
    Pattern{"GET", "2019-09-30/functions/*/concurrency", Operation::get_function_concurrency},
    Pattern{"DELETE", "2017-10-31/functions/*/concurrency", Operation::delete_function_concurrency},
    Pattern{"PUT", "2019-09-30/functions/*/provisioned-concurrency", Operation::put_provisioned},
    Pattern{"GET", "2019-09-30/functions/*/provisioned-concurrency", Operation::list_provisioned,
            "List"},
    Pattern{"GET", "2019-09-30/functions/*/provisioned-concurrency", Operation::get_provisioned},
    Pattern{"DELETE", "2019-09-30/functions/*/provisioned-concurrency",
            Operation::delete_provisioned},
    Pattern{"PUT", "2019-09-25/functions/*/event-invoke-config", Operation::put_event_invoke},
    Pattern{"POST", "2019-09-25/functions/*/event-invoke-config", Operation::update_event_invoke},
    Pattern{"GET", "2019-09-25/functions/*/event-invoke-config", Operation::get_event_invoke},
    Pattern{"DELETE", "2019-09-25/functions/*/event-invoke-config", Operation::delete_event_invoke},
    Pattern{"GET", "2019-09-25/functions/*/event-invoke-config/list", Operation::list_event_invoke},
    Pattern{"POST", "2015-03-31/functions/*/policy", Operation::add_permission},
    Pattern{"DELETE", "2015-03-31/functions/*/policy/*", Operation::remove_permission},
    Pattern{"GET", "2015-03-31/functions/*/policy", Operation::get_policy},
    Pattern{"GET", "2017-03-31/tags/*", Operation::list_tags},
    Pattern{"POST", "2017-03-31/tags/*", Operation::tag_resource},
    Pattern{"DELETE", "2017-03-31/tags/*", Operation::untag_resource},
    Pattern{"GET", "2018-10-31/layers", Operation::get_layer_version_by_arn, "find"},
    Pattern{"GET", "2018-10-31/layers", Operation::list_layers},
    Pattern{"POST", "2018-10-31/layers/*/versions", Operation::publish_layer_version},
    Pattern{"GET", "2018-10-31/layers/*/versions", Operation::list_layer_versions},
    Pattern{"GET", "2018-10-31/layers/*/versions/*", Operation::get_layer_version},
    Pattern{"DELETE", "2018-10-31/layers/*/versions/*", Operation::delete_layer_version},
    Pattern{"GET", "2016-08-19/account-settings", Operation::get_account_settings},
    Pattern{"GET", "2020-06-30/functions/*/code-signing-config", Operation::get_code_signing},
    Pattern{"GET", "2021-07-20/functions/*/runtime-management-config",
            Operation::get_runtime_management},
    Pattern{"PUT", "2021-07-20/functions/*/runtime-management-config",
            Operation::put_runtime_management},
    Pattern{"GET", "2024-08-31/functions/*/recursion-config", Operation::get_recursion},
    Pattern{"PUT", "2024-08-31/functions/*/recursion-config", Operation::put_recursion},
};

constexpr std::array kOwn{
    Pattern{"POST", "function/*", Operation::call_function},
    Pattern{"PUT", "faas/v1/packages", Operation::put_package},
    Pattern{"GET", "faas/v1/packages/*", Operation::get_package},
    Pattern{"PUT", "faas/v1/functions/*", Operation::put_function},
    Pattern{"GET", "faas/v1/functions/*/logs", Operation::follow_logs},
    Pattern{"GET", "faas/v1/functions/*/limits", Operation::get_limits},
    Pattern{"GET", "faas/v1/doctor", Operation::doctor},
    Pattern{"GET", "faas/v1/instances", Operation::list_instances},
    Pattern{"GET", "faas/v1/status", Operation::get_status},
    Pattern{"GET", "healthz", Operation::healthz},
    Pattern{"GET", "readyz", Operation::readyz},
    Pattern{"GET", "metrics", Operation::metrics},
};

// The segments at a pattern's stars.
struct Stars {
  std::string_view name, detail;
};

// Does the path fit the pattern? Then `stars` is what stands at its stars.
bool fits(std::string_view pattern, std::vector<std::string> const& segments, std::size_t count,
          Stars& stars) {
  stars = {};
  bool second = false;
  for (std::size_t i = 0; i < count; ++i) {
    auto const end = std::min(pattern.find('/'), pattern.size());
    auto const part = pattern.substr(0, end);
    if (part == "*") {
      (second ? stars.detail : stars.name) = segments[i];
      second = true;
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
  Stars stars;
  if (count > 0 && is_date(segments[0])) {
    for (auto const& p : kLambda) {
      if (p.method != method || !fits(p.path, segments, count, stars)) continue;
      if (!p.parameter.empty() && !target.parameter(p.parameter)) continue;
      return {p.operation, std::string(stars.name), std::string(stars.detail)};
    }
    return {Operation::unknown_lambda};
  }
  std::string_view other;
  for (auto const& p : kOwn) {
    if (!fits(p.path, segments, count, stars)) continue;
    if (p.method == method || (method == "HEAD" && p.method == "GET"))
      return {p.operation, std::string(stars.name), std::string(stars.detail)};
    other = p.method;
  }
  if (!other.empty()) return {Operation::wrong_method, {}, {}, other};
  return {Operation::unknown_path};
}

bool speaks_lambda(Operation operation) { return operation <= Operation::unknown_lambda; }

}  // namespace faas::inline v0::http
