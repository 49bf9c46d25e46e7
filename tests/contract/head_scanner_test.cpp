#include "contract/head_scanner.hpp"

#include <doctest/doctest.h>

#include <string>

#include "contract/http_text.hpp"

using namespace faas::contract;

namespace {

using Status = HeadScanner::Status;

// The refusal's status, 0 if complete, -1 if more is needed.
int verdict(std::string const& text, HeadLimits limits = {}) {
  HeadScanner scanner(limits);
  auto const status = scanner.scan(text);
  if (status == Status::refused) {
    CHECK_FALSE(scanner.reason().empty());
    CHECK(scanner.scan(text + "more") == Status::refused);  // and it stays so
    return scanner.status();
  }
  return status == Status::complete ? 0 : -1;
}

std::string get(std::string const& fields) { return "GET / HTTP/1.1\r\n" + fields + "\r\n"; }
std::string post(std::string const& fields) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("a head is read") {
  std::string const text =
      "POST /a/b?c=%20 HTTP/1.1\r\nhOsT: example:80\r\nX-Empty:\r\nX-Value: \t two words \t\r\n"
      "Content-Length: 12\r\n\r\nbody";
  HeadScanner scanner;
  REQUIRE(scanner.scan(text) == Status::complete);
  auto const& head = scanner.head();
  CHECK(scanner.size() == text.size() - 4);
  CHECK(head.method == "POST");
  CHECK(head.target == "/a/b?c=%20");
  CHECK(head.minor_version == 1);
  CHECK(head.keep_alive);
  CHECK(head.framing == Framing::content_length);
  CHECK(head.content_length == 12);
  CHECK(head.fields.size() == 4);
  CHECK(head.find("HOST") == "example:80");
  CHECK(head.find("x-empty") == "");
  CHECK(head.find("X-VALUE") == "two words");
  CHECK_FALSE(head.find("X-Val"));
}

TEST_CASE("a scanner reads the next head after reset") {
  HeadScanner scanner;
  REQUIRE(scanner.scan(post("Content-Length: 3\r\nConnection: close\r\n")) == Status::complete);
  scanner.reset();
  REQUIRE(scanner.scan(get("Host: h\r\n")) == Status::complete);
  CHECK(scanner.head().framing == Framing::none);
  CHECK(scanner.head().content_length == 0);
  CHECK(scanner.head().keep_alive);
  CHECK(scanner.head().fields.size() == 1);
}

TEST_CASE("a head is read at every split, from a buffer that moves") {
  std::string const text = post("Transfer-Encoding: chunked\r\nX: y\r\n");
  for (std::size_t split = 0; split < text.size(); ++split) {
    HeadScanner scanner;
    REQUIRE(scanner.scan(std::string(text, 0, split)) == Status::need_more);
    std::string const moved = text + "rest";
    REQUIRE(scanner.scan(moved) == Status::complete);
    CHECK(scanner.size() == text.size());
    CHECK(scanner.head().framing == Framing::chunked);
    CHECK(scanner.head().find("x") == "y");
  }
}

TEST_CASE("keep-alive is decided by version and Connection") {
  auto const keeps = [](std::string const& text) {
    HeadScanner scanner;
    REQUIRE(scanner.scan(text) == Status::complete);
    return scanner.head().keep_alive;
  };
  CHECK(keeps(get("Host: h\r\n")));
  CHECK_FALSE(keeps(get("Host: h\r\nConnection: x, CLOSE ,\r\n")));
  CHECK_FALSE(keeps(get("Host: h\r\nConnection: keep-alive\r\nConnection: close\r\n")));
  CHECK(keeps(get("Host: h\r\nConnection: closed\r\n")));
  CHECK_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  CHECK(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

// One request a row: what two readers could take for different requests is refused.
TEST_CASE("heads that could be read in two ways are refused") {
  struct Row {
    int status;
    std::string text;
  };
  Row const rows[] = {
      // framing
      {0, post("Content-Length: 0\r\n")},
      {0, post("Transfer-Encoding: chunked\r\n")},
      {0, post("Transfer-Encoding: Chunked\r\n")},
      {400, post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
      {400, post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
      {400, post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n")},
      {400, post("Content-Length: 5\r\nContent-Length: 5\r\n")},
      {400, post("Content-Length: 5\r\nContent-Length: 6\r\n")},
      {400, post("Content-Length: 5, 5\r\n")},
      {400, post("Content-Length: 5,6\r\n")},
      {400, post("Content-Length:\r\n")},
      {400, post("Content-Length: +5\r\n")},
      {400, post("Content-Length: -5\r\n")},
      {400, post("Content-Length: 0x5\r\n")},
      {400, post("Content-Length: 5 5\r\n")},
      {400, post("Content-Length: 5.0\r\n")},
      {400, post("Content-Length: 1e3\r\n")},
      {400, post("Content-Length: \xd9\xa5\r\n")},
      {0, post("Content-Length: 9999999999999999999\r\n")},
      {413, post("Content-Length: 00000000000000000005\r\n")},
      {413, post("Content-Length: 18446744073709551617\r\n")},
      {501, post("Transfer-Encoding: gzip\r\n")},
      {501, post("Transfer-Encoding: xchunked\r\n")},
      {501, post("Transfer-Encoding: identity\r\n")},
      {400, post("Transfer-Encoding: gzip, chunked\r\n")},
      {400, post("Transfer-Encoding: chunked, chunked\r\n")},
      {400, post("Transfer-Encoding: chunked;q=1\r\n")},
      {400, post("Transfer-Encoding: \"chunked\"\r\n")},
      {400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")},
      {400, post("Transfer-Encoding:\r\n")},
      {400, post("Transfer-Encoding: \x0b"
                 "chunked\r\n")},
      {400, post("Transfer-Encoding: chunked\x01\r\n")},
      {0, post("Transfer-Encoding:\tchunked\r\n")},
      {400, post("Transfer-Encoding : chunked\r\n")},
      {400, post("Transfer-Encoding\t: chunked\r\n")},
      {400, post(" Transfer-Encoding: chunked\r\n")},
      {400, post("Transfer-Encoding:\r\n chunked\r\n")},
      {400, post("X: y\r\n folded\r\n")},
      {400, post("X: y\r\n\tfolded\r\n")},
      {400, "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {0, "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n"},
      {400, get("Host: h\r\nConnection: a b\r\n")},
      {400, get("Host: h\r\nConnection: close; a\r\n")},
      {0, get("Host: h\r\nConnection: , a ,,\r\n")},
      // line ends
      {400, "GET / HTTP/1.1\nHost: h\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\n\n"},
      {400, get("Host: h\r\nX: a\rb\r\n")},
      {400, get("Host: h\rX: y\r\n")},
      {400, get("Host: h\r\nX: y\r\r\n")},
      {400, "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      // control characters
      {400, get(std::string("Host: h\r\nX: a\0b\r\n", 17))},
      {400, get("Host: h\r\nX: a\x7f\r\n")},
      {400, get("Host: h\r\nX: a\x1b\r\n")},
      {400, get("Host: h\r\nX\x01: a\r\n")},
      {0, get("Host: h\r\nX: caf\xc3\xa9\r\n")},
      // names
      {400, get("Host: h\r\nnocolon\r\n")},
      {400, get("Host: h\r\n: novalue\r\n")},
      {400, get("Host: h\r\nX(): y\r\n")},
      {400, get("Host: h\r\n\"X\": y\r\n")},
      {400, get("Host: h\r\nX\xc3\xa9: y\r\n")},
      // Host
      {400, get("")},
      {400, get("Host:\r\n")},
      {400, get("Host: a\r\nHost: a\r\n")},
      {400, get("Host: a\r\nhost: b\r\n")},
      {400, get("Host: a, b\r\n")},
      {400, get("Host: a,b\r\n")},
      {400, get("Host: a/b\r\n")},
      {400, get("Host: u@h\r\n")},
      {400, get("Host: h#f\r\n")},
      {0, get("Host: [::1]:9001\r\n")},
      {0, "GET / HTTP/1.0\r\n\r\n"},
      // request line
      {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
      {400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /\r\nHost: h\r\n\r\n"},
      {400, "GET HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "G(T / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28)},
      {0, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {0, "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / http/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / HTTP/1\r\nHost: h\r\n\r\n"},
      {400, "GET / HTTP/1.1x\r\nHost: h\r\n\r\n"},
      {400, "GET / HTTP/1.10\r\nHost: h\r\n\r\n"},
      {505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
      {505, "GET / HTTP/0.9\r\nHost: h\r\n\r\n"},
  };
  for (auto const& row : rows) {
    CAPTURE(row.text);
    CHECK(verdict(row.text) == row.status);
  }
}

TEST_CASE("limits of a head are told at the byte that passes them") {
  HeadLimits const limits{.head = 200, .target = 40, .fields = 3};
  auto const line = [](std::size_t n) { return "GET /" + std::string(n, 'a') + " HTTP/1.1\r\n"; };
  CHECK(verdict(line(25) + "Host: h\r\n\r\n", limits) == 0);
  CHECK(verdict(line(26) + "Host: h\r\n\r\n", limits) == 414);
  CHECK(verdict("GET /" + std::string(35, 'a'), limits) == -1);
  CHECK(verdict("GET /" + std::string(36, 'a'), limits) == 414);  // before the line has ended
  CHECK(verdict(get("Host: h\r\nA: 1\r\nB: 2\r\n"), limits) == 0);
  CHECK(verdict(get("Host: h\r\nA: 1\r\nB: 2\r\nC: 3\r\n"), limits) == 431);
  auto const padded = [](std::size_t n) {
    return get("Host: h\r\nA: " + std::string(n, 'x') + "\r\n");
  };
  auto const room = limits.head - padded(0).size();
  CHECK(verdict(padded(room), limits) == 0);
  CHECK(verdict(padded(room + 1), limits) == 431);
  CHECK(verdict(get("Host: h\r\nA: " + std::string(500, 'x')), limits) == 431);
}

TEST_CASE("a byte that was searched is not searched again") {
  HeadScanner scanner({.head = 4'000'000});
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  text.resize(2'000'000, 'x');
  REQUIRE(scanner.scan(text) == Status::need_more);
  // A line feed put where the scanner has been would end the line, and the head: it is not seen.
  text.replace(1'000'000, 4, "\r\n\r\n");
  CHECK(scanner.scan(text + "y") == Status::need_more);
}
