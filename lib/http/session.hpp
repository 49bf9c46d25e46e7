// One client connection: requests in, responses out, one after the other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "http/api.hpp"
#include "http/client_socket.hpp"

namespace faas::inline v0::http {

// Timers and their reasons: a TLS handshake and a head must each come within 10 s (slow-header
// attacks), a body may pause 20 s and must keep up 1 KB/s after 5 s, an idle connection is kept 60
// s.
class Session {
 public:
  // A secure peer is spoken to in TLS; its certificate is found out here.
  Session(StreamSocket, std::shared_ptr<Context>, Peer = {});
  ~Session();

  // Serves until the connection is over. Run on the socket's executor, which needs no strand: one
  // thing is done after the other. Keeps the session alive.
  asio::awaitable<void> run();

  enum class Stop { when_idle, at_once };
  // Any thread. when_idle: the request in hand is finished first, unless its answer is endless.
  void stop(Stop);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace faas::inline v0::http
