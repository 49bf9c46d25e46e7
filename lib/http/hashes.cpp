#include "http/hashes.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.hpp"
#include "base/text.hpp"

namespace faas::inline v0::http {
namespace {

unsigned char* raw(Sha256Sum& sum) { return reinterpret_cast<unsigned char*>(sum.data()); }

}  // namespace

Sha256Sum sha256(std::string_view bytes) {
  Sha256Sum sum;
  FAAS_CHECK(EVP_Digest(bytes.data(), bytes.size(), raw(sum), nullptr, EVP_sha256(), nullptr) == 1);
  return sum;
}

Sha256Sum hmac_sha256(std::string_view key, std::string_view bytes) {
  Sha256Sum sum;
  FAAS_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                  reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(), raw(sum),
                  nullptr) != nullptr);
  return sum;
}

std::string_view as_text(Sha256Sum const& sum) {
  return {reinterpret_cast<char const*>(sum.data()), sum.size()};
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace faas::inline v0::http
