#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <future>

#include "http/serving.hpp"
#include "support/result.hpp"

using namespace faas;
using namespace faas::test;

namespace {

Errc open_fails(Serving& serving, std::string const& address, unsigned short port) {
  HttpServerOptions options;
  options.address = address;
  options.port = port;
  asio::io_context io;
  auto const server = HttpServer::open(io.get_executor(), serving.runtime(), options);
  REQUIRE_FALSE(server);
  return server.error().code;
}

}  // namespace

TEST_CASE("only loopback is listened on, and a port that is taken is named") {
  Serving serving;
  CHECK(open_fails(serving, "0.0.0.0", 0) == Errc::denied);
  CHECK(open_fails(serving, "::", 0) == Errc::denied);
  CHECK(open_fails(serving, "10.0.0.1", 0) == Errc::denied);
  CHECK(open_fails(serving, "example", 0) == Errc::invalid_argument);
  CHECK(open_fails(serving, "127.0.0.1", serving.endpoint().port()) == Errc::conflict);
}

TEST_CASE("readiness fails while health stays") {
  Serving serving;
  CHECK(serving.send("GET", "/readyz").status == 200);
  serving.server().set_ready(false);
  CHECK(serving.send("GET", "/readyz").status == 503);
  CHECK(serving.send("GET", "/healthz").status == 200);
}

TEST_CASE("closing lets the request in hand finish and the idle go") {
  Serving serving;
  std::promise<void> entered;
  serving.deploy("slow", [&](HostCall) -> asio::awaitable<std::string> {
    entered.set_value();
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(300));
    co_await timer.async_wait(asio::use_awaitable);
    co_return "done";
  });
  Wire kept(serving);  // asks for nothing else
  kept.write("POST /function/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  Wire idle(serving);
  idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  idle.read_until("ok\n");
  entered.get_future().wait();
  serving.wait(serving.server().close(std::chrono::seconds(20)));
  auto const answer = kept.read_all();
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(answer.ends_with("\r\n\r\ndone"));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(count_of(idle.read_all(), "HTTP/1.1 ") == 1);
}

TEST_CASE("one connection too many is told so") {
  HttpServerOptions options;
  options.max_connections = 2;
  Serving serving(options);
  std::vector<std::unique_ptr<Wire>> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(std::make_unique<Wire>(serving));
    open.back()->write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    open.back()->read_until("ok\n");
  }
  Wire third(serving);
  CHECK(third.read_all().starts_with("HTTP/1.1 503 "));
}

TEST_CASE("thousands of idle connections are kept to their cap, and the next one is served") {
  HttpServerOptions options;
  options.max_connections = 200;
  Serving serving(options);
  std::string const get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::vector<std::unique_ptr<Wire>> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(std::make_unique<Wire>(serving));
    idle.back()->write(get).read_until("ok\n");
  }
  for (int i = 0; i < 20'000; ++i) CHECK(Wire(serving).read_all().starts_with("HTTP/1.1 503 "));
  idle.front()->forget();
  CHECK(idle.front()->write(get).read_until("ok\n").starts_with("HTTP/1.1 200 "));
  idle.pop_back();
  for (int i = 0; i < 100; ++i) {  // until the server has seen it go
    Wire next(serving);
    if (next.write(get).read_until("\r\n\r\n").starts_with("HTTP/1.1 200 ")) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  FAIL("nobody is let in again");
}

TEST_CASE("out of descriptors the server waits a while before it looks again") {
  Serving serving;
  asio::io_context io;
  asio::ip::tcp::socket client(io, asio::ip::tcp::v4());
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  auto const lowest_free = ::dup(0);
  ::close(lowest_free);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest_free);
  ::setrlimit(RLIMIT_NOFILE, &none);
  client.connect(serving.endpoint());
  auto const used = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  auto const busy = std::clock() - used;
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(busy < CLOCKS_PER_SEC / 4);
  asio::write(client,
              asio::buffer(std::string(
                  "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")));
  std::string answer;
  boost::system::error_code error;
  asio::read(client, asio::dynamic_buffer(answer), error);
  CHECK(answer.starts_with("HTTP/1.1 200 "));
}

TEST_CASE("on several threads each connection gets its own answers, and closing ends all of them") {
  Serving serving({}, {}, 4);
  serving.deploy_echo("echo");
  auto const post = [](std::string const& headers, std::string const& rest) {
    return "POST /function/echo HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n\r\n" + rest;
  };
  std::atomic<int> good = 0, over = 0;
  // Whole, in two parts, in chunks; and one that goes in the midst of its body.
  auto const ask = [&](int who) {
    for (int round = 0; round < 50; ++round) {
      Wire wire(serving);
      auto const body = fmt::format("{}-{}", who, round);
      auto const length = fmt::format("Content-Length: {}", body.size());
      for (int i = 0; i < 3; ++i) {
        wire.forget();
        if (i == 0) wire.write(post(length, body));
        if (i == 1) wire.write(post(length, "")).write(body);
        if (i == 2)
          wire.write(post("Transfer-Encoding: chunked",
                          fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", body.size(), body)));
        auto const answer = wire.read_until("\r\n\r\n" + body);
        if (answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n" + body)) ++good;
      }
      wire.write(post("Content-Length: 10", "half"));
    }
  };
  std::vector<std::thread> clients;
  for (int who = 0; who < 8; ++who) clients.emplace_back(ask, who);
  for (auto& client : clients) client.join();
  CHECK(good == 8 * 50 * 3);

  // While some rest, some wait for the end of a head or a body, and some are answered.
  auto const until_closed = [&](int who) {
    try {
      for (int i = 0; i < 100'000; ++i) {
        Wire wire(serving);
        if (who % 3 == 0) wire.write("GET /healthz HT");
        if (who % 3 == 1) wire.write(post("Content-Length: 10", "half"));
        if (who % 3 == 2) wire.write(post("Content-Length: 4", "full"));
        wire.read_until(who % 3 == 2 ? "full" : "never");
      }
    } catch (boost::system::system_error const&) {  // nobody listens any more
      ++over;
    }
  };
  clients.clear();
  for (int who = 0; who < 8; ++who) clients.emplace_back(until_closed, who);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  serving.wait(serving.server().close(std::chrono::milliseconds(100)));
  for (auto& client : clients) client.join();
  CHECK(over == 8);
}
