#include "base/text.hpp"

#include <fmt/format.h>

namespace faas::inline v0 {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> base64_values() {
  std::array<signed char, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<signed char>(i);
  }
  return values;
}
constexpr auto kBase64Values = base64_values();

}  // namespace

std::string to_hex(std::span<std::byte const> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto b : bytes) {
    out += kHex[std::to_integer<unsigned>(b) >> 4];
    out += kHex[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const left = bytes.size() - i;
    auto at = [&](std::size_t k) -> std::uint32_t {
      return k < left ? static_cast<unsigned char>(bytes[i + k]) : 0;
    };
    std::uint32_t const word = at(0) << 16 | at(1) << 8 | at(2);
    out += kBase64[word >> 18];
    out += kBase64[word >> 12 & 63];
    out += left > 1 ? kBase64[word >> 6 & 63] : '=';
    out += left > 2 ? kBase64[word & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    bool const last = i + 4 == text.size();
    std::size_t const padding = last ? (text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0) : 0;
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      int const value =
          k >= 4 - padding ? 0 : kBase64Values[static_cast<unsigned char>(text[i + k])];
      if (value < 0) return std::nullopt;
      word = word << 6 | static_cast<std::uint32_t>(value);
    }
    out += static_cast<char>(word >> 16);
    if (padding < 2) out += static_cast<char>(word >> 8 & 255);
    if (padding < 1) out += static_cast<char>(word & 255);
  }
  return out;
}

std::string to_uuid(std::array<std::uint8_t, 16> r) {
  r[6] = static_cast<std::uint8_t>((r[6] & 0x0f) | 0x40);
  r[8] = static_cast<std::uint8_t>((r[8] & 0x3f) | 0x80);
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[r[i] >> 4];
    out += kHex[r[i] & 15];
  }
  return out;
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

std::string error_document(std::string_view type, std::string_view message) {
  return fmt::format("{{\"errorType\":{},\"errorMessage\":{}}}", json_quote(type),
                     json_quote(message));
}

}  // namespace faas::inline v0
