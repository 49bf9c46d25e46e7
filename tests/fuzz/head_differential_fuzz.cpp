// DEPS: contract base
// Our head scanner and body decoder beside Beast's parser: whatever we accept, Beast must read in
// the same way. (The reverse is not asked: we refuse more.)
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "contract/body_decoder.hpp"
#include "contract/head_scanner.hpp"

namespace {

namespace http = boost::beast::http;
using namespace faas::contract;

struct Request {
  std::string method, target, body;
  int minor_version = 0;
  bool keep_alive = false;
  std::size_t fields = 0;
  std::size_t size = 0;  // bytes of the input it took
};

bool mentions(std::string_view text, std::string_view lower_case) {
  auto const same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return std::search(text.begin(), text.end(), lower_case.begin(), lower_case.end(), same) !=
         text.end();
}

// The first request of the input as we read it, if it is whole and we accept it.
std::optional<Request> read_ours(std::string_view input) {
  HeadScanner scanner;
  if (scanner.scan(input) != HeadScanner::Status::complete) return std::nullopt;
  auto const& head = scanner.head();
  Request request{std::string(head.method), std::string(head.target), {},
                  head.minor_version,       head.keep_alive,          head.fields.size()};
  auto rest = input.substr(scanner.size());
  BodyDecoder decoder;
  decoder.start(head.framing, head.content_length);
  for (;;) {
    auto const step = decoder.next(rest);
    if (step.status == BodyDecoder::Status::complete) break;
    if (step.status != BodyDecoder::Status::data) return std::nullopt;
    request.body.append(step.data);
  }
  request.size = input.size() - rest.size();
  // Beast reads Proxy-Connection as if it were Connection, in trailers too; it means nothing to a
  // server.
  if (mentions(input.substr(0, request.size), "proxy-connection")) return std::nullopt;
  return request;
}

void compare(std::string_view input, Request const& ours) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());
  parser.body_limit(boost::none);
  boost::beast::error_code error;
  std::size_t used = 0;
  while (!parser.is_done()) {
    auto const rest = input.substr(used);
    auto const taken = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    used += taken;
    FAAS_CHECK(!error || (error == http::error::need_more && taken > 0));
  }
  auto const& theirs = parser.get();
  FAAS_CHECK(used == ours.size);
  FAAS_CHECK(std::string_view(theirs.method_string().data(), theirs.method_string().size()) ==
             ours.method);
  FAAS_CHECK(std::string_view(theirs.target().data(), theirs.target().size()) == ours.target);
  FAAS_CHECK(theirs.version() == 10U + static_cast<unsigned>(ours.minor_version));
  // The parser, not the message: that one looks at the first Connection field only.
  // In HTTP/1.0 Beast lets keep-alive win over close; RFC 9112, 9.3, says that close does.
  bool const close_wins =
      ours.minor_version == 0 && !ours.keep_alive && mentions(input.substr(0, ours.size), "close");
  FAAS_CHECK(parser.keep_alive() == ours.keep_alive || close_wins);
  FAAS_CHECK(theirs.body() == ours.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const input(reinterpret_cast<char const*>(data), size);
  if (auto const ours = read_ours(input)) compare(input, *ours);
  return 0;
}
