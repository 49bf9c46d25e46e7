// Where a server may listen, and how it does.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <faas/http_server.hpp>
#include <string>

namespace faas::inline v0::http {

namespace asio = boost::asio;
using LocalProtocol = asio::local::stream_protocol;

// Errors: invalid_argument (no address; contradictions in the options), denied (NotLoopback,
// PlainHttp).
Result<asio::ip::tcp::endpoint> endpoint_of(HttpServerOptions const&);

// "127.0.0.1:9000"
std::string host_and_port(asio::ip::tcp::endpoint const&);

// Errors: conflict (AddressInUse), io.
Result<asio::ip::tcp::acceptor> listen_on(asio::any_io_executor const&,
                                          asio::ip::tcp::endpoint const&);

// A socket file that nobody answers at is replaced. Errors: conflict (somebody answers, or it is
// another kind of file), invalid_argument (longer than 107 bytes), io.
Result<LocalProtocol::acceptor> listen_at(asio::any_io_executor const&, std::string const& path);

// The uid at the other end. Error: io.
Result<std::uint32_t> uid_of(LocalProtocol::socket&);

}  // namespace faas::inline v0::http
