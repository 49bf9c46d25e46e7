#include "http/head.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

#include "support/result.hpp"

using namespace faas;
using namespace faas::http;

namespace {

// The text lives as long as what views into it.
Result<Head> parse(std::string const& lines) {
  static std::deque<std::string> texts;
  return parse_head(texts.emplace_back(lines + "\r\n"));
}

// A request that is right but for the lines given.
std::string with(std::string const& lines, std::string const& version = "1.1") {
  return "POST /function/f HTTP/" + version + "\r\nHost: localhost\r\n" + lines;
}

bool refused(std::string const& text) {
  auto const head = parse(text);
  return !head && head.error().code == Errc::invalid_argument;
}

}  // namespace

TEST_CASE("a plain request is read as it says") {
  auto const head = parse(with("Content-Length: 12\r\nX-Amz-Log-Type:\t Tail \r\n"));
  REQUIRE(head);
  CHECK(head->method == "POST");
  CHECK(head->target == "/function/f");
  CHECK(head->content_length == 12);
  CHECK_FALSE(head->chunked);
  CHECK(head->keep_alive);
  CHECK(head->header("x-amz-log-type") == "Tail");
  CHECK(head->header("absent").empty());
}

TEST_CASE("framing that two parties could read differently is refused") {
  CHECK(parse(with("Transfer-Encoding: chunked\r\n")));
  CHECK(parse(with("transfer-encoding: Chunked\r\n")));
  for (auto const* lines : {
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: chunked, chunked\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding: chunked;q=1\r\n",
           "Transfer-Encoding: \"chunked\"\r\n",
           "Transfer-Encoding: \vchunked\r\n",
           "Transfer-Encoding:\r\n",
           "Transfer-Encoding: identity\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
           "Transfer-Encoding : chunked\r\n",
           " Transfer-Encoding: chunked\r\n",
           "X: y\r\n Transfer-Encoding: chunked\r\n",
           "Transfer-Encoding:\r\n chunked\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 5\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: -1\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length:\r\n",
           "Content-Length: 18446744073709551616\r\n",
           "Content Length: 5\r\n",
           "Content-Length : 5\r\n",
       }) {
    CAPTURE(lines);
    CHECK(refused(with(lines)));
  }
}

TEST_CASE("chunked in HTTP/1.0 is refused") {
  CHECK(parse(with("Content-Length: 5\r\n", "1.0")));
  CHECK(refused(with("Transfer-Encoding: chunked\r\n", "1.0")));
}

TEST_CASE("lines end in CRLF and hold no control character") {
  for (std::string const& text : std::vector<std::string>{
           "GET / HTTP/1.1\nHost: localhost\n", "GET / HTTP/1.1\r\nHost: localhost\n",
           "GET / HTTP/1.1\r\nHost: localhost\r\nA: b\rC: d\r\n",
           with(std::string("A: b\0c\r\n", 8)), with("A: b\x01\r\n"), with("A: b\x7f\r\n"),
           with("A\x01: b\r\n"), with("\xc3\xa4: b\r\n"), with(": b\r\n"), with("A b: c\r\n"),
           with("nothing\r\n"), with("Expect: 200-ok\r\n"),
           "GET / HTTP/1.1\r\n\tHost: localhost\r\n"}) {
    CAPTURE(text);
    CHECK(refused(text));
  }
}

TEST_CASE("the request line is one method, one path and one version") {
  for (auto const* line :
       {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / HTTP/1.2",
        "GET / HTTP/2.0", "GET / http/1.1", "GET http://evil/ HTTP/1.1", "CONNECT evil:80 HTTP/1.1",
        "OPTIONS * HTTP/1.1", "GET /a b HTTP/1.1", "GET /\xc3\xa4 HTTP/1.1", "G(T / HTTP/1.1",
        "GET\t/ HTTP/1.1", "", "PRI * HTTP/2.0", "GET /\x7f HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(refused(std::string(line) + "\r\nHost: localhost\r\n"));
  }
}

TEST_CASE("Host is there once") {
  CHECK(parse("GET / HTTP/1.1\r\nHost: localhost:9000\r\n"));
  CHECK(refused("GET / HTTP/1.1\r\n"));
  CHECK(refused("GET / HTTP/1.0\r\n"));
  CHECK(refused("GET / HTTP/1.1\r\nHost:\r\n"));
  CHECK(refused("GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n"));
}

TEST_CASE("too many headers are told apart from malformed ones") {
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += "A: b\r\n";
  auto const head = parse(with(lines));
  REQUIRE_FALSE(head);
  CHECK(head.error().code == Errc::too_large);
}

TEST_CASE("a connection is kept as its version and header say") {
  auto kept = [](std::string const& lines, std::string const& version) {
    return parse(with(lines, version))->keep_alive;
  };
  CHECK(kept("", "1.1"));
  CHECK_FALSE(kept("", "1.0"));
  CHECK_FALSE(kept("Connection: close\r\n", "1.1"));
  CHECK_FALSE(kept("Connection: foo , Close\r\n", "1.1"));
  CHECK(kept("Connection: Keep-Alive\r\n", "1.0"));
}

TEST_CASE("the end of a head is found however it is cut") {
  std::string const text = with("A: b\r\n") + "\r\nBODY";
  std::size_t scanned = 0;
  for (std::size_t size = 0; size + 4 < text.size(); ++size) {
    CHECK_FALSE(head_length(std::string_view(text).substr(0, size), scanned));
  }
  CHECK(head_length(text, scanned) == text.size() - 4);
}

TEST_CASE("a bare line feed ends the wait at once") {
  std::size_t scanned = 0;
  CHECK(head_length("GET / HTTP/1.1\nHost", scanned) == 15);
  scanned = 0;
  CHECK(head_length("\n", scanned) == 1);
}
