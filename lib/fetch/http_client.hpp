// A small blocking HTTP/1.1 client over plain TCP: one connection a request.
#pragma once

#include <cstdint>
#include <faas/error.hpp>
#include <faas/units.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fetch/address_guard.hpp"
#include "fetch/url.hpp"

namespace faas::inline v0::fetch {

struct Request {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Called as the body goes out, with its size; the last call says all of it.
  std::function<void(std::uint64_t sent, std::uint64_t total)> on_sent;
  // Takes the body of a 2xx response as it arrives, instead of Response::body. False: enough, stop
  // here.
  std::function<bool(std::string_view)> on_chunk;
};

struct Response {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // Names compare without case. Empty: no such header.
  std::string_view header(std::string_view name) const;
};

struct ClientOptions {
  Duration connect_timeout = std::chrono::seconds(5);
  Duration write_timeout = std::chrono::seconds(20);  // for each piece of the body
  Duration read_timeout =
      std::chrono::seconds(960);  // between bytes; longer than Lambda's longest function
  Bytes max_response{64 << 20};   // kept in memory; on_chunk is not limited
  // Null: any address. Borrowed for the call. Of those that the host's name resolves to, once, only
  // the ones that it lets pass are connected to; no Unix socket is.
  AddressGuard const* guard = nullptr;
};

// Blocks the calling thread; no other thread is made. Errors: unavailable (nobody listens there, or
// the name does not resolve), deadline (a timeout; layer "connect", "send" or "receive"), io (the
// connection broke), too_large (the response), denied (the guard, reason "AddressRefused"). A
// response of any status is not an error; a redirect is one of them, and is never followed.
Result<Response> send(Url const&, Request const&, ClientOptions const& = {});

}  // namespace faas::inline v0::fetch
