// SHA-256 and its HMAC, and a comparison that takes as long for a near miss as for a far one.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace faas::inline v0::http {

using Sha256Sum = std::array<std::byte, 32>;

Sha256Sum sha256(std::string_view bytes);
Sha256Sum hmac_sha256(std::string_view key, std::string_view bytes);
std::string_view as_text(Sha256Sum const&);  // its 32 bytes
std::string sha256_hex(std::string_view bytes);

// Only the lengths may be learned from how long it takes.
bool same_secret(std::string_view, std::string_view);

}  // namespace faas::inline v0::http
