#include "http/client_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace faas::inline v0::http {

using boost::system::error_code;

namespace {

void take(std::string_view& bytes, std::size_t& count) {
  auto const taken = std::min(bytes.size(), count);
  bytes.remove_prefix(taken);
  count -= taken;
}

iovec part(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

ClientSocket::ClientSocket(asio::ip::tcp::socket socket)
    : socket_(std::move(socket)), timer_(socket_.get_executor()) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

// `start` begins an operation of the socket; it is given one that has ended if it was stopped.
template <class Begin>
void ClientSocket::begin(TimePoint until, Begin start) {
  std::lock_guard lock(mutex_);
  until_ = until;
  late_ = false;
  if (!stopped_ && until < rings_) ring_by(until);
  start(stopped_);
}

asio::awaitable<std::size_t> ClientSocket::read_some(asio::mutable_buffer to, TimePoint until) {
  return asio::async_initiate<asio::use_awaitable_t<> const, void(std::size_t)>(
      [](auto handler, ClientSocket* self, asio::mutable_buffer into, TimePoint end) {
        auto done = [handler = std::move(handler)](error_code error, std::size_t count) mutable {
          std::move(handler)(error ? 0 : count);
        };
        self->begin(end, [&](bool stopped) {
          if (!stopped) return self->socket_.async_read_some(into, std::move(done));
          asio::post(self->socket_.get_executor(),
                     [done = std::move(done)]() mutable { done({}, 0); });
        });
      },
      asio::use_awaitable, this, to, until);
}

asio::awaitable<bool> ClientSocket::writable(TimePoint until) {
  return asio::async_initiate<asio::use_awaitable_t<> const, void(bool)>(
      [](auto handler, ClientSocket* self, TimePoint end) {
        auto done = [handler = std::move(handler)](error_code error) mutable {
          std::move(handler)(!error);
        };
        self->begin(end, [&](bool stopped) {
          if (!stopped)
            return self->socket_.async_wait(asio::socket_base::wait_write, std::move(done));
          asio::post(self->socket_.get_executor(),
                     [done = std::move(done)]() mutable { done(asio::error::operation_aborted); });
        });
      },
      asio::use_awaitable, this, until);
}

bool ClientSocket::late() const {
  std::lock_guard lock(mutex_);
  return late_;
}

bool ClientSocket::send(std::string_view& first, std::string_view& second) {
  while (!first.empty() || !second.empty()) {
    std::array parts{part(first), part(second)};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    auto const sent = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    auto count = static_cast<std::size_t>(sent);
    take(first, count);
    take(second, count);
  }
  return true;
}

bool ClientSocket::peer_left() const {
  char byte = 0;
  auto const fd = const_cast<asio::ip::tcp::socket&>(socket_).native_handle();
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void ClientSocket::end_writing() {
  std::lock_guard lock(mutex_);
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void ClientSocket::rest() {
  std::lock_guard lock(mutex_);
  working_ = false;
}

bool ClientSocket::work() {
  std::lock_guard lock(mutex_);
  working_ = !stopped_;
  return working_;
}

bool ClientSocket::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

void ClientSocket::stop(Stop how) {
  std::lock_guard lock(mutex_);
  if (stopped_ || (how == Stop::resting && working_)) return;
  stopped_ = true;
  error_code ignored;
  socket_.cancel(ignored);
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

void ClientSocket::close() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_.cancel();
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void ClientSocket::ring_by(TimePoint when) {
  rings_ = when;
  timer_.expires_at(when);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->ring();
  });
}

// What ended meanwhile is not hurt: nothing waits, or it has its own time.
void ClientSocket::ring() {
  std::lock_guard lock(mutex_);
  rings_ = TimePoint::max();
  if (stopped_) return;
  if (until_ > std::chrono::steady_clock::now()) return ring_by(until_);
  late_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

}  // namespace faas::inline v0::http
