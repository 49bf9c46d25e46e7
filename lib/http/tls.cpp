#include "http/tls.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "base/text.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kSessions = "faas";

// The reason of OpenSSL's last complaint; forgets all of them.
std::string last_reason() {
  auto const code = ERR_peek_last_error();
  char const* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown" : reason;
}

Error unusable(std::string_view what, std::string const& path) {
  return {Errc::invalid_argument,
          fmt::format("The TLS {} {} cannot be used: {}. It must be a PEM file that this process "
                      "may read.",
                      what, path, last_reason()),
          "", "tls"};
}

Result<void> use_certificate(SSL_CTX* context, TlsOptions const& options) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
    return unusable("certificate", options.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return unusable("key", options.key);
  return {};
}

Result<void> ask_clients(SSL_CTX* context, std::string const& ca) {
  if (SSL_CTX_load_verify_file(context, ca.c_str()) != 1) return unusable("client CA", ca);
  auto* const names = SSL_load_client_CA_file(ca.c_str());
  if (names == nullptr) return unusable("client CA", ca);
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsStream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Result<TlsContext> TlsContext::load(TlsOptions const& options) {
  TlsContext tls;
  tls.context_.reset(SSL_CTX_new(TLS_server_method()));
  auto* const context = tls.context_.get();
  FAAS_CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // No ticket: a client's certificate is not kept where we cannot forget it.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  FAAS_CHECK(SSL_CTX_set_session_id_context(
                 context, reinterpret_cast<unsigned char const*>(kSessions.data()),
                 static_cast<unsigned>(kSessions.size())) == 1);
  if (auto r = use_certificate(context, options); !r) return r.error();
  if (!options.client_ca.empty()) {
    if (auto r = ask_clients(context, options.client_ca); !r) return r.error();
  }
  return tls;
}

TlsStream::TlsStream(TlsContext const& context) : ssl_(SSL_new(context.context_.get())) {
  auto* const in = BIO_new(BIO_s_mem());
  auto* const out = BIO_new(BIO_s_mem());
  FAAS_CHECK(ssl_ != nullptr && in != nullptr && out != nullptr);
  BIO_set_mem_eof_return(in, -1);  // empty is not the end: there may be more to feed
  SSL_set_bio(ssl_.get(), in, out);
  SSL_set_accept_state(ssl_.get());
}

void TlsStream::feed(std::span<char const> bytes) {
  auto const size = static_cast<int>(bytes.size());
  FAAS_CHECK(BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), size) == size);
}

std::size_t TlsStream::unread() const { return BIO_ctrl_pending(SSL_get_rbio(ssl_.get())); }

TlsStream::Step TlsStream::step_of(int result) {
  if (result > 0) return Step::done;
  auto const error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ ? Step::starved : Step::over;
}

TlsStream::Step TlsStream::shake_hands() {
  ERR_clear_error();
  return step_of(SSL_do_handshake(ssl_.get()));
}

TlsStream::Plain TlsStream::decrypt(std::span<char> into) {
  ERR_clear_error();
  std::size_t count = 0;
  auto const step = step_of(SSL_read_ex(ssl_.get(), into.data(), into.size(), &count));
  return {step, step == Step::done ? count : 0};
}

bool TlsStream::ended() {
  ERR_clear_error();
  char byte = 0;
  std::size_t count = 0;
  return step_of(SSL_peek_ex(ssl_.get(), &byte, 1, &count)) == Step::over;
}

bool TlsStream::encrypt(std::string_view plain) {
  ERR_clear_error();
  std::size_t count = 0;
  return plain.empty() ||
         step_of(SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &count)) == Step::done;
}

void TlsStream::say_goodbye() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string_view TlsStream::pending() const {
  char* data = nullptr;
  auto const size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
  return size > 0 ? std::string_view(data, static_cast<std::size_t>(size)) : std::string_view();
}

void TlsStream::sent(std::size_t bytes) {
  std::array<char, 4096> gone;
  while (bytes > 0) {
    auto const piece = std::min(bytes, gone.size());
    FAAS_CHECK(BIO_read(SSL_get_wbio(ssl_.get()), gone.data(), static_cast<int>(piece)) ==
               static_cast<int>(piece));
    bytes -= piece;
  }
}

std::string TlsStream::client_certificate() const {
  if (SSL_get_verify_result(ssl_.get()) != X509_V_OK) return {};
  std::unique_ptr<X509, decltype(&X509_free)> const shown(SSL_get1_peer_certificate(ssl_.get()),
                                                          &X509_free);
  if (shown == nullptr) return {};
  std::array<std::byte, 32> sum{};
  unsigned size = 0;
  FAAS_CHECK(X509_digest(shown.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(sum.data()),
                         &size) == 1 &&
             size == sum.size());
  return to_hex(sum);
}

}  // namespace faas::inline v0::http
