// The socket of a client: reads and writes that end at a deadline, or when somebody stops it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>

#include "http/message.hpp"

namespace faas::inline v0::http {

// One coroutine reads and writes, one operation at a time, on the socket's executor; any thread may
// stop it. No strand: a request would pay a hop for it at each of its two waits. No timer of an
// operation, either: there is one for the connection, which is moved only when a wait must end
// before it rings, so that a connection that is used pays for it once in its longest wait.
class ClientSocket : public std::enable_shared_from_this<ClientSocket> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit ClientSocket(asio::ip::tcp::socket);

  // 0: the client has ended, `until` has passed (late), or it was stopped.
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer, TimePoint until);
  // Whether there may be room for send(); false as above.
  asio::awaitable<bool> writable(TimePoint until);
  // Whether the last wait ended at its time.
  bool late() const;

  // As much as the kernel takes at once, off the front of both; false: the client is gone.
  bool send(std::string_view& first, std::string_view& second);
  bool peer_left() const;
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
  template <class Begin>
  void begin(TimePoint until, Begin);
  void ring_by(TimePoint);
  void ring();

  mutable std::mutex mutex_;  // of all below; the descriptor is closed by the coroutine alone
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  TimePoint rings_ = TimePoint::max();  // when the timer does
  TimePoint until_{};                   // of the last wait
  bool late_ = false, working_ = false, stopped_ = false;
};

}  // namespace faas::inline v0::http
