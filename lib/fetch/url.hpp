// URLs of servers to talk to. Pure.
#pragma once

#include <faas/error.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::fetch {

struct Url {
  std::string host;          // without brackets
  std::string port;          // decimal
  std::string target = "/";  // path and query
};

// "http://host[:port][/path]"; a bare "host:port" counts as http. Errors: invalid_argument (not
// that form, user information, a control character), unsupported (another scheme).
Result<Url> parse_url(std::string_view);

// The Host header: brackets around an IPv6 address, the port unless it is 80.
std::string authority(Url const&);

// As one segment of a path: everything but unreserved characters as %XX.
std::string percent_encoded(std::string_view);

}  // namespace faas::inline v0::fetch
