// The socket of a client: reads and writes that end at a deadline, or when somebody stops it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "http/tls.hpp"

namespace faas::inline v0::http {

using StreamSocket = asio::generic::stream_protocol::socket;

// One coroutine reads and writes, one operation at a time, on the socket's executor; any thread may
// stop it. No strand: a request would pay a hop for it at each of its two waits. No timer of an
// operation, either: there is one for the connection, which is moved only when a wait must end
// before it rings, so that a connection that is used pays for it once in its longest wait.
// With TLS the coroutine alone touches the stream; what it reads and sends here is plain.
class ClientSocket : public std::enable_shared_from_this<ClientSocket> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit ClientSocket(StreamSocket, std::unique_ptr<TlsStream> = nullptr);

  // First of all, with TLS. False: it failed, or as below.
  asio::awaitable<bool> shake_hands(TimePoint until);
  std::string client_certificate() const { return tls_->client_certificate(); }

  // 0: the client has ended, `until` has passed (late), or it was stopped.
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer, TimePoint until);
  // Whether there may be room for send(); false as above.
  asio::awaitable<bool> writable(TimePoint until);
  // Whether the last wait ended at its time.
  bool late() const;

  // As much as the kernel takes at once, off the front of both; false: the client is gone.
  bool send(std::string_view& first, std::string_view& second);
  bool peer_left();
  void end_writing();

  // Nothing is lost if it stops now; so from the start.
  void rest();
  // Something is. False: it was stopped before.
  bool work();
  bool stopped() const;

  enum class Stop { resting, at_once };
  // Any thread. What waits ends, and nothing waits any more. resting: not one that works.
  void stop(Stop);

  // By the coroutine, at last.
  void close();

 private:
  asio::awaitable<std::size_t> receive(asio::mutable_buffer, TimePoint until);
  asio::awaitable<std::size_t> receive_tls(asio::mutable_buffer, TimePoint until);
  asio::awaitable<bool> feed_tls(TimePoint until);
  asio::awaitable<bool> flush_tls(TimePoint until);
  bool send_now(std::string_view& first, std::string_view& second);
  bool send_tls(std::string_view& first, std::string_view& second);
  bool push_tls();

  template <class Begin>
  void begin(TimePoint until, Begin);
  void ring_by(TimePoint);
  void ring();

  mutable std::mutex mutex_;  // of all below; the descriptor is closed by the coroutine alone
  StreamSocket socket_;
  asio::steady_timer timer_;
  TimePoint rings_ = TimePoint::max();  // when the timer does
  TimePoint until_{};                   // of the last wait
  bool late_ = false, working_ = false, stopped_ = false;

  std::unique_ptr<TlsStream> tls_;  // none: plain
  std::vector<char> cipher_;        // what was read last
  std::size_t owed_ = 0;            // bytes at the front that are encrypted, but not sent yet
};

}  // namespace faas::inline v0::http
