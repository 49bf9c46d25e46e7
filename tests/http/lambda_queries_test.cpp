// What is listed of many functions; what is read of one stands in lambda_functions_test.cpp.
#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("every version of every function is listed once, in pages of every size") {
  Control control;
  std::vector<std::string> wanted;
  for (auto const& [name, versions] : std::vector<std::pair<std::string, int>>{
           {"a", 0}, {"a-1", 3}, {"b", 1}, {"c", 0}, {"d", 5}}) {
    control.create(name);
    wanted.push_back(kArn + name + ":$LATEST");
    for (int i = 0; i < versions; ++i) wanted.push_back(kArn + name + ":" + control.publish(name));
  }
  for (std::size_t most = 1; most <= wanted.size() + 1; ++most) {
    CAPTURE(most);
    CHECK(all_pages(control, "/2015-03-31/functions?FunctionVersion=ALL", "Functions",
                    "FunctionArn", most) == wanted);
    CHECK(all_pages(control, "/2015-03-31/functions", "Functions", "FunctionName", most) ==
          std::vector<std::string>{"a", "a-1", "b", "c", "d"});
  }
  check_paging(control, "/2015-03-31/functions?FunctionVersion=ALL", 10'000);
  check_paging(control, "/2015-03-31/functions", 10'000);
  check_refused(control.ask("GET", "/2015-03-31/functions?FunctionVersion=1"), 400,
                "ValidationException", "[ALL]");
}

TEST_CASE("a page of all versions goes on though its last function is gone") {
  Control control;
  for (auto const* name : {"a", "b", "c"}) {
    control.create(name);
    control.publish(name);
  }
  auto const first = control.ask("GET", "/2015-03-31/functions?FunctionVersion=ALL&MaxItems=3");
  CHECK(first.at("Functions").at(2).at("FunctionArn").as_string().ends_with(":b:$LATEST"));
  control.ask("DELETE", "/2015-03-31/functions/b");
  auto const rest = control.ask("GET", "/2015-03-31/functions?FunctionVersion=ALL&Marker=" +
                                           fetch::percent_encoded(first.string("NextMarker")));
  CHECK(rest.at("Functions").as_array().size() == 2);
  CHECK(rest.at("Functions").at(0).at("FunctionArn").as_string().ends_with(":c:$LATEST"));
}

TEST_CASE("a page holds fifty, however many are asked for") {
  Control control;
  for (int i = 0; i < 51; ++i) control.serving().deploy_echo(fmt::format("f{:02}", i));
  auto const page = control.ask("GET", "/2015-03-31/functions?MaxItems=10000");
  CHECK(page.at("Functions").as_array().size() == 50);
  CHECK(page.has("NextMarker"));
}
