// The alphabet of HTTP/1.1 (RFC 9110 5.6): what its parsers share.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "contract/head_scanner.hpp"

namespace faas::inline v0::contract {

bool is_token(std::string_view text);        // 1*tchar
bool is_field_value(std::string_view text);  // HTAB, SP, visible ASCII and bytes above 0x7f
bool is_visible(std::string_view text);      // 0x21 to 0x7e
bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string_view trim_white_space(std::string_view text);  // SP and HTAB

// "name: value" without its line end. Nothing: no token before the colon, white space before the
// colon, a folded line, or a control character in the value.
std::optional<HeaderField> parse_field_line(std::string_view line);

}  // namespace faas::inline v0::contract
