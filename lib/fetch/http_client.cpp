// All of Beast that this module instantiates: it is slow to compile.
#include "fetch/http_client.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

namespace faas::inline v0::fetch {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;

constexpr std::size_t kPiece = 256 * 1024;

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

std::string request_head(Url const& url, Request const& request) {
  auto out = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", request.method,
                         request.target, authority(url));
  for (auto const& [name, value] : request.headers) out += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    out += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  return out + "\r\n";
}

class Exchange {
 public:
  Exchange(asio::io_context& io, Url const& url, Request const& request,
           ClientOptions const& options)
      : url_(url), request_(request), options_(options), stream_(io) {}

  asio::awaitable<Result<Response>> run() {
    auto const connected = co_await connect();
    if (!connected) co_return connected.error();
    auto const sent = co_await send_all();
    // A server that refuses a large body answers before it has read it, then closes: its answer
    // counts.
    auto response = co_await receive();
    if (!response && !sent) co_return sent.error();
    co_return response;
  }

 private:
  // Those that may be connected to: nothing is resolved again after the guard has seen them, so
  // that a name cannot change its mind in between (DNS rebinding).
  Result<std::vector<Protocol::endpoint>> resolve() {
    std::vector<Protocol::endpoint> found;
    if (!url_.socket.empty()) {
      if (options_.guard != nullptr) return socket_refused();
      found.emplace_back(asio::local::stream_protocol::endpoint(url_.socket));
      return found;
    }
    error_code error;
    asio::ip::tcp::resolver resolver(stream_.get_executor());
    auto const entries = resolver.resolve(url_.host, url_.port, error);
    if (error) return unreachable(error);
    std::optional<Error> refused;
    for (auto const& entry : entries) {
      auto const passed = guarded(entry.endpoint().address());
      if (passed) {
        found.emplace_back(entry.endpoint());
      } else if (!refused) {
        refused = passed.error();
      }
    }
    if (found.empty() && refused) return *refused;
    return found;
  }

  Result<void> guarded(asio::ip::address const& address) const {
    if (options_.guard == nullptr) return {};
    auto const passed = address.is_v4() ? options_.guard->check(address.to_v4().to_bytes())
                                        : options_.guard->check(address.to_v6().to_bytes());
    if (passed) return {};
    auto error = passed.error();
    error.message = fmt::format("{}: {}", shown(url_), error.message);
    return error;
  }

  asio::awaitable<Result<void>> connect() {
    auto const endpoints = resolve();
    if (!endpoints) co_return endpoints.error();
    error_code error;
    stream_.expires_after(options_.connect_timeout);
    co_await stream_.async_connect(*endpoints, into(error));
    if (error)
      co_return error == beast::error::timeout ? broken("connect", error) : unreachable(error);
    stream_.socket().set_option(asio::ip::tcp::no_delay(true), error);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> send_all() {
    auto const head = request_head(url_, request_);
    std::string_view first = head;
    std::string_view rest = request_.body;
    error_code error;
    do {
      auto const piece = rest.substr(0, kPiece);
      std::array<asio::const_buffer, 2> const buffers{asio::buffer(first.data(), first.size()),
                                                      asio::buffer(piece.data(), piece.size())};
      stream_.expires_after(options_.write_timeout);
      co_await asio::async_write(stream_, buffers, into(error));
      if (error) co_return broken("send", error);
      first = {};
      rest.remove_prefix(piece.size());
      if (request_.on_sent)
        request_.on_sent(request_.body.size() - rest.size(), request_.body.size());
    } while (!rest.empty());
    co_return Result<void>();
  }

  asio::awaitable<Result<Response>> receive() {
    beast::flat_buffer buffer;
    beast::http::response_parser<beast::http::buffer_body> parser;
    parser.body_limit(boost::none);
    parser.header_limit(256 * 1024);
    if (request_.method == "HEAD") parser.skip(true);
    error_code error;
    stream_.expires_after(options_.read_timeout);
    co_await beast::http::async_read_header(stream_, buffer, parser, into(error));
    if (error) co_return broken("receive", error);

    Response response;
    response.status = parser.get().result_int();
    for (auto const& field : parser.get()) {
      response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    bool const hand_on = request_.on_chunk && response.status / 100 == 2;
    std::array<char, 16 * 1024> space;
    while (!parser.is_done()) {
      parser.get().body().data = space.data();
      parser.get().body().size = space.size();
      stream_.expires_after(options_.read_timeout);
      co_await beast::http::async_read_some(stream_, buffer, parser, into(error));
      if (error == beast::http::error::need_buffer) error = {};
      if (error) co_return broken("receive", error);
      std::string_view const piece(space.data(), space.size() - parser.get().body().size);
      if (piece.empty()) continue;
      if (hand_on) {
        if (!request_.on_chunk(piece)) break;
      } else {
        response.body += piece;
        if (response.body.size() > options_.max_response.count) co_return too_large();
      }
    }
    co_return response;
  }

  Error socket_refused() const {
    return {Errc::denied,
            fmt::format("{} is refused: only public addresses are reached, and a Unix socket "
                        "cannot be allowed",
                        shown(url_)),
            "AddressRefused", "address"};
  }
  Error unreachable(error_code error) const {
    return {Errc::unavailable,
            fmt::format("Nothing answers at {}: {}", shown(url_), error.message()), "", "connect"};
  }
  Error broken(std::string_view layer, error_code error) const {
    auto const code = error == beast::error::timeout ? Errc::deadline : Errc::io;
    return {
        code,
        fmt::format("The connection to {} failed ({}): {}", shown(url_), layer, error.message()),
        "", std::string(layer)};
  }
  Error too_large() const {
    return {Errc::too_large,
            fmt::format("The response is larger than {} bytes", options_.max_response.count), "",
            "receive"};
  }

  Url const& url_;
  Request const& request_;
  ClientOptions const& options_;
  beast::basic_stream<Protocol> stream_;
};

}  // namespace

std::string_view Response::header(std::string_view name) const {
  for (auto const& [key, value] : headers) {
    if (beast::iequals(beast::string_view(key), beast::string_view(name.data(), name.size())))
      return value;
  }
  return {};
}

Result<Response> send(Url const& url, Request const& request, ClientOptions const& options) {
  asio::io_context io(1);
  Exchange exchange(io, url, request, options);
  std::optional<Result<Response>> result;
  std::exception_ptr thrown;
  asio::co_spawn(io, exchange.run(), [&](std::exception_ptr e, Result<Response> r) {
    thrown = e;
    if (!e) result = std::move(r);
  });
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

}  // namespace faas::inline v0::fetch
