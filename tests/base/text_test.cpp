#include "base/text.hpp"

#include <doctest/doctest.h>

#include "sys/random.hpp"

using namespace faas;

TEST_CASE("base64 follows the vectors of RFC 4648 both ways") {
  for (auto [plain, text] : {std::pair{"", ""},
                             {"f", "Zg=="},
                             {"fo", "Zm8="},
                             {"foo", "Zm9v"},
                             {"foob", "Zm9vYg=="},
                             {"fooba", "Zm9vYmE="},
                             {"foobar", "Zm9vYmFy"}}) {
    CHECK(to_base64(plain) == text);
    CHECK(from_base64(text) == plain);
  }
}

TEST_CASE("base64 that is not base64 is refused") {
  for (auto bad : {"Z", "Zg", "Zg=", "Z===", "Zg=a", "Zm 9", "Zm9v\n", "====", "Zg==Zg=="}) {
    CAPTURE(bad);
    CHECK_FALSE(from_base64(bad));
  }
}

TEST_CASE("a uuid has version 4 and variant 1 whatever the bytes") {
  std::array<std::uint8_t, 16> ones;
  ones.fill(0xff);
  CHECK(to_uuid(ones) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  CHECK(to_uuid({}) == "00000000-0000-4000-8000-000000000000");
  CHECK(sys::random_uuid() != sys::random_uuid());
}

TEST_CASE("a JSON string escapes quotes, backslashes and control characters") {
  CHECK(json_quote("a\"b\\c\n\x01") == R"("a\"b\\c\n\u0001")");
  CHECK(error_document("T", "m") == R"({"errorType":"T","errorMessage":"m"})");
}
