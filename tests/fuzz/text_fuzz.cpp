// Base64 decodes only what encodes back to the same text, but for the spare bits of its last group
// (RFC 4648, 3.5, leaves them to the decoder); JSON strings never end early.
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "base/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  if (auto const bytes = faas::from_base64(text)) {
    auto const again = faas::to_base64(*bytes);
    FAAS_CHECK(again.size() == text.size());
    FAAS_CHECK(size == 0 || again.substr(0, size - 4) == text.substr(0, size - 4));
  }
  FAAS_CHECK(faas::from_base64(faas::to_base64(text)) == text);

  auto const quoted = faas::json_quote(text);
  FAAS_CHECK(quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"');
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    FAAS_CHECK(static_cast<unsigned char>(quoted[i]) >= 0x20 && quoted[i] != '"');
    if (quoted[i] == '\\') FAAS_CHECK(++i + 1 < quoted.size());
  }
  return 0;
}
