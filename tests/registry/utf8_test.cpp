#include "registry/utf8.hpp"

#include <doctest/doctest.h>

#include <string>

using faas::registry::utf8_length;

namespace {

// RFC 3629, section 3.
std::string encoded(unsigned point) {
  auto const tail = [&](unsigned shift) {
    return static_cast<char>(0x80 | (point >> shift & 0x3f));
  };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace

TEST_CASE("characters are counted, not bytes") {
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("abc") == 3);
  CHECK(utf8_length("h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80") == 9);
  CHECK(utf8_length(std::string_view("\0", 1)) == 1);
}

TEST_CASE("every code point but the surrogates is one character") {
  for (unsigned point = 0; point <= 0x10ffff; ++point) {
    bool const surrogate = point >= 0xd800 && point <= 0xdfff;
    if (utf8_length(encoded(point)).has_value() == surrogate) FAIL_CHECK("code point " << point);
  }
  CHECK_FALSE(utf8_length(encoded(0x110000)));
}

TEST_CASE("a character cut anywhere is none") {
  for (unsigned point : {0xe9u, 0x20acu, 0x1f600u}) {
    auto const whole = encoded(point);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      CHECK_FALSE(utf8_length(whole.substr(0, size)));
      CHECK_FALSE(utf8_length(whole.substr(0, size) + "abc"));
      CHECK_FALSE(utf8_length(whole.substr(size)));
    }
  }
}

TEST_CASE("a longer form than the shortest is none: it hides what a check looks for") {
  CHECK_FALSE(utf8_length("\xc0\xaf"));          // a slash in two bytes
  CHECK_FALSE(utf8_length("\xe0\x80\xaf"));      // in three
  CHECK_FALSE(utf8_length("\xf0\x80\x80\xaf"));  // in four
  CHECK_FALSE(utf8_length("\xc1\xbf"));
  CHECK_FALSE(utf8_length("\xe0\x9f\xbf"));
  CHECK_FALSE(utf8_length("\xf0\x8f\xbf\xbf"));
}

TEST_CASE("bytes that begin no character are none") {
  for (auto text : {"\x80", "\xbf", "\xf8\x88\x80\x80\x80", "\xfe", "\xff", "ok\xff"})
    CHECK_FALSE(utf8_length(text));
}
