// Row R9: requests in which two readers may disagree about where one ends and the next begins. Each
// is followed, or filled, by a small request of its own that a careless reader would answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faas::test {

enum class Fate {
  refused,  // one answer, an error, and the connection closes
  one,      // one answer: the hidden request was the body
  two,      // two answers: one reading, in which the hidden request is the next one
  none,     // no answer: its reader waits for more of it
};

struct Smuggling {
  std::string name;
  std::string bytes;
  Fate on_runtime_api;
  Fate in_public;
};

class SmugglingRows {
 public:
  // `post` and `get` are targets that take a request with a body and one without.
  SmugglingRows(std::string post, std::string get) : post_(std::move(post)), get_(std::move(get)) {
    add_codings();
    add_lengths();
    add_chunks();
    add_trailers();
    add_heads();
    add_bodies();
  }
  std::vector<Smuggling> const& rows() const { return rows_; }

 private:
  static constexpr std::string_view kEmpty = "0\r\n\r\n";
  static constexpr std::string_view kHello = "5\r\nhello\r\n0\r\n\r\n";

  std::string hidden() const { return "GET " + get_ + " HTTP/1.1\r\nHost: localhost\r\n\r\n"; }
  static std::string bytes(std::string_view text) { return std::string(text); }

  std::string post(std::string_view fields, std::string_view body,
                   std::string_view version = "1.1") const {
    return "POST " + post_ + " HTTP/" + bytes(version) + "\r\nHost: localhost\r\n" + bytes(fields) +
           "\r\n" + bytes(body);
  }
  void add(std::string name, std::string text, Fate on_runtime_api, Fate in_public) {
    rows_.push_back({std::move(name), std::move(text) + hidden(), on_runtime_api, in_public});
  }
  void add(std::string name, std::string text, Fate both = Fate::refused) {
    add(std::move(name), std::move(text), both, both);
  }
  void chunked(std::string name, std::string_view body, Fate on_runtime_api, Fate in_public) {
    add("chunk: " + name, post("Transfer-Encoding: chunked\r\n", body), on_runtime_api, in_public);
  }
  void chunked(std::string name, std::string_view body) {
    chunked(std::move(name), body, Fate::refused, Fate::refused);
  }

