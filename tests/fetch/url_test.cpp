#include "fetch/url.hpp"

#include <doctest/doctest.h>

#include "support/result.hpp"

using namespace faas;
using namespace faas::fetch;

TEST_CASE("a URL names a host, a port and a path") {
  auto const full = parse_url("http://localhost:9000/a/b?c=d#e");
  REQUIRE(full);
  CHECK(full->host == "localhost");
  CHECK(full->port == "9000");
  CHECK(full->target == "/a/b?c=d");
  auto const bare = parse_url("127.0.0.1:9000");
  REQUIRE(bare);
  CHECK(bare->host == "127.0.0.1");
  CHECK(bare->target == "/");
  CHECK(parse_url("http://example")->port == "80");
  auto const v6 = parse_url("http://[::1]:9000");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->port == "9000");
}

TEST_CASE("a URL may be a Unix socket") {
  auto const url = parse_url("unix:/run/faasd.sock");
  REQUIRE(url);
  CHECK(url->socket == "/run/faasd.sock");
  CHECK(authority(*url) == "localhost");
  CHECK(shown(*url) == "unix:/run/faasd.sock");
  CHECK(shown(*parse_url("[::1]:9000")) == "http://[::1]:9000");
  for (auto const& text : {std::string("unix:"), std::string("unix:run"), std::string("unix:/a b"),
                           "unix:/" + std::string(107, 'x')}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_url(text));
    CHECK(parse_url(text).error().code == Errc::invalid_argument);
  }
}

TEST_CASE("what is not a URL of a server is refused") {
  for (auto const* text : {"", "http://", "http://:80", "http://h:0", "http://h:65536",
                           "http://h:x", "http://h:", "http://u@h", "http://[::1]evil",
                           "http://[::1]evil:80", "http://::1", "http://a:1:2", "http://[]:80",
                           "http://[::1", "http://h?x", "http://a b", "http://h\r\nX: y"}) {
    CAPTURE(text);
    auto const url = parse_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == Errc::invalid_argument);
  }
  CHECK(parse_url("https://h").error().code == Errc::unsupported);
}

TEST_CASE("a segment is encoded whole") {
  CHECK(percent_encoded("a-b_c.d~1") == "a-b_c.d~1");
  CHECK(percent_encoded("a/b:c $\xc3") == "a%2Fb%3Ac%20%24%C3");
}

TEST_CASE("the authority has the port unless it is the usual one") {
  CHECK(authority(*parse_url("http://h")) == "h");
  CHECK(authority(*parse_url("http://[::1]:9000")) == "[::1]:9000");
}
