#include "http/json.hpp"

#include <doctest/doctest.h>

using namespace faas::http;

TEST_CASE("any JSON value is a payload") {
  for (auto const* text : {"{}", "[]", "null", "1", "-1.5e300", "\"x\"", " true ", "[1,{\"a\":[]}]",
                           "12345678901234567890123"}) {
    CAPTURE(text);
    CHECK_FALSE(json_fault(text));
  }
  CHECK_FALSE(json_fault(std::string(900, '[') + std::string(900, ']')));
}

TEST_CASE("what is wrong with JSON is placed") {
  CHECK(json_fault("{\n  \"a\": x}")->find("at line 2, column 8") != std::string::npos);
  for (auto const* text :
       {"", " ", "{", "{}{}", "{'a':1}", "[1,]", "nul", "\"", "01", "\xff", "\"\xff\""}) {
    CAPTURE(text);
    CHECK(json_fault(text));
  }
  CHECK(json_fault(std::string(100'000, '[')));
}

TEST_CASE("a request body is an object, or says where it is not") {
  auto const bad = parse_object("{\"A\": 1,\n \"B\" 2}");
  REQUIRE(bad.has_error());
  CHECK(bad.error().exception == "SerializationException");
  CHECK(bad.error().message.find("line 2") != std::string::npos);
  CHECK(parse_object("[]").error().message.find("an array") != std::string::npos);
}

TEST_CASE("a member of the wrong type is named") {
  auto const object = parse_object(R"({"Timeout":"3","Env":{"A":1},"N":null})");
  FieldReader timeout(**object);
  CHECK_FALSE(timeout.integer("Timeout"));
  CHECK(timeout.finish().error().message == "Timeout must be an integer, not a string");
  auto const huge = parse_object(R"({"Timeout":18446744073709551615})");
  FieldReader wrapped(**huge);
  CHECK_FALSE(wrapped.integer("Timeout"));
  CHECK(wrapped.finish().error().message ==
        "Timeout must be an integer, not an integer above 9223372036854775807");
  FieldReader environment(**object, "Code.");
  CHECK_FALSE(environment.strings("Env"));
  CHECK(environment.finish().error().message == "Code.Env.A must be a string, not an integer");
  FieldReader null(**object);
  CHECK_FALSE(null.integer("N"));
  null.string("Timeout");
  null.object("Env");
  CHECK(null.finish().has_value());
}

TEST_CASE("a member that nobody asks for is refused by name") {
  auto const object = parse_object(R"({"Timeuot":3})");
  FieldReader reader(**object);
  reader.integer("Timeout");
  auto const result = reader.finish();
  REQUIRE(result.has_error());
  CHECK(result.error().exception == "InvalidParameterValueException");
  CHECK(result.error().message.find("'Timeuot'") != std::string::npos);
}

TEST_CASE("an object that has a member twice is refused, however deep it is") {
  for (auto const* text : {R"({"A":1,"A":1})", R"({"A":{"B":1,"B":2}})", R"({"A":[{"B":1,"B":1}]})",
                           R"({"A":1,"\u0041":2})", R"({"A":null,"A":1})"}) {
    CAPTURE(text);
    auto const object = parse_object(text);
    REQUIRE(object.has_error());
    CHECK(object.error().exception == "SerializationException");
    CHECK(object.error().message.find("twice") != std::string::npos);
  }
  CHECK(parse_object(R"({"A":{"A":1},"B":[{"A":1},{"A":1}]})").has_value());
}

TEST_CASE("a body that may be left out is an object all the same") {
  CHECK(parse_optional_object("").value()->empty());
  CHECK(parse_optional_object("{}").value()->empty());
  CHECK(parse_optional_object(" ").has_error());
  CHECK(parse_optional_object("null").has_error());
  CHECK(parse_object("").has_error());
}

TEST_CASE("numbers are read as they are written, whole or with a fraction") {
  auto const object = parse_object(R"({"W":{"1":0.25,"2":1,"3":1e-3},"X":{"1":"0.5"},"Y":[1]})");
  FieldReader weights(**object);
  CHECK(*weights.numbers("W") == std::map<std::string, double>{{"1", 0.25}, {"2", 1}, {"3", 1e-3}});
  CHECK_FALSE(weights.numbers("none"));
  CHECK_FALSE(weights.numbers("X"));
  CHECK(weights.finish().error().message == "X.1 must be a number, not a string");
  FieldReader list(**object);
  CHECK_FALSE(list.numbers("Y"));
  CHECK(list.finish().error().message == "Y must be an object, not an array");
}

TEST_CASE("a body of too many values is refused before a tree is made of it") {
  auto const of = [](std::size_t values) {
    std::string text = "{\"A\":[0";
    for (std::size_t i = 3; i < values; ++i) text += ",[]";
    return text + "]}";
  };
  CHECK(parse_object(of(100'000)).has_value());
  auto const refused = parse_object(of(100'001));
  REQUIRE(refused.has_error());
  CHECK(refused.error().exception == "SerializationException");
  CHECK(refused.error().message.find("more than 100000 values") != std::string::npos);
}
