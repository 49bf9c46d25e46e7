// What a client of bare bytes meets.
#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <thread>

#include "http/serving.hpp"
#include "http/session.hpp"
#include "support/result.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string post(std::string const& headers, std::string const& body = {}) {
  return "POST /function/echo HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body;
}

constexpr auto kSmuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

}  // namespace

TEST_CASE("of a request with two readings neither is answered") {
  Serving serving;
  serving.deploy_echo("echo");
  for (std::string const& text : std::vector<std::string>{
           post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nG"),
           post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\nG"),
           post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"),
           post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
           post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello"),
           post("Content-Length: 5, 5\r\n", "hello"),
           post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"),
           post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
           post("A: b\r\n Content-Length: 5\r\n", "hello"),
           post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
           post("Host: localhost\r\n"),
           "POST /function/echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: "
           "chunked\r\n\r\n0\r\n\r\n",
           "POST /function/echo HTTP/1.1\r\n\r\n",
           "POST /function/echo HTTP/1.1\nHost: localhost\n\n",
           "POST /function/echo HTTP/1.1\r\nHost: localhost\nContent-Length: 0\r\n\r\n",
           post(std::string("A: b\0c\r\n", 8)),
           post("Transfer-Encoding: chunked\r\n", "5;\r\nhello\r\nX\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "g\r\nhello\r\n0\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "5\r\nhelloXX0\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "5\nhello\n0\n\n"),
       }) {
    CAPTURE(text);
    Wire wire(serving);
    auto const answer = (wire.write(text + kSmuggled), wire.half_close(), wire.read_all());
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(count_of(answer, "HTTP/1.1 ") == 1);
  }
}

TEST_CASE("a trailer does not change what the head said") {
  Serving serving;
  serving.deploy_echo("echo");
  Wire wire(serving);
  wire.write(post("Transfer-Encoding: chunked\r\nConnection: close\r\n",
                  "5\r\nhello\r\n0\r\nHost: evil\r\n\r\n"));
  auto const answer = wire.read_all();
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(answer.ends_with("\r\n\r\nhello"));
}

TEST_CASE("a page that resolves its own name to loopback gets nothing") {
  Serving serving;
  Wire wire(serving);
  wire.write("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK((wire.half_close(), wire.read_all()).starts_with("HTTP/1.1 403 "));
}

TEST_CASE("a page of another site neither deploys nor calls") {
  Serving serving;
  bool called = false;
  serving.deploy("f", [&](HostCall) -> asio::awaitable<std::string> {
    called = true;
    co_return "1";
  });
  auto const status_from = [&](std::string const& origins) {
    Wire wire(serving);
    wire.write("POST /function/f HTTP/1.1\r\nHost: localhost\r\n" + origins +
               "Content-Length: 2\r\nConnection: close\r\n\r\n{}");
    return wire.read_all().substr(0, 12);
  };
  CHECK(status_from("Origin: https://evil.example\r\n") == "HTTP/1.1 403");
  CHECK(status_from("origin: null\r\n") == "HTTP/1.1 403");
  CHECK(status_from("Origin: http://localhost\r\nOrigin: http://evil.example\r\n") ==
        "HTTP/1.1 403");
  CHECK_FALSE(called);
  CHECK(status_from("Origin: http://localhost:3000\r\n") == "HTTP/1.1 200");
  CHECK(called);
}

TEST_CASE("requests on one connection are answered in order") {
  Serving serving;
  serving.deploy_echo("echo");
  Wire wire(serving);
  wire.write(post("Content-Length: 3\r\n", "one") +
             post("Transfer-Encoding: chunked\r\n", "2\r\ntw\r\n1;ext=1\r\no\r\n0\r\n\r\n"));
  wire.write(post("Content-Length: 5\r\nConnection: close\r\n", "three"));
  auto const answer = wire.read_all();
  CHECK(count_of(answer, "HTTP/1.1 200 OK") == 3);
  CHECK(answer.find("\r\n\r\none") < answer.find("\r\n\r\ntwo"));
  CHECK(answer.find("\r\n\r\ntwo") < answer.find("\r\n\r\nthree"));
}

TEST_CASE("a request is read however it is cut") {
  Serving serving;
  serving.deploy_echo("echo");
  auto const text =
      post("Transfer-Encoding: chunked\r\nConnection: close\r\n", "5\r\nhello\r\n0\r\n\r\n");
  for (std::size_t cut = 1; cut < text.size(); cut += 3) {
    Wire wire(serving);
    wire.write(text.substr(0, cut)).write(text.substr(cut));
    CHECK(wire.read_all().ends_with("\r\n\r\nhello"));
  }
}

TEST_CASE("a body over the limit is refused before it comes") {
  Serving serving;
  serving.deploy_echo("echo");
  for (auto const* target : {"/function/echo", "/2015-03-31/functions/echo/invocations"}) {
    Wire wire(serving);
    wire.write(fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6291457\r\n\r\n",
                           target));
    auto const answer = wire.read_until("operation\"}");
    CHECK(answer.starts_with("HTTP/1.1 413 "));
    CHECK(answer.find(
              "Request must be smaller than 6291456 bytes for the InvokeFunction operation") !=
          std::string::npos);
  }
  Wire huge(serving);
  huge.write(
      "POST /function/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
      "1000000000000000000\r\n\r\n");
  CHECK(huge.read_until("}").starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a chunked body over the limit is refused as it grows") {
  Serving serving;
  serving.deploy_echo("echo");
  Wire wire(serving);
  wire.write(post("Transfer-Encoding: chunked\r\n", "600001\r\n" + std::string(0x600001, 'x')));
  auto const own = wire.read_until("}");
  CHECK(own.starts_with("HTTP/1.1 413 "));
  CHECK(own.find("smaller than 6291456 bytes") != std::string::npos);
  Wire lambda(serving);
  lambda.write(
      "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\n\r\n600000\r\n" +
      std::string(0x600000, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n");
  auto const answer = lambda.read_until("}");
  CHECK(answer.starts_with("HTTP/1.1 413 "));
  CHECK(answer.find("x-amzn-ErrorType: RequestEntityTooLargeException") != std::string::npos);
  CHECK(answer.find("smaller than 6291456 bytes") != std::string::npos);
}

TEST_CASE("the largest body is taken whole") {
  Serving serving;
  serving.deploy("size", [](HostCall call) -> asio::awaitable<std::string> {
    co_return std::to_string(call.payload.size());
  });
  CHECK(serving.send("POST", "/function/size", std::string(6'291'456, 'x')).body == "6291456");
  Wire chunked(serving);
  chunked.write(
      "POST /function/size HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Transfer-Encoding: chunked\r\n\r\n600000\r\n" +
      std::string(0x600000, 'x') + "\r\n0\r\n\r\n");
  CHECK(chunked.read_all().ends_with("\r\n\r\n6291456"));
}

TEST_CASE("a head over 64 KiB is refused") {
  Serving serving;
  Wire wire(serving);
  wire.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(70'000, 'x'));
  CHECK(wire.read_until("}").starts_with("HTTP/1.1 431 "));
  Wire line(serving);
  line.write("GET /" + std::string(70'000, 'x'));
  CHECK(line.read_until("}").starts_with("HTTP/1.1 431 "));
}

TEST_CASE("a client that waits for 100 gets it once the head is good") {
  Serving serving;
  serving.deploy_echo("echo");
  Wire wire(serving);
  wire.write(post("Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n"));
  CHECK(wire.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  wire.write("hello");
  CHECK(wire.read_all().ends_with("hello"));
  Wire refused(serving);
  refused.write(post("Expect: 100-continue\r\nContent-Length: 6291457\r\n"));
  CHECK(refused.read_until("}").starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a HEAD is answered without its body") {
  Serving serving;
  Wire wire(serving);
  wire.write("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  auto const answer = wire.read_all();
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("who sends half a head, or half a body and no more, is told 408") {
  Serving serving;
  serving.deploy_echo("echo");
  Wire head(serving), trickled(serving), sized(serving), chunked(serving);
  head.write("GET /healthz HTTP/1.1\r\nHost: loc");
  trickled.write("GET /healthz HTTP/1.1\r\nX: ");
  sized.write(post("Content-Length: 10\r\n", "half"));
  chunked.write(post("Transfer-Encoding: chunked\r\n", "a\r\nhalf"));
  std::thread trickle([&] {
    for (int i = 0; i < 8; ++i) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      trickled.write("x");
    }
  });
  trickle.join();
  for (auto* wire : {&head, &trickled, &sized, &chunked}) {  // after 10 s and after 20 s
    auto const answer = wire->read_all();
    CHECK(answer.starts_with("HTTP/1.1 408 "));
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(count_of(answer, "HTTP/1.1 ") == 1);
  }
}

TEST_CASE("a head that is slow but in time is answered, and so is what follows it") {
  Serving serving;
  Wire wire(serving);
  std::string const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    wire.forget();
    wire.write(request.substr(0, 30));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    wire.write(request.substr(30));
    CHECK(wire.read_until("ok\n").starts_with("HTTP/1.1 200 "));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(11'000));  // longer than any head may take
  wire.forget();
  wire.write(request);
  CHECK(wire.read_until("ok\n").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("ten thousand headers, a request line of a mebibyte and control characters are refused") {
  Serving serving;
  std::string many = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 10'000; ++i) many += "A: b\r\n";
  auto const get = [](std::string const& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  };
  struct Row {
    std::string bytes, status;
  };
  for (auto const& row :
       {Row{many + "\r\n", "431"}, Row{get("/" + std::string(1 << 20, 'a')), "431"},
        Row{get(std::string("/a\0b", 4)), "400"}, Row{get("/a\x01"), "400"},
        Row{get("/healthz%00"), "404"}, Row{get("//healthz"), "404"},
        Row{get("/x/../healthz"), "404"}, Row{get("/%2e%2e/healthz"), "404"},
        Row{get("/healthz/."), "404"}}) {
    CAPTURE(row.bytes.substr(0, 60));
    Wire wire(serving);
    try {
      wire.write(row.bytes);
    } catch (boost::system::system_error const&) {  // it did not want to read all of it
    }
    CHECK(wire.read_all().substr(0, 12) == "HTTP/1.1 " + row.status);
  }
}

TEST_CASE("a body that its client abandons is no request") {
  Serving serving;
  std::atomic<int> calls = 0;
  serving.deploy("count", [&](HostCall) -> asio::awaitable<std::string> {
    ++calls;
    co_return "";
  });
  for (int i = 0; i < 1000; ++i) {
    Wire wire(serving);
    wire.write("POST /function/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1234");
    if (i % 2 == 0) wire.half_close();
    if (i % 2 == 0) CHECK(count_of(wire.read_all(), "HTTP/1.1 2") == 0);
  }
  CHECK(serving.send("POST", "/function/count", "{}").status == 200);
  CHECK(calls == 1);
}

TEST_CASE("a request that is read as the server lets idle connections go does not run") {
  // One thread, so that the order of things is the same each time.
  asio::io_context io;
  Options options;
  options.allow_degraded = true;
  auto runtime = Runtime::open(io.get_executor(), std::move(options)).value();
  int ran = 0;
  Function function;
  function.name = "count";
  auto deployed = asio::co_spawn(io,
                                 runtime.deploy(std::move(function),
                                                [&](HostCall) -> asio::awaitable<std::string> {
                                                  ++ran;
                                                  co_return "";
                                                }),
                                 asio::use_future);
  io.run();
  REQUIRE(deployed.get());

  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  asio::ip::tcp::socket client(io), accepted(asio::make_strand(io));
  client.connect(acceptor.local_endpoint());
  acceptor.accept(accepted);
  auto const strand = accepted.get_executor();
  auto const context = std::make_shared<http::Context>(runtime, HttpServerOptions{}, HostReport{});
  http::Session session(std::move(accepted), context);
  asio::co_spawn(strand, session.run(), asio::detached);
  io.restart();
  io.poll();
  std::string const request = "POST /function/count HTTP/1.1\r\nHost: localhost\r\n\r\n";
  asio::write(client, asio::buffer(request));
  // Between the request's readiness and its reading.
  asio::post(io, [&] { session.stop(http::Session::Stop::when_idle); });
  io.restart();
  io.run();
  boost::system::error_code error;
  std::string answer;
  asio::read(client, asio::dynamic_buffer(answer), error);
  CHECK(ran == static_cast<int>(count_of(answer, "HTTP/1.1 200 ")));
}

TEST_CASE("a body that trickles in is refused, and no memory kept for it") {
  Serving serving;
  serving.deploy_echo("echo");
  Wire sized(serving), chunked(serving);
  sized.write(post("Content-Length: 1000\r\n", "x"));
  chunked.write(post("Transfer-Encoding: chunked\r\n", "3e8\r\nx"));
  std::atomic<bool> over = false;
  std::thread trickle([&] {
    for (int i = 0; i < 20 && !over; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      try {
        sized.write("x");
        chunked.write("x");
      } catch (boost::system::system_error const&) {
        return;  // gone: as it should be
      }
    }
  });
  auto const begun = std::chrono::steady_clock::now();
  CHECK(sized.read_all().starts_with("HTTP/1.1 408 "));
  CHECK(chunked.read_all().starts_with("HTTP/1.1 408 "));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(9));
  over = true;
  trickle.join();
}

TEST_CASE("chunked bodies take their limit out of the memory for bodies") {
  Serving serving;
  serving.deploy_echo("echo");
  std::vector<std::unique_ptr<Wire>> begun;
  for (int i = 0; i < 170; ++i) {  // of 6 MiB each: 1 GiB is theirs together
    begun.push_back(std::make_unique<Wire>(serving));
    begun.back()->write(post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", ""));
    begun.back()->read_until("100 Continue");
  }
  Wire one_more(serving);
  one_more.write(post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", ""));
  CHECK(one_more.read_until("\r\n\r\n").starts_with("HTTP/1.1 429 "));
}
