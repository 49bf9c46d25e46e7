#include "contract/routes.hpp"

namespace faas::inline v0::contract {
namespace {

struct Fixed {
  std::string_view method, target;
  Endpoint endpoint;
};

constexpr Fixed kFixed[] = {
    {"GET", "/2018-06-01/runtime/invocation/next", Endpoint::next},
    {"POST", "/2018-06-01/runtime/init/error", Endpoint::init_error},
    {"GET", "/2018-06-01/ping", Endpoint::ping},
    {"POST", "/2020-01-01/extension/register", Endpoint::extension_register},
    {"GET", "/2020-01-01/extension/event/next", Endpoint::extension_next},
    {"POST", "/2020-01-01/extension/init/error", Endpoint::extension_init_error},
    {"POST", "/2020-01-01/extension/exit/error", Endpoint::extension_exit_error},
    {"PUT", "/2022-07-01/telemetry", Endpoint::telemetry},
    {"PUT", "/2020-08-15/logs", Endpoint::logs},
    {"GET", "/2018-06-01/runtime/restore/next", Endpoint::snapstart},
    {"POST", "/2018-06-01/runtime/restore/error", Endpoint::snapstart},
    {"GET", "/2021-04-23/credentials", Endpoint::snapstart},
};

constexpr std::string_view kInvocation = "/2018-06-01/runtime/invocation/";

Route answer(std::string_view rest) {
  auto const slash = rest.find('/');
  if (slash == 0 || slash == rest.npos) return {};
  auto const verb = rest.substr(slash);
  if (verb == "/response") return {Endpoint::response, rest.substr(0, slash)};
  if (verb == "/error") return {Endpoint::error, rest.substr(0, slash)};
  return {};
}

}  // namespace

Route route(std::string_view method, std::string_view target) {
  if (method == "POST" && target.starts_with(kInvocation))
    return answer(target.substr(kInvocation.size()));
  for (auto const& fixed : kFixed)
    if (fixed.method == method && fixed.target == target) return {fixed.endpoint, {}};
  return {};
}

}  // namespace faas::inline v0::contract
