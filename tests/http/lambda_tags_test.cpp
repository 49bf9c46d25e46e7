#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string tags(std::string const& arn = std::string(kArn) + "f") {
  return "/2017-03-31/tags/" + fetch::percent_encoded(arn);
}

}  // namespace

TEST_CASE("tags are put beside those that are there, and taken one by one") {
  Control control;
  control.create("f", R"(,"Tags":{"a":"1"})");
  CHECK(control.ask("POST", tags(), R"({"Tags":{"b":"2","c":""}})").status == 204);
  CHECK(control.ask("POST", tags(), R"({"Tags":{"a":"x"}})").status == 204);
  CHECK(control.ask("GET", tags()).text == R"({"Tags":{"a":"x","b":"2","c":""}})");
  CHECK(control.ask("DELETE", tags() + "?tagKeys=a&tagKeys=c&tagKeys=none").status == 204);
  CHECK(control.ask("GET", tags()).text == R"({"Tags":{"b":"2"}})");
  CHECK(control.ask("GET", "/2015-03-31/functions/f").at("Tags").at("b") == "2");
  CHECK(control.ask("DELETE", tags() + "?tagKeys=b").status == 204);
  CHECK_FALSE(control.ask("GET", "/2015-03-31/functions/f").has("Tags"));
}

TEST_CASE("a function has at most fifty tags, whoever adds them") {
  Control control;
  std::string fifty;
  for (int i = 0; i < 50; ++i) fifty += fmt::format("{}\"k{}\":\"v\"", i == 0 ? "" : ",", i);
  control.create("f", ",\"Tags\":{" + fifty + "}");
  check_refused(control.ask("POST", tags(), R"({"Tags":{"one":"more"}})"), 400,
                "InvalidParameterValueException", "these are 51");
  CHECK(control.ask("POST", tags(), R"({"Tags":{"k0":"other"}})").status == 204);
  CHECK(control.ask("GET", tags()).at("Tags").as_object().size() == 50);
  CHECK(control.create("g", ",\"Tags\":{" + fifty + ",\"more\":\"\"}").status == 400);
  CHECK(control.ask("GET", "/2015-03-31/functions/g").status == 404);
}

TEST_CASE("what tags may be is checked before the function is looked for") {
  Control control;
  control.create("f");
  for (std::string const function : {"f", "none"}) {
    CAPTURE(function);
    auto const put = [&](std::string const& body) {
      return control.ask("POST", tags(kArn + function), body);
    };
    check_refused(put("{}"), 400, "ValidationException", "'tags'");
    check_refused(put(R"({"Tags":null})"), 400, "ValidationException", "'tags'");
    check_refused(put(R"({"Tags":["a"]})"), 400, "SerializationException", "an object");
    check_refused(put(R"({"Tags":{"a":1}})"), 400, "SerializationException", "Tags.a");
    check_refused(put(R"({"Tags":{"aws:a":"1"}})"), 400, "InvalidParameterValueException", "aws:");
    check_refused(put(R"({"Tags":{"":"1"}})"), 400, "InvalidParameterValueException", "key");
    check_refused(put(R"({"Tags":{"a":")" + std::string(257, 'v') + "\"}}"), 400,
                  "InvalidParameterValueException", "256");
    check_refused(control.ask("DELETE", tags(kArn + function)), 400, "ValidationException",
                  "'tagKeys'");
  }
  CHECK(control.ask("GET", tags()).text == R"({"Tags":{}})");
}

TEST_CASE("tags are of a function, named by its ARN") {
  Control control;
  control.create("f");
  control.publish("f");
  for (auto const* method : {"GET", "POST", "DELETE"}) {
    CAPTURE(method);
    auto const ask = [&](std::string const& arn) {
      return control.ask(method, tags(arn) + "?tagKeys=a",
                         std::string(method) == "POST" ? R"({"Tags":{"a":"b"}})" : "");
    };
    check_refused(ask("f"), 400, "ValidationException", "'resource'");
    check_refused(ask(std::string(kArn) + "f:1"), 400, "InvalidParameterValueException",
                  "Tags on function aliases and versions are not supported.");
    check_refused(ask(std::string(kArn) + "none"), 404, "ResourceNotFoundException", "none");
    check_refused(ask("arn:aws:lambda:eu-west-1:000000000000:function:f"), 404,
                  "ResourceNotFoundException", "not reachable in this region");
    CHECK(ask("arn:aws:s3:::bucket").status == 400);
  }
  CHECK(control.ask("GET", tags() + "/").status == 200);
}
