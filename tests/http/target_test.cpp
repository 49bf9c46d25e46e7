#include <doctest/doctest.h>

#include "http/head.hpp"
#include "support/result.hpp"

using namespace faas;
using namespace faas::http;

TEST_CASE("a path is split before it is decoded") {
  auto const target =
      parse_target("/2015-03-31/functions/arn%3Aaws%3Alambda%2Ff?Qualifier=%24LATEST&Marker=a+b");
  REQUIRE(target);
  CHECK(target->segments ==
        std::vector<std::string>{"2015-03-31", "functions", "arn:aws:lambda/f"});
  CHECK(target->parameter("Qualifier") == "$LATEST");
  CHECK(target->parameter("Marker") == "a b");
  CHECK_FALSE(target->parameter("None"));
}

TEST_CASE("dots and empty segments stay what they are") {
  auto const target = parse_target("/function/..//%2e%2e/x%00");
  REQUIRE(target);
  CHECK(target->segments ==
        std::vector<std::string>{"function", "..", "", "..", std::string("x\0", 2)});
}

TEST_CASE("a malformed escape is refused") {
  for (auto const* text : {"/%", "/%4", "/%zz", "/a?b=%f", "/%+1", "/% 1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_target(text));
  }
  CHECK(parse_target(std::string(8193, '/')).error().code == Errc::too_large);
}

TEST_CASE("only loopback names are answered to") {
  for (auto const* host : {"localhost", "LOCALHOST:9000", "localhost.", "f.localhost:80",
                           "127.0.0.1", "127.0.0.1:9000", "127.1.2.3", "[::1]", "[::1]:9000"}) {
    CAPTURE(host);
    CHECK(known_host(host));
  }
  for (auto const* host :
       {"evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.1.evil.example",
        "127.evil", "10.0.0.1", "[::2]", "[::1]evil", "[::1]:x", "localhost:9000:1",
        "localhost@evil", "0.0.0.0", "127.0.0.1:evil", "", ":80", "127.0.0"}) {
    CAPTURE(host);
    CHECK_FALSE(known_host(host));
  }
}

TEST_CASE("only pages of loopback names are answered") {
  for (auto const* origin : {"http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"}) {
    CAPTURE(origin);
    CHECK(known_origin(origin));
  }
  for (auto const* origin : {"null", "", "http://evil.example", "https://localhost.evil.example",
                             "file://", "localhost", "ftp://localhost", "http://", "*"}) {
    CAPTURE(origin);
    CHECK_FALSE(known_origin(origin));
  }
}

TEST_CASE("names that were given are answered to, by hosts and by pages") {
  Names const more{"faas.example", "10.0.0.1", "[fd00::1]"};
  for (auto const* host : {"faas.example", "FAAS.example:9000", "faas.example.", "10.0.0.1:1",
                           "[fd00::1]", "[FD00::1]:9000", "localhost"}) {
    CAPTURE(host);
    CHECK(known_host(host, more));
    CHECK(known_origin(std::string("https://") + host, more));
  }
  for (auto const* host : {"evil.example", "faas.example.evil", "x.faas.example", "10.0.0.1.evil",
                           "faas.example:x", "[fd00::1", "[fd00::2]", "*", ""}) {
    CAPTURE(host);
    CHECK_FALSE(known_host(host, more));
    CHECK_FALSE(known_origin(std::string("https://") + host, more));
  }
}

TEST_CASE("any host may be answered to, but no page of any site") {
  CHECK(known_host("evil.example", {"*"}));
  CHECK(known_host("anything at all", {"*"}));
  CHECK_FALSE(known_origin("http://evil.example", {"*"}));
  CHECK(known_origin("http://localhost", {"*"}));
}
