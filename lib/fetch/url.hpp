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
  std::string socket;        // a Unix socket to connect to instead; empty: none
};

// "http://host[:port][/path]"; a bare "host:port" counts as http; "unix:/path" is a Unix socket,
// and its host localhost. Errors: invalid_argument (not that form, user information, a control
// character), unsupported (another scheme).
Result<Url> parse_url(std::string_view);

// The Host header: brackets around an IPv6 address, the port unless it is 80.
std::string authority(Url const&);

// What a person calls it: "http://127.0.0.1:9000", "unix:/run/faasd.sock".
std::string shown(Url const&);

// As one segment of a path: everything but unreserved characters as %XX.
std::string percent_encoded(std::string_view);

}  // namespace faas::inline v0::fetch
