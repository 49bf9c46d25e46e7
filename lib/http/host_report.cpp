#include <faas/http_server.hpp>

#include "http/json.hpp"

namespace faas::inline v0 {

std::string host_report_json(HostReport const& report) {
  namespace json = boost::json;
  json::array checks;
  for (auto const& check : report.checks) {
    json::object one{{"Name", check.name},
                     {"State", std::string(to_string(check.state))},
                     {"Found", check.found},
                     {"Cost", check.cost},
                     {"Fix", check.fix}};
    checks.push_back(std::move(one));
  }
  json::array interpreters;
  for (auto const& name : report.interpreters) interpreters.push_back(json::value_from(name));
  json::object out{{"Worst", std::string(to_string(report.worst()))},
                   {"Checks", std::move(checks)},
                   {"Interpreters", std::move(interpreters)}};
  return json::serialize(out);
}

}  // namespace faas::inline v0
