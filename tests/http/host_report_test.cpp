#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <faas/http_server.hpp>

using namespace faas;
namespace json = boost::json;

TEST_CASE("a report of the host says as JSON what it found, costs and takes, and how bad it is") {
  HostReport const report{{{"one", HostState::ok, "fine", "", ""},
                           {"two", HostState::degraded, "a \"quote\"", "its cost", "its fix"}},
                          {"provided", "python3.11"}};
  auto const value = json::parse(host_report_json(report));
  auto const& checks = value.at("Checks").as_array();
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].at("Name") == "one");
  CHECK(checks[0].at("State") == "ok");
  CHECK(checks[1].at("State") == "degraded");
  CHECK(checks[1].at("Found") == "a \"quote\"");
  CHECK(checks[1].at("Cost") == "its cost");
  CHECK(checks[1].at("Fix") == "its fix");
  CHECK(value.at("Worst") == "degraded");
  CHECK(value.at("Interpreters") == json::array{"provided", "python3.11"});
}
