#include "http/client_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace faas::inline v0::http {

using boost::system::error_code;

namespace {

constexpr std::size_t kCipherSize = 16 * 1024;
constexpr std::size_t kTlsStep = 256 * 1024;  // encrypted at once
constexpr std::size_t kTlsAhead = 64 * 1024;  // read ahead, at most, to see whether the peer left

void take(std::string_view& bytes, std::size_t& count) {
  auto const taken = std::min(bytes.size(), count);
  bytes.remove_prefix(taken);
  count -= taken;
}

iovec part(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

ClientSocket::ClientSocket(StreamSocket socket, std::unique_ptr<TlsStream> tls)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), tls_(std::move(tls)) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

asio::awaitable<bool> ClientSocket::shake_hands(TimePoint until) {
  for (;;) {
    auto const step = tls_->shake_hands();
    bool const told = co_await flush_tls(until);  // of a failure, too
    if (!told || step == TlsStream::Step::over) co_return false;
    if (step == TlsStream::Step::done) co_return true;
    bool const fed = co_await feed_tls(until);
    if (!fed) co_return false;
  }
}

asio::awaitable<std::size_t> ClientSocket::read_some(asio::mutable_buffer to, TimePoint until) {
  return tls_ ? receive_tls(to, until) : receive(to, until);
}

asio::awaitable<std::size_t> ClientSocket::receive_tls(asio::mutable_buffer to, TimePoint until) {
  std::span<char> const into(static_cast<char*>(to.data()), to.size());
  for (;;) {
    auto const plain = tls_->decrypt(into);
    bool const told = co_await flush_tls(until);
    if (plain.step != TlsStream::Step::starved || !told) co_return plain.count;
    bool const fed = co_await feed_tls(until);
    if (!fed) co_return 0;
  }
}

asio::awaitable<bool> ClientSocket::feed_tls(TimePoint until) {
  cipher_.resize(kCipherSize);
  auto const count = co_await receive(asio::buffer(cipher_), until);
  tls_->feed(std::span<char const>(cipher_).first(count));
  co_return count > 0;
}

asio::awaitable<bool> ClientSocket::flush_tls(TimePoint until) {
  for (;;) {
    if (!push_tls()) co_return false;
    if (tls_->pending().empty()) co_return true;
    bool const room = co_await writable(until);
    if (!room) co_return false;
  }
}

// As much as the kernel takes at once; false: the client is gone.
bool ClientSocket::push_tls() {
  auto left = tls_->pending();
  auto const size = left.size();
  std::string_view nothing;
  bool const there = send_now(left, nothing);
  tls_->sent(size - left.size());
  return there;
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

asio::awaitable<std::size_t> ClientSocket::receive(asio::mutable_buffer to, TimePoint until) {
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
  return tls_ ? send_tls(first, second) : send_now(first, second);
}

// What was encrypted must be sent before anything else; only then has it left the front.
bool ClientSocket::send_tls(std::string_view& first, std::string_view& second) {
  for (;;) {
    if (!push_tls()) return false;
    if (!tls_->pending().empty()) return true;
    take(first, owed_);
    take(second, owed_);
    if (first.empty() && second.empty()) return true;
    auto const head = first.substr(0, kTlsStep);
    auto const body = head.size() < first.size() ? std::string_view() : second.substr(0, kTlsStep);
    if (!tls_->encrypt(head) || !tls_->encrypt(body)) return false;
    owed_ = head.size() + body.size();
  }
}

bool ClientSocket::send_now(std::string_view& first, std::string_view& second) {
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

bool ClientSocket::peer_left() {
  char byte = 0;
  auto const fd = socket_.native_handle();
  if (!tls_) return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  // It says goodbye before it goes, so the end of the stream comes behind bytes.
  if (tls_->ended()) return true;
  if (tls_->unread() > kTlsAhead) return false;
  cipher_.resize(kCipherSize);
  auto const count = ::recv(fd, cipher_.data(), cipher_.size(), MSG_DONTWAIT);
  if (count > 0) tls_->feed(std::span<char const>(cipher_).first(static_cast<std::size_t>(count)));
  return count == 0 || tls_->ended();
}

void ClientSocket::end_writing() {
  if (tls_) {
    tls_->say_goodbye();
    push_tls();
  }
  std::lock_guard lock(mutex_);
  error_code ignored;
  socket_.shutdown(StreamSocket::shutdown_send, ignored);
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
  socket_.shutdown(StreamSocket::shutdown_both, ignored);
}

void ClientSocket::close() {
  std::lock_guard lock(mutex_);
  if (tls_ && socket_.is_open() && !stopped_) {
    tls_->say_goodbye();
    push_tls();
  }
  stopped_ = true;
  timer_.cancel();
  error_code ignored;
  socket_.shutdown(StreamSocket::shutdown_both, ignored);
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
