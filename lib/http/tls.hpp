// TLS over OpenSSL, of a server and of one of its connections. No sockets here: bytes in, bytes
// out.
#pragma once

#include <cstddef>
#include <faas/http_server.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace faas::inline v0::http {

// TLS 1.2 and 1.3, no renegotiation, sessions resumed from memory only. Thread-safe once loaded.
class TlsContext {
 public:
  // Errors: invalid_argument; the message names the file.
  static Result<TlsContext> load(TlsOptions const&);

 private:
  friend class TlsStream;
  struct Free {
    void operator()(ssl_ctx_st*) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

// The server's end of a connection. What it has to say to the client is in pending() after any call
// and stays there until sent().
class TlsStream {
 public:
  explicit TlsStream(TlsContext const&);

  enum class Step { done, starved, over };  // starved: feed it first

  void feed(std::span<char const> from_client);
  std::size_t unread() const;  // of what it was fed

  Step shake_hands();
  // What came, decrypted. over: the client has ended, or broke the protocol.
  struct Plain {
    Step step;
    std::size_t count = 0;  // of done: at least 1
  };
  Plain decrypt(std::span<char> into);
  bool ended();  // whether decrypt would say over, had everything before been read

  bool encrypt(std::string_view);
  void say_goodbye();

  std::string_view pending() const;
  void sent(std::size_t bytes);

  // SHA-256 of the certificate that the client showed and that was verified; empty: none.
  std::string client_certificate() const;

 private:
  struct Free {
    void operator()(ssl_st*) const;
  };
  Step step_of(int result);

  std::unique_ptr<ssl_st, Free> ssl_;
};

}  // namespace faas::inline v0::http
