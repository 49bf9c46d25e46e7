#include "fetch/address_guard.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include "support/result.hpp"

using namespace faas;
using namespace faas::fetch;

namespace {

std::vector<std::uint8_t> address(std::string const& text) {
  bool const v6 = text.find(':') != std::string::npos;
  std::vector<std::uint8_t> bytes(v6 ? 16 : 4);
  REQUIRE(inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1);
  return bytes;
}

AddressGuard opened(std::string_view network) {
  return AddressGuard({parse_network(network).value()});
}

}  // namespace

TEST_CASE("what is not public unicast is refused, by the name of its range") {
  struct Refused {
    char const* address;
    char const* range;
  };
  for (auto const& [text, range] : std::initializer_list<Refused>{
           {"0.0.0.0", "0.0.0.0/8"},
           {"0.255.255.255", "0.0.0.0/8"},
           {"10.0.0.0", "10.0.0.0/8"},
           {"10.255.255.255", "10.0.0.0/8"},
           {"100.64.0.0", "100.64.0.0/10"},
           {"100.127.255.255", "100.64.0.0/10"},
           {"127.0.0.1", "127.0.0.0/8"},
           {"127.255.255.255", "127.0.0.0/8"},
           {"169.254.169.254", "169.254.0.0/16"},
           {"172.16.0.0", "172.16.0.0/12"},
           {"172.31.255.255", "172.16.0.0/12"},
           {"192.0.0.1", "192.0.0.0/24"},
           {"192.0.2.1", "192.0.2.0/24"},
           {"192.88.99.1", "192.88.99.0/24"},
           {"192.168.0.0", "192.168.0.0/16"},
           {"192.168.255.255", "192.168.0.0/16"},
           {"198.18.0.0", "198.18.0.0/15"},
           {"198.19.255.255", "198.18.0.0/15"},
           {"198.51.100.1", "198.51.100.0/24"},
           {"203.0.113.1", "203.0.113.0/24"},
           {"224.0.0.1", "224.0.0.0/4"},
           {"239.255.255.255", "224.0.0.0/4"},
           {"240.0.0.1", "240.0.0.0/4"},
           {"255.255.255.255", "255.255.255.255/32"},
           {"::", "::/128"},
           {"::1", "::1/128"},
           {"::127.0.0.1", "::/96"},
           {"::ffff:127.0.0.1", "127.0.0.0/8"},
           {"::ffff:169.254.169.254", "169.254.0.0/16"},
           {"::ffff:0:127.0.0.1", "::/0"},
           {"64:ff9b::10.0.0.1", "10.0.0.0/8"},
           {"64:ff9b:1::8.8.8.8", "64:ff9b:1::/48"},
           {"100::1", "::/0"},
           {"2001::1", "2001::/32"},
           {"2001:2::1", "2001::/23"},
           {"2001:db8::1", "2001:db8::/32"},
           {"2002:7f00:1::", "2002::/16"},
           {"3fff::1", "3fff::/20"},
           {"4000::1", "::/0"},
           {"fc00::1", "fc00::/7"},
           {"fd00:ec2::254", "fc00::/7"},
           {"fe80::1", "fe80::/10"},
           {"febf::1", "fe80::/10"},
           {"fec0::1", "fec0::/10"},
           {"ff02::1", "ff00::/8"},
       }) {
    auto const shown = std::string(text);  // a binding cannot be captured
    CAPTURE(shown);
    auto const passed = AddressGuard().check(address(text));
    REQUIRE_FALSE(passed);
    CHECK(passed.error().code == Errc::denied);
    CHECK(passed.error().reason == "AddressRefused");
    CHECK(passed.error().message.find("in " + std::string(range) + " (") != std::string::npos);
    CHECK(passed.error().message.find("allow ") != std::string::npos);
  }
}

TEST_CASE("a public address passes, also beside a special range") {
  for (auto const* text :
       {"1.0.0.0",          "8.8.8.8",         "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",   "100.128.0.0",     "126.255.255.255", "128.0.0.0",
        "169.253.255.255",  "169.255.0.0",     "172.15.255.255",  "172.32.0.0",
        "192.0.1.0",        "192.0.3.0",       "192.167.255.255", "192.169.0.0",
        "198.17.255.255",   "198.20.0.0",      "223.255.255.255", "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8", "2001:200::1",     "2001:db7::1",     "2001:db9::1",
        "2003::1",          "2606:4700::1111", "3ffe::1"}) {
    CAPTURE(text);
    CHECK(AddressGuard().check(address(text)));
  }
}

TEST_CASE("bytes that are no address are refused") {
  for (std::size_t size : {0, 3, 5, 15, 17}) {
    auto const passed = AddressGuard().check(std::vector<std::uint8_t>(size, 8));
    REQUIRE_FALSE(passed);
    CHECK(passed.error().code == Errc::denied);
  }
}

TEST_CASE("a network that is allowed is open, and nothing beside it") {
  auto const private_one = opened("10.1.0.0/16");
  CHECK(private_one.check(address("10.1.255.255")));
  CHECK(private_one.check(address("::ffff:10.1.0.1")));
  CHECK_FALSE(private_one.check(address("10.2.0.0")));
  CHECK_FALSE(private_one.check(address("64:ff9b::10.1.0.1")));
  CHECK_FALSE(private_one.check(address("a01::1")));  // the same first bits, of the other family
  CHECK(private_one.check(address("8.8.8.8")));
  CHECK(opened("::1/128").check(address("::1")));
  CHECK_FALSE(opened("::1/128").check(address("127.0.0.1")));
  CHECK(opened("0.0.0.0/0").check(address("255.255.255.255")));
  CHECK_FALSE(opened("::/0").check(address("::ffff:127.0.0.1")));
}

TEST_CASE("the refusal says what to allow") {
  auto const passed = AddressGuard().check(address("::ffff:127.0.0.1"));
  CHECK(passed.error().message ==
        "127.0.0.1 is refused: it is in 127.0.0.0/8 (loopback), and only public addresses are "
        "reached. To open it, allow 127.0.0.1/32");
}

TEST_CASE("a network is written with its length and no bit beyond it") {
  for (auto const* text :
       {"", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/8x", "10.0.0/8", "010.0.0.0/8", "::/129", "::g/8", "fe80::%1/128", "host/8",
        "10.1.2.3/16", "fd00::1/8", "::ffff:10.0.0.0/104", "::ffff:0:0/96", " 10.0.0.0/8"}) {
    CAPTURE(text);
    auto const network = parse_network(text);
    REQUIRE_FALSE(network);
    CHECK(network.error().code == Errc::invalid_argument);
  }
  CHECK(parse_network("10.1.2.3/16").error().message.find("may be 10.1.0.0/16") !=
        std::string::npos);
  CHECK(parse_network("10.0.0.1").error().message.find("/32") != std::string::npos);
  CHECK_FALSE(parse_network(std::string_view("10.0.0.0\0/8", 11)));
}
