// Where a request may connect to that somebody untrusted configured, e.g. a function's destination.
// Pure: it is asked about an address, never about a name, so that what is checked is what is
// connected to. Closed unless public unicast (IANA's special-purpose registries, RFC 6890), or
// opened by the operator.
#pragma once

#include <array>
#include <cstdint>
#include <faas/error.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0::fetch {

// The addresses whose first `length` bits are those of `first`. An IPv4 one has 4 bytes, an IPv6
// one 16; the rest are zero.
struct Network {
  std::array<std::uint8_t, 16> first{};
  std::size_t bytes = 4;
  unsigned length = 32;

  bool contains(std::span<std::uint8_t const> address) const;
  friend bool operator==(Network const&, Network const&) = default;
};

// "10.1.0.0/16", "fd00::/8". Errors: invalid_argument, for no length, a bit set beyond it, and an
// IPv4 address in IPv6 form (it is judged as the IPv4 one: such a network would open nothing).
Result<Network> parse_network(std::string_view);

class AddressGuard {
 public:
  AddressGuard() = default;  // opens nothing
  // An address in one of them is open, also where it is special. A network of IPv4 opens an address
  // and its IPv4-mapped form, not what a gateway would translate to it (NAT64).
  explicit AddressGuard(std::vector<Network> allowed) : allowed_(std::move(allowed)) {}

  // Of 4 bytes or 16, in network order. Errors: denied, reason "AddressRefused".
  Result<void> check(std::span<std::uint8_t const> address) const;

 private:
  bool allows(std::span<std::uint8_t const> address) const;

  std::vector<Network> allowed_;
};

}  // namespace faas::inline v0::fetch
