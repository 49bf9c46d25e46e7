#include "registry/secrets.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <span>

#include "base/check.hpp"
#include "base/text.hpp"

namespace faas::inline v0::registry {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kKeyIdSize = 8;
constexpr std::size_t kNonceSize = 12;  // what GCM is made for: no other length is hashed first
constexpr std::size_t kTagSize = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
unsigned char const* bytes(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

// Of the library, with arguments that are ours: none of these fails but for want of memory.
void must(int result) { FAAS_CHECK(result == 1); }

Context context_of(unsigned char const* key, std::string_view nonce, bool encrypt) {
  Context context(EVP_CIPHER_CTX_new());
  FAAS_CHECK(context != nullptr);
  must(EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key, bytes(nonce),
                         encrypt ? 1 : 0));
  return context;
}

void authenticate(Context const& context, std::string_view whose) {
  int size = 0;
  must(EVP_CipherUpdate(context.get(), nullptr, &size, bytes(whose),
                        static_cast<int>(whose.size())));
}

std::string pass(Context const& context, std::string_view text) {
  std::string out(text.size(), '\0');
  int size = 0;
  must(EVP_CipherUpdate(context.get(), bytes(out), &size, bytes(text),
                        static_cast<int>(text.size())));
  return out;
}

std::string id_of(std::string_view key) {
  std::array<std::byte, SHA256_DIGEST_LENGTH> sum{};
  SHA256(bytes(key), key.size(), reinterpret_cast<unsigned char*>(sum.data()));
  return to_hex(std::span(sum).first(kKeyIdSize));
}

}  // namespace

struct Secrets::Key {
  std::array<unsigned char, kKeySize> bytes{};
  std::string id;

  ~Key() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

Result<Secrets> Secrets::of(std::string&& key) {
  if (key.empty()) return Secrets();
  if (key.size() != kKeySize) {
    auto const size = key.size();
    OPENSSL_cleanse(key.data(), key.size());
    return Error{
        Errc::invalid_argument,
        fmt::format("the secrets key has {} bytes: it must have {}, random ones", size, kKeySize),
        "SecretsKeyInvalid", "registry"};
  }
  auto made = std::make_shared<Key>();
  key.copy(reinterpret_cast<char*>(made->bytes.data()), kKeySize);
  made->id = id_of(key);
  OPENSSL_cleanse(key.data(), key.size());
  key.clear();
  Secrets secrets;
  secrets.key_ = std::move(made);
  return secrets;
}

std::string const& Secrets::key_id() const {
  static std::string const none;
  return key_ ? key_->id : none;
}

std::string Secrets::seal(std::string_view text, std::string_view whose) const {
  FAAS_CHECK(key_ != nullptr);
  std::string nonce(kNonceSize, '\0');
  must(RAND_bytes(bytes(nonce), kNonceSize));
  auto const context = context_of(key_->bytes.data(), nonce, true);
  authenticate(context, whose);
  auto sealed = nonce + pass(context, text);
  int size = 0;
  std::string tag(kTagSize, '\0');
  must(EVP_CipherFinal_ex(context.get(), nullptr, &size));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag.data()));
  return to_base64(sealed + tag);
}

Result<std::string> Secrets::open(std::string_view sealed, std::string_view whose) const {
  auto const refused = Error{Errc::corrupt, "sealed for another function, or changed since",
                             "StateCorrupt", "registry"};
  auto const raw = from_base64(sealed);
  if (!key_ || !raw || raw->size() < kNonceSize + kTagSize) return refused;
  auto const whole = std::string_view(*raw);
  auto tag = std::string(whole.substr(whole.size() - kTagSize));
  auto const context = context_of(key_->bytes.data(), whole.substr(0, kNonceSize), false);
  authenticate(context, whose);
  auto text = pass(context, whole.substr(kNonceSize, whole.size() - kNonceSize - kTagSize));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()));
  int size = 0;
  if (EVP_CipherFinal_ex(context.get(), nullptr, &size) == 1) return text;
  OPENSSL_cleanse(text.data(), text.size());
  return refused;
}

}  // namespace faas::inline v0::registry
