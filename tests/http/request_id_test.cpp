#include "http/request_id.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace faas::http;

namespace {

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

TEST_CASE("a request's id is a UUID of version 4, and no other request's") {
  RequestIds ids;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto const id = ids.next();
    REQUIRE(id.size() == 36);
    REQUIRE(id[14] == '4');
    REQUIRE(std::string_view("89ab").find(id[19]) != std::string_view::npos);
    CHECK(seen.insert(id).second);
  }
}

TEST_CASE("a trace is named by its request, in X-Ray's form") {
  auto const trace = new_trace_id("01234567-89ab-4def-8123-456789abcdef");
  REQUIRE(trace.size() == std::string_view("Root=1-01234567-0123456789abcdef01234567").size() +
                              std::string_view(";Parent=0123456789abcdef;Sampled=0").size());
  CHECK(trace.starts_with("Root=1-"));
  CHECK(is_hex(trace.substr(7, 8)));
  CHECK(trace.substr(15) == "-0123456789ab4def81234567;Parent=8123456789abcdef;Sampled=0");
}

TEST_CASE("a caller's own id of any length names a trace of the right length") {
  for (auto id : {"", "abc", "0123456789abcdef0123456789abcdef0123456789abcdef"}) {
    CAPTURE(id);
    CHECK(new_trace_id(id).size() == new_trace_id(RequestIds().next()).size());
  }
  CHECK(new_trace_id("abc").find(";Parent=0000000000000000;") != std::string::npos);
}
