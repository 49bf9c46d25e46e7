#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr auto kConfig = "/2019-09-25/functions/f/event-invoke-config";

}  // namespace

TEST_CASE("a put replaces, an update merges, what asynchronous calls are told") {
  Control control;
  control.create("f");
  auto const put = control.ask("PUT", kConfig, R"({"MaximumRetryAttempts":1})");
  CHECK(put.status == 200);
  CHECK(put.at("MaximumRetryAttempts") == 1);
  CHECK_FALSE(put.has("MaximumEventAgeInSeconds"));
  CHECK(put.string("FunctionArn") == std::string(kArn) + "f:$LATEST");
  CHECK(put.at("LastModified").is_double());
  CHECK(put.at("DestinationConfig").at("OnSuccess").as_object().empty());
  CHECK(put.at("DestinationConfig").at("OnFailure").as_object().empty());

  auto const merged = control.ask(
      "POST", kConfig,
      R"({"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:000000000000:q"}}})");
  CHECK(merged.at("MaximumRetryAttempts") == 1);
  CHECK(merged.at("MaximumEventAgeInSeconds") == 60);
  CHECK(merged.at("DestinationConfig").at("OnFailure").at("Destination") ==
        "arn:aws:sqs:us-east-1:000000000000:q");
  CHECK(control.ask("GET", kConfig).body == merged.body);
  auto const replaced = control.ask("PUT", kConfig, R"({"MaximumRetryAttempts":0})");
  CHECK_FALSE(replaced.has("MaximumEventAgeInSeconds"));
  CHECK(replaced.at("DestinationConfig").at("OnFailure").as_object().empty());
  CHECK(control.ask("DELETE", kConfig).status == 204);
  check_refused(
      control.ask("GET", kConfig), 404, "ResourceNotFoundException",
      std::string("The function ") + kArn + "f:$LATEST doesn't have an EventInvokeConfig");
  check_refused(control.ask("DELETE", kConfig), 404, "ResourceNotFoundException", "EventInvoke");
  check_refused(control.ask("POST", kConfig, R"({"MaximumRetryAttempts":0})"), 404,
                "ResourceNotFoundException", "doesn't have an EventInvokeConfig");
}

TEST_CASE("what asynchronous calls may be told is checked before the function is looked for") {
  Control control;
  control.create("f");
  for (std::string const function : {"f", "none"}) {
    for (auto const* method : {"PUT", "POST"}) {
      CAPTURE(function);
      CAPTURE(method);
      auto const put = [&](std::string const& body) {
        return control.ask(method, "/2019-09-25/functions/" + function + "/event-invoke-config",
                           body);
      };
      auto const nothing =
          "You must specify at least one of error handling or destination setting.";
      check_refused(put("{}"), 400, "InvalidParameterValueException", nothing);
      check_refused(put(""), 400, "InvalidParameterValueException", nothing);
      check_refused(put(R"({"MaximumRetryAttempts":null})"), 400, "InvalidParameterValueException",
                    nothing);
      check_refused(put(R"({"MaximumRetryAttempts":3})"), 400, "ValidationException",
                    "Value '3' at 'maximumRetryAttempts'");
      check_refused(put(R"({"MaximumRetryAttempts":-1})"), 400, "ValidationException",
                    "greater than or equal to 0");
      check_refused(put(R"({"MaximumEventAgeInSeconds":59})"), 400, "ValidationException",
                    "greater than or equal to 60");
      check_refused(put(R"({"MaximumEventAgeInSeconds":21601})"), 400, "ValidationException",
                    "less than or equal to 21600");
      check_refused(put(R"({"DestinationConfig":{"OnSucces":{}}})"), 400,
                    "InvalidParameterValueException", "DestinationConfig.OnSucces");
      check_refused(put(R"({"DestinationConfig":{"OnSuccess":{"Destination":")" +
                        std::string(351, 'a') + "\"}}}"),
                    400, "ValidationException", "estination");
      check_refused(put(R"({"MaximumRetryAttempts":"1"})"), 400, "SerializationException",
                    "MaximumRetryAttempts must be an integer");
    }
  }
  check_refused(control.ask("PUT", "/2019-09-25/functions/none/event-invoke-config",
                            R"({"MaximumRetryAttempts":1})"),
                404, "ResourceNotFoundException",
                std::string("The function ") + kArn + "none:$LATEST doesn't exist.");
  check_refused(
      control.ask("PUT", std::string(kConfig) + "?Qualifier=7", R"({"MaximumRetryAttempts":1})"),
      404, "ResourceNotFoundException", "f:7 doesn't exist.");
}

TEST_CASE("each qualifier has a configuration of its own, and all are listed") {
  Control control;
  control.create("f");
  for (int i = 0; i < 3; ++i) control.publish("f");
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"live","FunctionVersion":"1"})");
  std::vector<std::string> wanted;
  for (std::string const qualifier : {"$LATEST", "1", "2", "3", "live"}) {
    wanted.push_back(kArn + ("f:" + qualifier));
    CHECK(control
              .ask("PUT", std::string(kConfig) + "?Qualifier=" + fetch::percent_encoded(qualifier),
                   R"({"MaximumRetryAttempts":1})")
              .string("FunctionArn") == wanted.back());
  }
  auto const list = std::string(kConfig) + "/list";
  for (std::size_t most = 1; most <= 6; ++most)
    CHECK(all_pages(control, list, "FunctionEventInvokeConfigs", "FunctionArn", most) == wanted);
  check_paging(control, list, 50);
  control.ask("DELETE", "/2015-03-31/functions/f?Qualifier=3");
  control.ask("DELETE", "/2015-03-31/functions/f/aliases/live");
  CHECK(all_pages(control, list, "FunctionEventInvokeConfigs", "FunctionArn", 50).size() == 3);
}
