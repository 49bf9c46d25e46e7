// The server over TLS: what a client of OpenSSL meets, and who speaks something else.
#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <csignal>
#include <thread>

#include "http/certificates.hpp"
#include "http/serving.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// A client that trusts everybody, over a socket; blocking.
class TlsWire {
 public:
  explicit TlsWire(Serving const& serving, Identification const* who = nullptr)
      : context_(SSL_CTX_new(TLS_client_method())), socket_(io_) {
    if (who != nullptr) {
      SSL_CTX_use_certificate_file(context_.get(), who->certificate.c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context_.get(), who->key.c_str(), SSL_FILETYPE_PEM);
    }
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    socket_.connect(serving.endpoint());
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.native_handle());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  bool connected() const { return connected_; }
  SSL* ssl() { return ssl_.get(); }

  TlsWire& write(std::string_view text) {
    if (connected_) SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    return *this;
  }
  std::string read_until(std::string_view what) {
    std::array<char, 16'384> piece;
    while (connected_ && text_.find(what) == std::string::npos) {
      auto const count = SSL_read(ssl_.get(), piece.data(), static_cast<int>(piece.size()));
      if (count <= 0) break;
      text_.append(piece.data(), static_cast<std::size_t>(count));
    }
    return std::exchange(text_, {});
  }
  // Until the server says goodbye.
  std::string read_all() { return read_until("\x01 never"); }
  bool ended_well() { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  asio::io_context io_;
  std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX, SSL_CTX_free>> context_;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL, FreeWith<SSL, SSL_free>> ssl_;
  bool connected_ = false;
  std::string text_;
};

struct Secure {
  Authority authority{"authority"};
  HttpServerOptions options;

  explicit Secure(bool ask_clients = false) {
    auto const who = authority.issue("localhost");
    options.tls = {who.certificate, who.key, ask_clients ? authority.certificate() : ""};
  }
};

std::string post(std::string const& headers, std::string const& body) {
  return "POST /function/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

}  // namespace

TEST_CASE("over TLS requests of all sizes are answered, one after the other") {
  Secure secure;
  Serving serving(secure.options);
  serving.deploy_echo("echo");
  TlsWire wire(serving);
  REQUIRE(wire.connected());
  for (auto const size : {0, 1, 100, 16'000, 17'000, 300'000, 6'000'000}) {
    CAPTURE(size);
    std::string const body(static_cast<std::size_t>(size), 'x');
    auto const answer = wire.write(post("", body)).read_until("\r\n\r\n" + body);
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    CHECK(answer.ends_with("\r\n\r\n" + body));
  }
  CHECK(wire.write(post("Connection: close\r\n", "{}")).read_all().ends_with("{}"));
  CHECK(wire.ended_well());
}

TEST_CASE("over TLS a slow reader gets all of it") {
  Secure secure;
  Serving serving(secure.options);
  serving.deploy("large", [](HostCall) -> asio::awaitable<std::string> {
    std::string text(6'000'000, 'a');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
    co_return text;
  });
  TlsWire wire(serving);
  wire.write(
      "POST /function/large HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // its buffers fill
  auto const answer = wire.read_all();
  auto const body = answer.substr(answer.find("\r\n\r\n") + 4);
  REQUIRE(body.size() == 6'000'000);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < body.size(); ++i) wrong += body[i] != static_cast<char>('a' + i % 23);
  CHECK(wrong == 0);
}

TEST_CASE("over TLS chunks come and go, and a follower that leaves is noticed") {
  Secure secure;
  Serving serving(secure.options);
  serving.deploy_echo("echo");
  TlsWire chunked(serving);
  chunked.write(
      "POST /function/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
      "Connection: close\r\n\r\n5\r\nhello\r\n");
  chunked.write("0\r\n\r\n");
  CHECK(chunked.read_all().ends_with("\r\n\r\nhello"));

  HttpServerOptions one = secure.options;
  one.max_connections = 1;
  Serving small(one);
  small.deploy_echo("echo");
  TlsWire follower(small);
  follower.write("GET /faas/v1/functions/echo/logs?follow=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  follower.read_until("\r\n\r\n");
  SSL_shutdown(follower.ssl());    // a goodbye; the socket stays open
  for (int i = 0; i < 100; ++i) {  // until the server has seen it go
    TlsWire next(small);
    if (next.connected() && next.write(post("", "{}")).read_until("{}").ends_with("{}")) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  FAIL("nobody is let in again");
}

TEST_CASE("plain HTTP at a TLS port is closed without an answer") {
  Secure secure;
  Serving serving(secure.options);
  Wire wire(serving);
  wire.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(wire.read_all().find("HTTP/") == std::string::npos);
}

TEST_CASE("a handshake that is fed slowly ends after ten seconds") {
  Secure secure;
  Serving serving(secure.options);
  Wire silent(serving), slow(serving);
  slow.write(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  bool cut = false;
  std::thread trickle([&] {
    try {
      for (int i = 0; i < 120; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        slow.write(std::string_view("\x00", 1));
      }
    } catch (boost::system::system_error const&) {
      cut = true;
    }
  });
  CHECK(silent.read_all().find("HTTP/") == std::string::npos);
  CHECK(slow.read_all().find("HTTP/") == std::string::npos);
  trickle.join();
  CHECK(cut);
}

TEST_CASE("with mutual TLS a certificate says who calls") {
  Secure secure(true);
  auto const known = secure.authority.issue("known");
  auto const unknown = secure.authority.issue("unknown");
  Authority other("other");
  auto const foreign = other.issue("known");
  Principal caller;
  caller.name = "caller";
  caller.account = "111122223333";
  caller.certificate_sha256 = known.sha256;
  caller.allow = {{{"hello"}, {"lambda:InvokeFunction"}}};
  secure.options.access = Access{{caller}};
  Serving serving(secure.options);
  Function function;
  function.name = FunctionName(caller.account, "hello");
  HostCallable const callable = [](HostCall) -> asio::awaitable<std::string> {
    co_return "\"hello\"";
  };
  REQUIRE(serving.wait(serving.runtime().deploy(std::move(function), callable)));
  auto const call = [&](Identification const* who) {
    TlsWire wire(serving, who);
    return wire
        .write(
            "POST /function/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n")
        .read_all();
  };
  CHECK(call(&known).ends_with("\"hello\""));
  CHECK(call(&unknown).starts_with("HTTP/1.1 403 "));
  CHECK(call(&foreign).empty());
  CHECK(call(nullptr).empty());
}

TEST_CASE("a server with TLS names packages by https") {
  Secure secure;
  Serving serving(secure.options);
  serving.deploy_echo("echo");
  TlsWire wire(serving);
  wire.write(
      "GET /2015-03-31/functions/echo HTTP/1.1\r\nHost: localhost\r\nConnection: "
      "close\r\n\r\n");
  CHECK(wire.read_all().find("https://localhost/faas/v1/packages/") != std::string::npos);
}
