// Small encodings: hexadecimal, base64 (RFC 4648), UUID text, JSON strings. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace faas::inline v0 {

std::string to_hex(std::span<std::byte const>);
std::string to_base64(std::string_view bytes);
// Standard alphabet, padding required, no white space; nothing if it is not that.
std::optional<std::string> from_base64(std::string_view text);

// Version 4 text form of 16 random bytes; version and variant bits are set here.
std::string to_uuid(std::array<std::uint8_t, 16> random);

// `text` as a JSON string with its quotes; invalid UTF-8 is passed through byte for byte.
std::string json_quote(std::string_view text);

// Lambda's platform error document: {"errorType":T,"errorMessage":M}, in that order of keys.
std::string error_document(std::string_view type, std::string_view message);

}  // namespace faas::inline v0
