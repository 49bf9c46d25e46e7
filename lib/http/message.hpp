// What the front end reads and answers, apart from sockets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faas::inline v0::http {

namespace asio = boost::asio;

struct Header {
  std::string name;
  std::string value;
};

// Names compare without case. Empty: no such header.
std::string_view find_header(std::vector<Header> const&, std::string_view name);
bool same_without_case(std::string_view, std::string_view);

// Everything a request says before its body; checked by parse_head.
struct Head {
  std::string method;
  std::string target;
  std::vector<Header> headers;
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

struct Request {
  Head head;
  Target target;
  std::string body;
  std::string id;  // x-amzn-RequestId of the answer
};

// The next bytes; empty: none yet, the peer may be checked; nothing: the end.
using ChunkSource = std::function<asio::awaitable<std::optional<std::string>>()>;

struct Response {
  unsigned status = 200;
  std::vector<Header> headers;
  std::string body;
  ChunkSource chunks;                   // instead of body
  std::optional<std::uint64_t> length;  // of chunks, if known; else sent chunked
  bool endless = false;  // does not count as a request in hand when the server closes

  Response& with(std::string name, std::string value) & {
    headers.push_back({std::move(name), std::move(value)});
    return *this;
  }
};

Response json_response(unsigned status, std::string body);
Response text_response(unsigned status, std::string body);

}  // namespace faas::inline v0::http
