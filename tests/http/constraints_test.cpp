#include "http/constraints.hpp"

#include <doctest/doctest.h>

#include "http/head.hpp"

using namespace faas;
using namespace faas::http;

namespace {

// What `read` complains of a body; empty: nothing.
template <class F>
std::string fault(std::string const& body, F read) {
  auto const object = parse_object(body);
  REQUIRE(object.has_value());
  FieldReader fields(**object);
  read(fields);
  auto const result = fields.finish();
  return result ? "" : result.error().message;
}

LambdaResult<Paging> paging(std::string const& query, std::int64_t most = 10'000) {
  return read_paging(*parse_target("/x" + query), most);
}

std::string paging_fault(std::string const& query, std::int64_t most = 10'000) {
  auto const result = paging(query, most);
  return result ? "" : result.error().exception;
}

}  // namespace

TEST_CASE("a number is within its range, ends included") {
  auto const read = [](FieldReader& fields) { ranged(fields, "MemorySize", 128, 10'240); };
  CHECK(fault(R"({"MemorySize":128})", read).empty());
  CHECK(fault(R"({"MemorySize":10240})", read).empty());
  CHECK(fault(R"({"MemorySize":null})", read).empty());
  CHECK(fault("{}", read).empty());
  CHECK(fault(R"({"MemorySize":127})", read) ==
        "1 validation error detected: Value '127' at 'memorySize' failed to satisfy constraint: "
        "Member must have value greater than or equal to 128");
  CHECK(fault(R"({"MemorySize":10241})", read) ==
        "1 validation error detected: Value '10241' at 'memorySize' failed to satisfy constraint: "
        "Member must have value less than or equal to 10240");
}

TEST_CASE("a text is as long as it may be, in characters") {
  auto const read = [](FieldReader& fields) { sized(fields, "Name", {2, 4}); };
  CHECK(fault(R"({"Name":"ab"})", read).empty());
  CHECK(fault("{\"Name\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}", read).empty());
  CHECK(fault(R"({"Name":"a"})", read).find("length greater than or equal to 2") !=
        std::string::npos);
  CHECK(fault(R"({"Name":"abcde"})", read).find("length less than or equal to 4") !=
        std::string::npos);
}

TEST_CASE("a word of a set is one of them") {
  auto const read = [](FieldReader& fields) { one_of(fields, "Mode", {"On", "Off"}); };
  CHECK(fault(R"({"Mode":"On"})", read).empty());
  CHECK(fault(R"({"Mode":"on"})", read) ==
        "1 validation error detected: Value 'on' at 'mode' failed to satisfy constraint: Member "
        "must satisfy enum value set: [On, Off]");
}

TEST_CASE("what must be there is neither absent nor null") {
  auto const read = [](FieldReader& fields) { require(fields, "Name"); };
  CHECK(fault(R"({"Name":""})", read).empty());
  for (auto const* body : {"{}", R"({"Name":null})"}) {
    CHECK(fault(body, read) ==
          "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member "
          "must not be null");
  }
}

TEST_CASE("the first fault is the one that is told") {
  CHECK(fault(R"({"A":-1,"B":"x","C":1})", [](FieldReader& fields) {
          ranged(fields, "A", 0);
          one_of(fields, "B", {"y"});
        }).find("'a'") != std::string::npos);
}

TEST_CASE("a value is shown bounded, and in whole characters") {
  CHECK(in_quotes("x") == "'x'");
  CHECK(in_quotes(std::string(1000, 'x')).size() == 258);
  std::string wide = "x";
  for (int i = 0; i < 200; ++i) wide += "\xc3\xa4";
  CHECK(in_quotes(wide).size() == 257);
  CHECK(in_quotes(wide).ends_with("\xc3\xa4'"));
  CHECK(in_quotes("a\xff\n") == "'a?\n'");
}

TEST_CASE("a page has fifty at most, and fewer if fewer are asked for") {
  CHECK(paging("")->most == 50);
  CHECK(paging("?MaxItems=7")->most == 7);
  CHECK(paging("?MaxItems=10000")->most == 50);
  for (auto const* query : {"?MaxItems=0", "?MaxItems=-1", "?MaxItems=10001", "?MaxItems=",
                            "?MaxItems=1x", "?MaxItems=1.5", "?MaxItems=99999999999999999999"}) {
    CAPTURE(query);
    CHECK(paging_fault(query) == "ValidationException");
  }
  CHECK(paging_fault("?MaxItems=50", 50).empty());
  CHECK(paging_fault("?MaxItems=51", 50) == "ValidationException");
}

TEST_CASE("a marker is the key that it was made of, and no other text") {
  CHECK(paging("?Marker=" + marker_of("abc"))->after == "abc");
  CHECK(paging("?Marker=")->after.empty());
  for (auto const& marker : {std::string("%2a"), marker_of("a/b"), marker_of("a\nb"),
                             marker_of(std::string(257, 'a')), marker_of("\xff")}) {
    CAPTURE(marker);
    CHECK(paging_fault("?Marker=" + marker) == "InvalidParameterValueException");
  }
}
