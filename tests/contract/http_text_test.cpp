#include "contract/http_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace faas;
using namespace faas::contract;

TEST_CASE("a token is of RFC 9110's tchar and nothing else") {
  std::string const tchars =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    std::string const text(1, static_cast<char>(c));
    CHECK(is_token(text) == (tchars.find(text) != tchars.npos));
    CHECK(is_token("a" + text) == is_token(text));
  }
  CHECK_FALSE(is_token(""));
}

TEST_CASE("a field's value is of visible bytes, spaces and tabs") {
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    std::string const text(1, static_cast<char>(c));
    CHECK(is_field_value(text) == ((c >= 0x20 && c != 0x7f) || c == '\t'));
    CHECK(is_visible(text) == (c > 0x20 && c < 0x7f));
  }
  CHECK(is_field_value(""));
}

TEST_CASE("only the case of ASCII letters is ignored") {
  CHECK(equals_ignoring_case("Content-LENGTH", "content-length"));
  CHECK_FALSE(equals_ignoring_case("a", "aa"));
  CHECK_FALSE(equals_ignoring_case("@", "`"));  // 0x20 apart, as A and a are
  CHECK_FALSE(equals_ignoring_case("[", "{"));
  CHECK_FALSE(equals_ignoring_case("\xc3\x89", "\xc3\xa9"));
}

TEST_CASE("white space is trimmed at both ends and kept inside") {
  CHECK(trim_white_space(" \t a b\t ") == "a b");
  CHECK(trim_white_space(" \t ").empty());
  CHECK(trim_white_space("").empty());
  CHECK(trim_white_space("\ra\r") == "\ra\r");
}

TEST_CASE("a field line is a token, a colon and a value") {
  auto const field = parse_field_line("Name:\t a: b \t");
  REQUIRE(field.has_value());
  CHECK(field->name == "Name");
  CHECK(field->value == "a: b");
  CHECK(parse_field_line("empty:")->value.empty());
}

TEST_CASE("a line that another reader could take for something else is none") {
  for (std::string_view bad : {"", "no colon", ": no name", "white space : before", " folded: line",
                               "tab\t: x", "a: b\rc", "a: b\nc", "a: \x7f", "n\xc3\xa9: x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_field_line(bad));
  }
  CHECK_FALSE(parse_field_line(std::string_view("a: \0", 4)));
}
