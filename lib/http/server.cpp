#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <faas/http_server.hpp>
#include <set>

#include "http/session.hpp"

namespace faas::inline v0 {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // after EMFILE and its like
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: "
    "close\r\n\r\n";

Result<tcp::endpoint> loopback_endpoint(HttpServerOptions const& options) {
  error_code error;
  auto const address =
      asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is not an IP address to listen on", options.address), "",
                 "http"};
  }
  if (!address.is_loopback()) {
    return Error{Errc::denied,
                 fmt::format("Listening on {} is refused: without sign-in anyone who reaches the "
                             "port could run code. "
                             "Listen on 127.0.0.1 or [::1].",
                             options.address),
                 "NotLoopback", "http"};
  }
  return tcp::endpoint(address, options.port);
}

std::string host_and_port(tcp::endpoint const& endpoint) {
  auto const host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
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

Result<tcp::acceptor> listen(asio::any_io_executor const& executor, tcp::endpoint const& endpoint) {
  tcp::acceptor acceptor(executor);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(endpoint, error);
  return acceptor;
}

}  // namespace

// Members but context are touched on the strand only.
struct HttpServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor e, asio::any_io_executor s, tcp::acceptor a,
       std::shared_ptr<http::Context> c)
      : executor(std::move(e)),
        strand(std::move(s)),
        acceptor(std::move(a)),
        emptied(strand),
        context(std::move(c)) {}

  static asio::awaitable<void> accept_all(std::shared_ptr<Impl>);
  static asio::awaitable<void> close(std::shared_ptr<Impl>, Duration patience);
  void start(tcp::socket);
  void ended(std::shared_ptr<http::Session> const&);
  void stop_all(http::Session::Stop);

  asio::any_io_executor executor;
  asio::any_io_executor strand;
  tcp::acceptor acceptor;
  asio::steady_timer emptied;  // wakes close() when the last session has gone
  std::set<std::shared_ptr<http::Session>> sessions;
  std::shared_ptr<http::Context> context;
  std::string address;
};

asio::awaitable<void> HttpServer::Impl::accept_all(std::shared_ptr<Impl> self) {
  while (self->acceptor.is_open()) {
    tcp::socket socket(self->executor);
    error_code error;
    co_await self->acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (!self->acceptor.is_open()) break;  // closed since this one came: nobody would close it
    if (!error) {
      self->start(std::move(socket));
    } else if (error != asio::error::operation_aborted) {
      asio::steady_timer pause(self->strand, kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
  }
}

void HttpServer::Impl::start(tcp::socket socket) {
  error_code ignored;
  if (sessions.size() >= context->options.max_connections) {
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kFull.data(), kFull.size()), ignored);
    return;
  }
  auto const executor_of_session = socket.get_executor();
  auto session = std::make_shared<http::Session>(std::move(socket), context);
  sessions.insert(session);
  asio::co_spawn(executor_of_session, session->run(),
                 [self = shared_from_this(), session](std::exception_ptr) {
                   asio::post(self->strand, [self, session] { self->ended(session); });
                 });
}

void HttpServer::Impl::ended(std::shared_ptr<http::Session> const& session) {
  sessions.erase(session);
  if (sessions.empty()) emptied.cancel();
}

void HttpServer::Impl::stop_all(http::Session::Stop how) {
  for (auto const& session : sessions) session->stop(how);
}

asio::awaitable<void> HttpServer::Impl::close(std::shared_ptr<Impl> self, Duration patience) {
  error_code ignored;
  self->context->closing = true;
  self->acceptor.close(ignored);
  self->stop_all(http::Session::Stop::when_idle);
  if (!self->sessions.empty()) {
    self->emptied.expires_after(patience);
    co_await self->emptied.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  self->stop_all(http::Session::Stop::at_once);
}

Result<HttpServer> HttpServer::open(asio::any_io_executor executor, Runtime runtime,
                                    HttpServerOptions options) {
  auto const endpoint = loopback_endpoint(options);
  if (!endpoint) return endpoint.error();
  asio::any_io_executor strand = asio::make_strand(executor);
  auto acceptor = listen(strand, *endpoint);
  if (!acceptor) return acceptor.error();
  auto const bound = acceptor->local_endpoint();

  auto host = audit_host(options.runtimes);
  auto context =
      std::make_shared<http::Context>(std::move(runtime), std::move(options), std::move(host));
  auto impl =
      std::make_shared<Impl>(std::move(executor), strand, std::move(*acceptor), std::move(context));
  impl->address = host_and_port(bound);
  asio::co_spawn(strand, Impl::accept_all(impl), asio::detached);
  return HttpServer(std::move(impl));
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;

HttpServer& HttpServer::operator=(HttpServer&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

HttpServer::~HttpServer() {
  if (impl_) asio::co_spawn(impl_->strand, Impl::close(impl_, Duration::zero()), asio::detached);
}

std::string HttpServer::address() const { return impl_->address; }

void HttpServer::set_ready(bool ready) { impl_->context->ready = ready; }

asio::awaitable<void> HttpServer::close(Duration patience) {
  return asio::co_spawn(impl_->strand, Impl::close(impl_, patience), asio::use_awaitable);
}

}  // namespace faas::inline v0
