// The strict reader of request heads. It runs before Beast sees a byte, because Beast accepts
// framing that two parties read differently (chunked in HTTP/1.0, Transfer-Encoding beside
// Content-Length).
#pragma once

#include <cstddef>
#include <faas/error.hpp>
#include <optional>
#include <string_view>

#include "http/message.hpp"

namespace faas::inline v0::http {

inline constexpr std::size_t kHeadLimit = 64 * 1024;  // request line and headers together
inline constexpr std::size_t kHeaderCount = 256;

// The length of the head at the front of `bytes`, its blank line included; nothing: not complete
// yet. A bare LF ends it too, so that parse_head refuses it at once. `scanned` starts at 0 and
// saves the bytes already looked at from being looked at again.
std::optional<std::size_t> head_length(std::string_view bytes, std::size_t& scanned);

// Errors: invalid_argument (400), too_large (431: too many headers). After either the connection
// must be closed: where the next request starts is not known. `head` outlives what it returns.
Result<Head> parse_head(std::string_view head);

// Only loopback names and the given ones may be asked for (DNS rebinding: a browser's page that
// resolves to 127.0.0.1 sends its own name here). "*" gives them all.
using Names = std::vector<std::string>;
bool known_host(std::string_view host_header, Names const& more = {});

// The same of an Origin header ("http://localhost:3000"), where "*" means nothing. Browsers send
// one with each POST: without this a page anywhere could deploy and call here, whatever it may read
// of the answer.
bool known_origin(std::string_view origin_header, Names const& more = {});

// Errors: invalid_argument (a bad percent escape, too long).
Result<Target> parse_target(std::string_view target);

}  // namespace faas::inline v0::http
