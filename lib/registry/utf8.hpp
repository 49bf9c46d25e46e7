// Is it UTF-8 (RFC 3629), and how many characters? Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace faas::inline v0::registry {

// Code points; nothing if the text is not UTF-8 (overlong forms and surrogates are not).
std::optional<std::size_t> utf8_length(std::string_view);

}  // namespace faas::inline v0::registry
