#include "fetch/http_client.hpp"

#include <doctest/doctest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "support/result.hpp"

using namespace faas;
using namespace faas::fetch;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Takes one connection, reads one head (and `body` bytes more), says `answer`, closes.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer, std::size_t body = 0)
      : acceptor_(io_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)),
        thread_([this, answer, body] {
          tcp::socket socket(io_);
          acceptor_.accept(socket);
          auto const head = asio::read_until(socket, asio::dynamic_buffer(request_), "\r\n\r\n");
          if (request_.size() < head + body) {
            asio::read(socket, asio::dynamic_buffer(request_),
                       asio::transfer_exactly(head + body - request_.size()));
          }
          boost::system::error_code ignored;
          asio::write(socket, asio::buffer(answer), ignored);
        }) {}
  ~OneAnswer() {
    if (thread_.joinable()) thread_.join();
  }

  Url url() const { return {"127.0.0.1", std::to_string(acceptor_.local_endpoint().port()), "/"}; }
  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::string request_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a request goes out whole and says how far it is") {
  OneAnswer server("HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok", 700'000);
  Request request;
  request.method = "PUT";
  request.target = "/p";
  request.headers = {{"X-Y", "z"}};
  request.body = std::string(700'000, 'x');
  std::vector<std::uint64_t> sent;
  request.on_sent = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(total == 700'000);
    sent.push_back(done);
  };
  auto const response = send(server.url(), request);
  REQUIRE(response);
  CHECK(response->status == 201);
  CHECK(response->header("x-a") == "b");
  CHECK(response->body == "ok");
  CHECK(sent.size() > 1);
  CHECK(sent.back() == 700'000);
  auto const seen = server.request();
  CHECK(seen.starts_with("PUT /p HTTP/1.1\r\nHost: 127.0.0.1:"));
  CHECK(seen.find("\r\nX-Y: z\r\n") != std::string::npos);
  CHECK(seen.find("\r\nContent-Length: 700000\r\n") != std::string::npos);
}

TEST_CASE("chunks are handed on as they come") {
  OneAnswer server(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  std::string text;
  Request request;
  request.on_chunk = [&](std::string_view piece) {
    text += piece;
    return true;
  };
  REQUIRE(send(server.url(), request));
  CHECK(text == "onetwo");
}

TEST_CASE("a reader that has enough stops the response") {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nonly this");
  Request request;
  request.on_chunk = [](std::string_view) { return false; };
  CHECK(send(server.url(), request));
}

TEST_CASE("a connection that breaks is an error, a refusal is not") {
  OneAnswer cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  CHECK(send(cut.url(), Request{}).error().code == Errc::io);
  OneAnswer refuses("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  CHECK(send(refuses.url(), Request{})->status == 404);
}

TEST_CASE("a response over the limit is not kept") {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  ClientOptions options;
  options.max_response = 99_B;
  CHECK(send(server.url(), Request{}, options).error().code == Errc::too_large);
}

TEST_CASE("nobody there is told from a timeout") {
  Url url;
  {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    url = {"127.0.0.1", std::to_string(acceptor.local_endpoint().port()), "/"};
    ClientOptions options;
    options.read_timeout = std::chrono::milliseconds(50);
    auto const silent = send(url, Request{}, options);  // the kernel accepts; nobody answers
    CHECK(silent.error().code == Errc::deadline);
    CHECK(silent.error().layer == "receive");
  }
  auto const nobody = send(url, Request{});
  CHECK(nobody.error().code == Errc::unavailable);
  CHECK(nobody.error().layer == "connect");
}

TEST_CASE("a guard refuses a loopback server, and reaches the one that is allowed") {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  AddressGuard const closed;
  AddressGuard const open({parse_network("127.0.0.1/32").value()});
  ClientOptions options;
  options.guard = &closed;
  // "localhost": it is the address that is judged, whatever the name.
  for (auto const* host : {"127.0.0.1", "localhost", "::ffff:127.0.0.1"}) {
    CAPTURE(host);
    auto url = server.url();
    url.host = host;
    auto const refused = send(url, Request{}, options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::denied);
    CHECK(refused.error().reason == "AddressRefused");
    CHECK(refused.error().message.starts_with(shown(url) + ": "));
  }
  options.guard = &open;
  auto url = server.url();
  url.host = "localhost";
  CHECK(send(url, Request{}, options)->body == "ok");
}

TEST_CASE("a guard refuses every Unix socket") {
  AddressGuard const guard({parse_network("0.0.0.0/0").value(), parse_network("::/0").value()});
  ClientOptions options;
  options.guard = &guard;
  auto const refused = send(parse_url("unix:/nowhere.sock").value(), Request{}, options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == "AddressRefused");
}

TEST_CASE("a redirect is handed to the caller, not followed") {
  OneAnswer server(
      "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
  auto const response = send(server.url(), Request{});
  REQUIRE(response);
  CHECK(response->status == 302);
  CHECK(response->header("location") == "http://169.254.169.254/");
}
