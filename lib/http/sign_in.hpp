// Who a client is: by what its request says, and by what is known of its connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <faas/access.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "http/sigv4.hpp"

namespace faas::inline v0::http {

// What is known of a connection before its first request.
struct Peer {
  bool local = true;                 // came to a loopback address or the Unix socket
  bool secure = false;               // over TLS
  std::optional<std::uint32_t> uid;  // of the Unix socket
  std::string certificate;           // SHA-256 of the client's, verified; empty: none
};

// What a request says of who sends it; nothing of it is proved. Views into the head and target.
struct Credentials {
  std::optional<Sigv4Claim> signature;
  std::string_view api_key;

  bool none() const { return !signature && api_key.empty(); }
};

// Immutable, so thread-safe.
class SignIn {
 public:
  using Time = std::chrono::system_clock::time_point;

  // Without `access` local peers are operators, whatever they send, and nobody else is anybody.
  // `required`: local peers must be principals, too. Its principals fulfil check_access.
  SignIn(std::optional<Access> access, bool required, std::string region);
  SignIn(SignIn const&) = delete;

  // Before the body: refuses what no body can make good, and whoever is not known. Errors:
  // IncompleteSignatureException, InvalidSignatureException, MissingAuthenticationTokenException,
  // UnrecognizedClientException.
  LambdaResult<Credentials> look(Peer const&, Head const&, Target const&, Time now) const;

  // Errors: as above. The identity views into this object.
  LambdaResult<Identity> identify(Peer const&, Credentials const&, Head const&, Target const&,
                                  std::string_view body) const;

 private:
  using Index = std::map<std::string, Principal const*, std::less<>>;

  LambdaResult<Identity> by_signature(Sigv4Claim const&, Head const&, Target const&,
                                      std::string_view body) const;
  LambdaResult<Identity> by_connection(Peer const&) const;

  std::optional<Access> access_;
  bool required_;
  std::string region_;
  Index keys_, api_keys_, certificates_;
  std::map<std::uint32_t, Principal const*> uids_;
};

}  // namespace faas::inline v0::http