  void add_codings() {
    auto const length = "Content-Length: " + std::to_string(kEmpty.size()) + "\r\n";
    for (std::string const& coding :
         {bytes("chunked"), bytes("xchunked"), bytes("gzip"), bytes("identity"), bytes(""),
          bytes("chunked, identity"), bytes("gzip, chunked"), bytes("\vchunked")}) {
      auto const field = "Transfer-Encoding: " + coding + "\r\n";
      add("length, then coding '" + coding + "'", post(length + field, kEmpty));
      add("coding '" + coding + "', then length", post(field + length, kEmpty));
    }
    for (std::string_view connection : {"close", "keep-alive"}) {
      auto const field = "Connection: " + bytes(connection) + "\r\n";
      add("length and coding, " + bytes(connection),
          post(length + "Transfer-Encoding: chunked\r\n" + field, kEmpty));
    }
    for (std::string const& value : {bytes("xchunked"),
                                     bytes("gzip"),
                                     bytes("identity"),
                                     bytes(""),
                                     bytes("gzip, chunked"),
                                     bytes("chunked, gzip"),
                                     bytes("chunked, chunked"),
                                     bytes(", chunked"),
                                     bytes("chunked,"),
                                     bytes("chunked;q=1"),
                                     bytes("\"chunked\""),
                                     bytes("\vchunked"),
                                     bytes("\fchunked"),
                                     bytes("chunked\v"),
                                     bytes("chu\rnked"),
                                     std::string("chu\0nked", 8),
                                     bytes("\x80"),
                                     bytes("chunked x"),
                                     bytes("\r\n chunked"),
                                     bytes("\r\n\tchunked"),
                                     bytes("chunked\r\n ")})
      add("coding '" + value + "'", post("Transfer-Encoding: " + value + "\r\n", kEmpty));
    for (std::string_view value : {" chunked", "\tchunked", "chunked ", "chunked\t", "Chunked"})
      add("coding of one reading '" + bytes(value) + "'",
          post("Transfer-Encoding: " + bytes(value) + "\r\n", kEmpty), Fate::two);
    for (std::string const& fields :
         {bytes("Transfer-Encoding : chunked\r\n"), bytes("Transfer-Encoding\t: chunked\r\n"),
          bytes(" Transfer-Encoding: chunked\r\n"),
          bytes("X: y\r\n Transfer-Encoding: chunked\r\n"),
          std::string("Transfer-Encoding\0: chunked\r\n", 29),
          bytes("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
          bytes("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
          bytes("X: y\nTransfer-Encoding: chunked\r\n"),
          bytes("X: y\rTransfer-Encoding: chunked\r\n"),
          bytes("X: y\r\rTransfer-Encoding: chunked\r\n"), bytes(": chunked\r\n"),
          bytes("Transfer-Encoding chunked\r\n")})
      add("coding by '" + fields + "'", post(fields, kEmpty));
    add("coding in HTTP/1.0", post("Transfer-Encoding: chunked\r\n", kEmpty, "1.0"));
    add("coding in HTTP/1.0 that is kept",
        post("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", kEmpty, "1.0"));
  }

  void add_lengths() {
    for (std::string const& value : {bytes("5, 5"),
                                     bytes("5, 0"),
                                     bytes("5,"),
                                     bytes("+5"),
                                     bytes("-1"),
                                     bytes("-0"),
                                     bytes("0x5"),
                                     bytes("5 5"),
                                     bytes("5_0"),
                                     bytes(""),
                                     bytes("5;"),
                                     bytes("5\v"),
                                     bytes("5.0"),
                                     bytes("5e0"),
                                     bytes("#5"),
                                     bytes("\xef\xbc\x95"),
                                     bytes("five"),
                                     bytes("\r\n 5"),
                                     bytes("18446744073709551616"),
                                     bytes("1000000000000000000"),
                                     bytes("99999999999999999999999999")})
      add("length '" + value + "'", post("Content-Length: " + value + "\r\n", "hello"));
    for (std::string_view value : {" 5", "\t5", "5 ", "005"})
      add("length of one reading '" + bytes(value) + "'",
          post("Content-Length: " + bytes(value) + "\r\n", "hello"), Fate::two);
    for (std::string const& fields :
         {bytes("Content-Length: 5\r\nContent-Length: 5\r\n"),
          bytes("Content-Length: 0\r\nContent-Length: 5\r\n"), bytes("Content-Length : 5\r\n"),
          bytes("Content Length: 5\r\n"), bytes(" Content-Length: 5\r\n"),
          bytes("X: y\nContent-Length: 5\r\n"), std::string("X: \0\r\nContent-Length: 5\r\n", 25)})
      add("length by '" + fields + "'", post(fields, "hello"));
  }

  void add_chunks() {
    chunked("as it should be", kHello, Fate::two, Fate::two);
    chunked("in capitals", "A\r\n0123456789\r\n0\r\n\r\n", Fate::two, Fate::two);
    for (std::string const& size :
         {bytes("0x5"), bytes("+5"), bytes("-5"), bytes(" 5"), bytes("5 "), bytes("5\t"),
          bytes("5_0"), bytes("g"), bytes(""), bytes("5,5"), bytes("10000000000000005"),
          bytes("fffffffffffffffff"), std::string("5\0", 2), bytes("\xef\xbc\x95")})
      chunked("size '" + size + "'", size + "\r\nhello\r\n0\r\n\r\n");
    chunked("size with leading zeros", "00005\r\nhello\r\n0\r\n\r\n", Fate::two, Fate::two);
    chunked("an extension", "5;a=b\r\nhello\r\n0\r\n\r\n", Fate::refused, Fate::two);
    chunked("an extension on the last", "5\r\nhello\r\n0;a\r\n\r\n", Fate::refused, Fate::two);
    for (std::string const& extension : {bytes(";"), bytes(";a=\"\n\""), bytes(";a\n"),
                                         bytes(";a\rb"), std::string(";\0", 2), bytes(";\x01")})
      chunked("extension '" + extension + "'", "5" + extension + "\r\nhello\r\n0\r\n\r\n");
    chunked("an extension without its second quote", "5;a=\"b\r\nhello\r\n0\r\n\r\n", Fate::refused,
            Fate::none);
    chunked("size ended by LF", "5\nhello\r\n0\r\n\r\n");
    chunked("size ended by CR", "5\rhello\r\n0\r\n\r\n");
    chunked("data ended by LF", "5\r\nhello\n0\r\n\r\n");
    chunked("last ended by LF", "5\r\nhello\r\n0\n\r\n");
    chunked("all ended by LF", "5\nhello\n0\n\n");
    chunked("blank line of LF", "5\r\nhello\r\n0\r\n\n");
    chunked("longer than its size", "5\r\nhelloX\r\n0\r\n\r\n");
    chunked("shorter than its size", "5\r\nhel\r\n0\r\n\r\n");
    chunked("without an end", "5\r\nhello0\r\n\r\n");
  }

  void add_trailers() {
    auto const trailer = [&](std::string const& line, Fate in_public) {
      chunked("trailer '" + line + "'", "5\r\nhello\r\n0\r\n" + line + "\r\n\r\n", Fate::refused,
              in_public);
    };
    chunked("trailer 'X: y'", "5\r\nhello\r\n0\r\nX: y\r\n\r\n", Fate::two, Fate::two);
    for (std::string_view line :
         {"Host: evil", "Authorization: x", "Content-Type: x", "Cookie: x", "Expect: 100-continue"})
      trailer(bytes(line), Fate::two);
    for (std::string const& line :
         {bytes("Content-Length: 80"), bytes("Transfer-Encoding: chunked"), bytes("X : y"),
          bytes("X: y\n"), std::string("X: \0", 4), bytes(" X: y"), bytes("no colon")})
      trailer(line, Fate::refused);
  }

  void add_heads() {
    auto const get = [&](std::string const& line, std::string const& fields) {
      add(line + " / " + fields, line + "\r\n" + fields + "\r\n");
    };
    auto const line = "GET " + get_ + " HTTP/1.1";
    for (std::string const& fields :
         {bytes(""), bytes("Host: localhost\r\nHost: localhost\r\n"),
          bytes("Host: localhost\r\nHost: evil\r\n"), bytes("Host:\r\n"),
          bytes("Host: localhost, evil\r\n"), bytes("Host : localhost\r\n"),
          bytes(" Host: localhost\r\n"), bytes("Host: evil@localhost\r\n"),
          bytes("Host: localhost evil\r\n"), bytes("Host: localhost/evil\r\n")})
      get(line, fields);
    for (std::string const& other :
         {"GET " + get_ + " HTTP/1.1 ", "GET " + get_ + " http/1.1", "GET " + get_ + " HTTP/1.2",
          "GET " + get_ + " HTTP/2.0", "GET " + get_ + " HTTP/1.1\rX", "GET  " + get_ + " HTTP/1.1",
          "GET\t" + get_ + "\tHTTP/1.1", "GET " + get_, " GET " + get_ + " HTTP/1.1",
          "G(T " + get_ + " HTTP/1.1", "GET " + get_ + "\x80 HTTP/1.1",
          "GET " + get_ + bytes(" HTTP/1.1\r\n"), bytes("\r\n") + line})
      get(other, "Host: localhost\r\n");
    add("every line ended by LF", "GET " + get_ + " HTTP/1.1\nHost: localhost\n\n");
    add("an absolute target", "GET http://evil" + get_ + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
        Fate::two, Fate::refused);
  }

  // Bodies where a careless reader expects none: the hidden request is in them.
  void add_bodies() {
    auto const fill = [&](std::string name, std::string const& head) {
      rows_.push_back(
          {std::move(name),
           head + "Content-Length: " + std::to_string(hidden().size()) + "\r\n\r\n" + hidden(),
           Fate::one, Fate::one});
    };
    for (std::string_view method : {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"}) {
      auto const head = bytes(method) + " " + get_ + " HTTP/1.1\r\nHost: localhost\r\n";
      fill(bytes(method) + " with a body", head);
      rows_.push_back({bytes(method) + " with a chunked body",
                       head + "Transfer-Encoding: chunked\r\n\r\n" + in_hex(hidden().size()) +
                           "\r\n" + hidden() + "\r\n0\r\n\r\n",
                       Fate::one, Fate::one});
    }
    auto const head = "POST " + post_ + " HTTP/1.1\r\nHost: localhost\r\n";
    fill("a coding by another name", head + "Transfer_Encoding: chunked\r\n");
    fill("a coding for one hop", head + "TE: chunked\r\n");
    fill("a length that a proxy might strip", head + "Connection: Content-Length\r\n");
    fill("a length in another header", head + "X-Content-Length: 0\r\n");
  }

  static std::string in_hex(std::size_t number) {
    std::string digits;
    for (; number > 0; number /= 16) digits.insert(digits.begin(), "0123456789abcdef"[number % 16]);
    return digits;
  }

  std::string post_, get_;
  std::vector<Smuggling> rows_;
};

}  // namespace faas::test
