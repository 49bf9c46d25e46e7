// What the front end reads and answers, apart from sockets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <faas/access.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faas::inline v0::http {

namespace asio = boost::asio;

struct Header {
  std::string_view name;  // outlives it: a literal
  std::string value;
};

// Of a request: views into the text of its head.
struct HeaderLine {
  std::string_view name, value;
};

// Names compare without case. Empty: no such header.
std::string_view find_header(std::vector<Header> const&, std::string_view name);
std::string_view find_header(std::vector<HeaderLine> const&, std::string_view name);
bool same_without_case(std::string_view, std::string_view);

// Everything a request says before its body; checked by parse_head, into whose text it views.
struct Head {
  std::string_view method;
  std::string_view target;
  std::vector<HeaderLine> headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

// The path split at '/', each segment percent-decoded once: a segment is an opaque token and is
// never used as a path.
struct Target {
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;

  // Nothing: not given. The first one counts.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

// Who asks. Views into the server's access data, which outlives its requests.
struct Identity {
  std::string_view name = "operator";
  std::string_view account = kDefaultAccount;  // of what is named without one
  bool any_account = true;                     // may name others, too
  Principal const* principal = nullptr;        // none: may do everything

  bool may_act_in(std::string_view other) const { return any_account || other == account; }
};

struct Request {
  Head head;
  Target target;
  std::string body;
  std::string_view id;  // x-amzn-RequestId of the answer; the session's
  Identity identity;
  bool secure = false;  // came over TLS
};

// The next bytes; empty: none yet, the peer may be checked; nothing: the end.
using ChunkSource = std::function<asio::awaitable<std::optional<std::string>>()>;

struct Response {
  static constexpr std::size_t kUsualHeaders = 4;

  unsigned status = 200;
  std::vector<Header> headers;
  std::string body;
  ChunkSource chunks;                   // instead of body
  std::optional<std::uint64_t> length;  // of chunks, if known; else sent chunked
  bool endless = false;  // does not count as a request in hand when the server closes

  Response& with(std::string_view name, std::string value) & {
    if (headers.empty()) headers.reserve(kUsualHeaders);
    headers.push_back({name, std::move(value)});
    return *this;
  }
};

Response json_response(unsigned status, std::string body);
Response text_response(unsigned status, std::string body);
Response no_content();

}  // namespace faas::inline v0::http
