#include "fetch/address_guard.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace faas::inline v0::fetch {
namespace {

using AddressBytes = std::span<std::uint8_t const>;

struct Special {
  std::string_view network;
  std::string_view what;
};

// The narrower ones first: the first that holds the address names it.
constexpr Special kSpecialV4[] = {
    {"0.0.0.0/8", "this network"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "carrier-grade NAT"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local, where clouds keep their metadata"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "IETF protocols"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "6to4 relays"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "benchmarking"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"255.255.255.255/32", "broadcast"},
    {"240.0.0.0/4", "reserved"},
};

constexpr Special kSpecialV6[] = {
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    {"::/96", "IPv4-compatible"},
    {"64:ff9b:1::/48", "local NAT64"},
    {"2001::/32", "Teredo"},
    {"2001::/23", "IETF protocols"},
    {"2001:db8::/32", "documentation"},
    {"2002::/16", "6to4"},
    {"3fff::/20", "documentation"},
    {"fc00::/7", "unique local"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};
constexpr std::string_view kMapped = "::ffff:0:0/96";
constexpr std::string_view kNat64 = "64:ff9b::/96";
constexpr std::string_view kGlobalUnicast = "2000::/3";

std::string shown(AddressBytes address) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof text);
  return text;
}

// Without the refusal of the mapped ones, of which the guard itself knows.
std::optional<Network> network_of(std::string_view address, unsigned length) {
  Network out;
  out.length = length;
  out.bytes = address.find(':') == std::string_view::npos ? 4 : 16;
  auto const family = out.bytes == 4 ? AF_INET : AF_INET6;
  if (inet_pton(family, std::string(address).c_str(), out.first.data()) != 1) return std::nullopt;
  return out;
}

std::optional<Network> parse(std::string_view text) {
  auto const slash = std::min(text.find('/'), text.size());
  auto const digits = text.substr(std::min(slash + 1, text.size()));
  unsigned length = 0;
  auto const* const last = digits.data() + digits.size();
  auto const [end, error] = std::from_chars(digits.data(), last, length);
  if (error != std::errc{} || end != last) return std::nullopt;
  auto network = network_of(text.substr(0, slash), length);
  if (!network || length > network->bytes * 8) return std::nullopt;
  return network;
}

bool within(AddressBytes address, std::string_view network) {
  return parse(network)->contains(address);
}

template <std::size_t n>
std::optional<Special> special_of(AddressBytes address, Special const (&table)[n]) {
  auto const* const found =
      std::ranges::find_if(table, [&](Special const& s) { return within(address, s.network); });
  if (found == std::end(table)) return std::nullopt;
  return *found;
}

// Why an address is not public unicast.
std::optional<Special> special(AddressBytes address) {
  if (address.size() == 4) return special_of(address, kSpecialV4);
  if (within(address, kNat64)) return special(address.last(4));
  if (auto const found = special_of(address, kSpecialV6)) return found;
  if (!within(address, kGlobalUnicast)) return Special{"::/0", "not global unicast"};
  return std::nullopt;
}

Network masked(Network network) {
  for (unsigned bit = network.length; bit < network.bytes * 8; ++bit)
    network.first[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  return network;
}

Error bad(std::string_view text, std::string_view why) {
  return {Errc::invalid_argument,
          fmt::format("'{}' is not a network: {}. Write it as 10.1.0.0/16 or fd00::/8", text, why),
          "", "address"};
}

}  // namespace

bool Network::contains(AddressBytes address) const {
  if (address.size() != bytes) return false;
  for (unsigned bit = 0; bit < length; ++bit) {
    if (((address[bit / 8] ^ first[bit / 8]) & (0x80U >> bit % 8)) != 0) return false;
  }
  return true;
}

Result<Network> parse_network(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return bad("", "it holds a zero byte");
  if (text.find('/') == std::string_view::npos)
    return bad(text, "the length is missing (one IPv4 address is /32, one IPv6 address /128)");
  auto const network = parse(text);
  if (!network) return bad(text, "no address and its length in bits");
  auto const first = masked(*network);
  if (first != *network) {
    auto const bytes = AddressBytes(first.first).first(first.bytes);
    return bad(text, fmt::format("bits are set beyond its length; it may be {}/{}", shown(bytes),
                                 first.length));
  }
  if (network->bytes == 16 && network->length >= 96 && within(network->first, kMapped))
    return bad(text, "an IPv4-mapped address is judged as its IPv4 address, name that");
  return *network;
}

bool AddressGuard::allows(AddressBytes address) const {
  return std::ranges::any_of(allowed_, [&](Network const& n) { return n.contains(address); });
}

Result<void> AddressGuard::check(AddressBytes address) const {
  if (address.size() != 4 && address.size() != 16) {
    return Error{Errc::denied, fmt::format("An address of {} bytes is refused", address.size()),
                 "AddressRefused", "address"};
  }
  if (address.size() == 16 && within(address, kMapped)) return check(address.last(4));
  auto const found = special(address);
  if (!found || allows(address)) return {};
  return Error{Errc::denied,
               fmt::format("{0} is refused: it is in {1} ({2}), and only public addresses are "
                           "reached. To open it, allow {0}/{3}",
                           shown(address), found->network, found->what, address.size() * 8),
               "AddressRefused", "address"};
}

}  // namespace faas::inline v0::fetch
