#include "control/replies.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "support/result.hpp"

using namespace faas;
using namespace faas::control;

TEST_CASE("both of the daemon's forms of error are understood") {
  auto const own =
      reply_error(429, "", R"({"code":"throttled","reason":"QueueFull","message":"full"})");
  CHECK(own.code == Errc::throttled);
  CHECK(own.reason == "QueueFull");
  CHECK(own.message == "full");
  auto const lambda =
      reply_error(404, "ResourceNotFoundException", R"({"Type":"User","Message":"gone"})");
  CHECK(lambda.code == Errc::not_found);
  CHECK(lambda.reason == "ResourceNotFoundException");
  CHECK(lambda.message == "gone");
  CHECK(reply_error(500, "", "<html>").message.find("500") != std::string::npos);
}

TEST_CASE("an answer that no daemon gives is an error") {
  for (auto const* body : {"", "[]", "<html>", "\"x\""}) {
    CHECK_FALSE(read_status(body));
    CHECK_FALSE(read_instances(body));
    CHECK_FALSE(read_doctor(body));
    CHECK_FALSE(read_deploy(200, body));
  }
}

TEST_CASE("pages of functions are joined") {
  FunctionList list;
  boost::json::array all;
  CHECK(*read_functions(R"({"NextMarker":"m","Functions":[{"FunctionName":"a","MemorySize":128}]})",
                        list, all) == "m");
  CHECK(*read_functions(R"({"Functions":[{"FunctionName":"b"}, 7]})", list, all) == "");
  REQUIRE(list.functions.size() == 2);
  CHECK(list.functions[0].memory == 128);
  CHECK(list.functions[1].name == "b");
  CHECK(all.size() == 2);
}

TEST_CASE("a report keeps its worst state") {
  auto const reply = read_doctor(
      R"({"Worst":"degraded","Checks":[{"Name":"a","State":"ok","Found":"f","Cost":"","Fix":""},
    {"Name":"b","State":"degraded"}],"Interpreters":["python3.11"]})");
  REQUIRE(reply);
  CHECK(reply->report.worst() == HostState::degraded);
  CHECK(reply->report.interpreters == std::vector<std::string>{"python3.11"});
  CHECK(reply->report.checks[0].found == "f");
}
