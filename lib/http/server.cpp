#include <unistd.h>

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

#include "http/listen.hpp"
#include "http/session.hpp"

namespace faas::inline v0 {
namespace {

using asio::ip::tcp;
using Local = http::LocalProtocol;
using boost::system::error_code;

constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // after EMFILE and its like
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: "
    "close\r\n\r\n";

// What is known of whoever comes to this address.
http::Peer comes_to(tcp::endpoint const& endpoint, bool secure) {
  http::Peer peer;
  peer.local = endpoint.address().is_loopback();
  peer.secure = secure;
  return peer;
}

// As Host names it.
std::string host_of(tcp::endpoint const& endpoint) {
  auto const text = http::host_and_port(endpoint);
  return text.substr(0, text.rfind(':'));
}

}  // namespace

// Members but context are touched on the strand only.
struct HttpServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor e, asio::any_io_executor s, tcp::acceptor a,
       std::optional<Local::acceptor> l, std::shared_ptr<http::Context> c)
      : executor(std::move(e)),
        strand(std::move(s)),
        acceptor(std::move(a)),
        local(std::move(l)),
        emptied(strand),
        context(std::move(c)) {}

  template <class Acceptor>
  static asio::awaitable<void> accept_all(std::shared_ptr<Impl>, Acceptor&, http::Peer);
  static asio::awaitable<void> close(std::shared_ptr<Impl>, Duration patience);
  void start(tcp::socket, http::Peer);
  void start(Local::socket, http::Peer);
  void start_session(http::StreamSocket, http::Peer);
  void close_listeners();
  void ended(std::shared_ptr<http::Session> const&);
  void stop_all(http::Session::Stop);

  asio::any_io_executor executor;
  asio::any_io_executor strand;
  tcp::acceptor acceptor;
  std::optional<Local::acceptor> local;
  asio::steady_timer emptied;  // wakes close() when the last session has gone
  std::set<std::shared_ptr<http::Session>> sessions;
  std::shared_ptr<http::Context> context;
  std::string address;
};

template <class Acceptor>
asio::awaitable<void> HttpServer::Impl::accept_all(std::shared_ptr<Impl> self, Acceptor& acceptor,
                                                   http::Peer peer) {
  while (acceptor.is_open()) {
    typename Acceptor::protocol_type::socket socket(self->executor);
    error_code error;
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (!acceptor.is_open()) break;  // closed since this one came: nobody would close it
    if (!error) {
      self->start(std::move(socket), peer);
    } else if (error != asio::error::operation_aborted) {
      asio::steady_timer pause(self->strand, kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
  }
}

void HttpServer::Impl::start(tcp::socket socket, http::Peer peer) {
  start_session(std::move(socket), std::move(peer));
}

void HttpServer::Impl::start(Local::socket socket, http::Peer peer) {
  auto const uid = http::uid_of(socket);
  if (!uid) return;
  peer.uid = *uid;
  start_session(std::move(socket), std::move(peer));
}

void HttpServer::Impl::start_session(http::StreamSocket socket, http::Peer peer) {
  error_code ignored;
  if (sessions.size() >= context->options.max_connections) {
    socket.non_blocking(true, ignored);
    if (!peer.secure) socket.write_some(asio::buffer(kFull.data(), kFull.size()), ignored);
    return;
  }
  auto const executor_of_session = socket.get_executor();
  auto session = std::make_shared<http::Session>(std::move(socket), context, std::move(peer));
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

void HttpServer::Impl::close_listeners() {
  error_code ignored;
  acceptor.close(ignored);
  if (!local || !local->is_open()) return;
  local->close(ignored);
  ::unlink(context->options.socket.c_str());
}

asio::awaitable<void> HttpServer::Impl::close(std::shared_ptr<Impl> self, Duration patience) {
  error_code ignored;
  self->context->closing = true;
  self->close_listeners();
  self->stop_all(http::Session::Stop::when_idle);
  if (!self->sessions.empty()) {
    self->emptied.expires_after(patience);
    co_await self->emptied.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  self->stop_all(http::Session::Stop::at_once);
}

Result<HttpServer> HttpServer::open(asio::any_io_executor executor, Runtime runtime,
                                    HttpServerOptions options) {
  auto const endpoint = http::endpoint_of(options);
  if (!endpoint) return endpoint.error();
  std::optional<http::TlsContext> tls;
  if (!options.tls.certificate.empty()) {
    auto loaded = http::TlsContext::load(options.tls);
    if (!loaded) return loaded.error();
    tls = std::move(*loaded);
  }
  asio::any_io_executor strand = asio::make_strand(executor);
  auto acceptor = http::listen_on(strand, *endpoint);
  if (!acceptor) return acceptor.error();
  std::optional<Local::acceptor> local;
  if (!options.socket.empty()) {
    auto listening = http::listen_at(strand, options.socket);
    if (!listening) return listening.error();
    local = std::move(*listening);
  }
  auto const bound = acceptor->local_endpoint();
  if (!bound.address().is_unspecified()) options.hosts.push_back(host_of(bound));

  auto host = audit_host(options.runtimes);
  auto const peer = comes_to(bound, tls.has_value());
  auto context = std::make_shared<http::Context>(std::move(runtime), std::move(options),
                                                 std::move(host), std::move(tls));
  auto impl = std::make_shared<Impl>(std::move(executor), strand, std::move(*acceptor),
                                     std::move(local), std::move(context));
  impl->address = http::host_and_port(bound);
  asio::co_spawn(strand, Impl::accept_all(impl, impl->acceptor, peer), asio::detached);
  if (impl->local)
    asio::co_spawn(strand, Impl::accept_all(impl, *impl->local, http::Peer{}), asio::detached);
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
