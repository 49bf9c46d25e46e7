#include "http/blobs.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "base/text.hpp"
#include "support/result.hpp"

using namespace faas;
using namespace faas::http;

namespace {

std::optional<std::string> read_all(BlobSource& source, std::size_t step) {
  std::string out;
  std::vector<std::byte> buffer(step);
  for (;;) {
    auto const count = source.read(buffer);
    if (!count) return std::nullopt;
    if (*count == 0) return out;
    out.append(reinterpret_cast<char const*>(buffer.data()), *count);
  }
}

std::optional<std::string> decoded(std::string const& text, std::size_t step = 1000) {
  Base64Blob blob(nullptr, text);
  return read_all(blob, step);
}

}  // namespace

TEST_CASE("base64 is decoded piece by piece, whatever the reader's buffer") {
  std::string bytes;
  for (int i = 0; i < 200'001; ++i) bytes += static_cast<char>(i * 7);
  auto const text = to_base64(bytes);
  for (std::size_t step : {1, 7, 4096, 1'000'000}) CHECK(decoded(text, step) == bytes);
  CHECK(decoded("") == "");
}

TEST_CASE("what is not base64 is refused wherever it is wrong") {
  auto text = to_base64(std::string(150'000, 'x'));
  CHECK(decoded(text));
  for (std::size_t at :
       {std::size_t{0}, std::size_t{65'535}, std::size_t{65'536}, text.size() - 1}) {
    auto wrong = text;
    wrong[at] = '*';
    CHECK_FALSE(decoded(wrong));
  }
  auto padded = text;
  padded[65'535] = '=';
  CHECK_FALSE(decoded(padded));
  CHECK_FALSE(decoded("abc"));
}

TEST_CASE("a string is read to its end") {
  StringBlob blob(std::string("abcdefg"));
  CHECK(read_all(blob, 3) == "abcdefg");
}
