#include "code/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.hpp"

namespace faas::inline v0::code {

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  FAAS_CHECK(context_->evp != nullptr);
  FAAS_CHECK(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::update(std::span<std::byte const> bytes) {
  FAAS_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

Sum Sha256::finish() {
  Sum sum;
  FAAS_CHECK(EVP_DigestFinal_ex(context_->evp, reinterpret_cast<unsigned char*>(sum.data()),
                                nullptr) == 1);
  return sum;
}

Sum sha256(std::span<std::byte const> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

bool is_sum(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace faas::inline v0::code
