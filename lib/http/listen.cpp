#include "http/listen.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

#include <algorithm>

namespace faas::inline v0::http {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kPathLimit = 107;  // of sun_path, less its zero
constexpr mode_t kSocketMode = 0660;

Error denied(std::string message, std::string reason) {
  return {Errc::denied, std::move(message), std::move(reason), "http"};
}

Error contradiction(std::string message) {
  return {Errc::invalid_argument, std::move(message), "", "http"};
}

// Beyond loopback: who may come at all, and who listens on the way.
Result<void> may_reach_out(HttpServerOptions const& options) {
  if (!options.access) {
    return denied(fmt::format("Listening on {} is refused: without sign-in anyone who reaches the "
                              "port could run code. Listen on 127.0.0.1 or [::1], or say who may "
                              "come (faasd serve --access FILE; `faasd key new` makes an entry).",
                              options.address),
                  "NotLoopback");
  }
  if (options.tls.certificate.empty() && !options.insecure_http) {
    return denied(
        fmt::format("Listening on {} without TLS is refused: keys and payloads would go in the "
                    "clear. Give --tls-certificate and --tls-key, or accept that with "
                    "--insecure-http.",
                    options.address),
        "PlainHttp");
  }
  return {};
}

Result<void> consistent(HttpServerOptions const& options) {
  auto const& tls = options.tls;
  if (tls.certificate.empty() != tls.key.empty())
    return contradiction("A TLS certificate and its key go together: give both or neither.");
  if (tls.certificate.empty() && !tls.client_ca.empty())
    return contradiction("A client CA means something with a TLS certificate and key only.");
  if (!options.access) return {};
  if (auto r = check_access(*options.access); !r) return r;
  bool const certificates = std::ranges::any_of(
      options.access->principals, [](auto const& p) { return !p.certificate_sha256.empty(); });
  if (certificates && tls.client_ca.empty()) {
    return contradiction(
        "The access data names a client certificate, but clients are asked for none: give a client "
        "CA (--tls-client-ca FILE).");
  }
  return {};
}

Error listen_error(tcp::endpoint const& endpoint, error_code error) {
  auto const where = host_and_port(endpoint);
  if (error == asio::error::address_in_use) {
    return {
        Errc::conflict,
        fmt::format("The port {} is in use by another process. Stop it, or listen on another port.",
                    where),
        "AddressInUse", "http"};
  }
  return {Errc::io, fmt::format("Listening on {} failed: {}", where, error.message()), "", "http"};
}

Error socket_taken(std::string const& path, std::string_view by) {
  return {Errc::conflict,
          fmt::format("The socket {} cannot be made: {}. Stop it, or name another path.", path, by),
          "AddressInUse", "http"};
}

// Removes what a server that was killed left behind.
Result<void> clear_stale(asio::any_io_executor const& executor, std::string const& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};  // bind says what is wrong, if anything is
  if (!S_ISSOCK(info.st_mode)) return socket_taken(path, "a file that is no socket is there");
  LocalProtocol::socket probe(executor);
  error_code error;
  probe.connect(LocalProtocol::endpoint(path), error);
  if (error == asio::error::connection_refused) ::unlink(path.c_str());
  if (!error) return socket_taken(path, "another process listens there");
  return {};
}

}  // namespace

Result<tcp::endpoint> endpoint_of(HttpServerOptions const& options) {
  error_code error;
  auto const address =
      asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is not an IP address to listen on", options.address), "",
                 "http"};
  }
  if (auto r = consistent(options); !r) return r.error();
  if (!address.is_loopback()) {
    if (auto r = may_reach_out(options); !r) return r.error();
  }
  bool const any_host = std::ranges::find(options.hosts, "*") != options.hosts.end();
  if (any_host && !(options.access && options.require_sign_in)) {
    return denied(
        "Answering to every name (--host '*') is refused where local clients need not sign in: any "
        "web page, and all whom a proxy lets through, would be the operator. Name the hosts, or "
        "give --access and --require-sign-in.",
        "AnyHost");
  }
  return tcp::endpoint(address, options.port);
}

std::string host_and_port(tcp::endpoint const& endpoint) {
  auto const host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

Result<tcp::acceptor> listen_on(asio::any_io_executor const& executor,
                                tcp::endpoint const& endpoint) {
  tcp::acceptor acceptor(executor);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(endpoint, error);
  return acceptor;
}

Result<LocalProtocol::acceptor> listen_at(asio::any_io_executor const& executor,
                                          std::string const& path) {
  if (path.size() > kPathLimit) {
    return contradiction(fmt::format(
        "The socket path {} has {} bytes; the kernel's limit is {}. Name a shorter one.", path,
        path.size(), kPathLimit));
  }
  if (auto r = clear_stale(executor, path); !r) return r.error();
  LocalProtocol::acceptor acceptor(executor);
  error_code error;
  acceptor.open(LocalProtocol(), error);
  if (!error) acceptor.bind(LocalProtocol::endpoint(path), error);
  // Before listen(): until then nobody gets in.
  if (!error && ::chmod(path.c_str(), kSocketMode) != 0)
    error = error_code(errno, boost::system::system_category());
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{Errc::io, fmt::format("Listening on {} failed: {}", path, error.message()), "",
                 "http"};
  }
  return acceptor;
}

Result<std::uint32_t> uid_of(LocalProtocol::socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return Error{Errc::io, "the peer of a Unix socket is not known", "", "http"};
  return peer.uid;
}

}  // namespace faas::inline v0::http
