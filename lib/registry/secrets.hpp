// Environments of functions as the database holds them: sealed with AES-256-GCM, or in clear where
// there is no key.
#pragma once

#include <faas/error.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace faas::inline v0::registry {

// A handle, cheap to copy; thread-safe. The key is wiped from memory with the last one.
class Secrets {
 public:
  Secrets() = default;  // no key
  // 32 bytes, which are wiped where they came from; empty: no key. Errors: invalid_argument.
  static Result<Secrets> of(std::string&& key);

  bool has_key() const { return key_ != nullptr; }
  // Tells keys apart, and nothing else of them: 16 hex digits of the key's SHA-256. Empty: no key.
  std::string const& key_id() const;

  // With a key only. Each call gives another text (a random nonce). `whose` is authenticated with
  // it: what was sealed for one row does not open in another.
  std::string seal(std::string_view text, std::string_view whose) const;
  // Errors: corrupt (changed, sealed with another key, or for somebody else).
  Result<std::string> open(std::string_view sealed, std::string_view whose) const;

 private:
  struct Key;
  std::shared_ptr<Key const> key_;
};

}  // namespace faas::inline v0::registry
