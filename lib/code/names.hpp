// Which names a package may hold. Pure. Whatever passes is safe to open beneath a directory, means
// the same on every file system, and can be printed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace faas::inline v0::code {

inline constexpr std::size_t kMaxPath = 4095;      // PATH_MAX counts the terminator
inline constexpr std::size_t kMaxComponent = 255;  // NAME_MAX
inline constexpr std::size_t kMaxDepth = 128;      // components; one descriptor each when removed

// What is wrong with a relative path ("its name holds a backslash"), or nothing. The path carries
// no trailing slash.
std::optional<std::string> complaint_about_path(std::string_view path);

bool is_utf8(std::string_view);  // RFC 3629: no overlongs, no surrogates, nothing above U+10FFFF

// One component with the case of Latin, Greek and Cyrillic letters folded: two names that fold
// alike would be one file on a case-insensitive file system. Valid UTF-8 in, UTF-8 out.
std::string fold_case(std::string_view component);

// For a message: in double quotes, unprintable bytes as \xHH, the middle cut out beyond 200 bytes.
std::string shown(std::string_view name);

}  // namespace faas::inline v0::code
