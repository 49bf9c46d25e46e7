// Keys and certificates made for one test, as PEM files in a folder that goes with it.
#pragma once

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "base/text.hpp"
#include "support/temp_dir.hpp"

namespace faas::test {

template <class T, void (*free)(T*)>
struct FreeWith {
  void operator()(T* t) const { free(t); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509, X509_free>>;

struct Identification {
  std::string certificate, key;  // files
  std::string sha256;
};

// An authority, and what it signs.
class Authority {
 public:
  explicit Authority(std::string name) : name_(std::move(name)), key_(EVP_EC_gen("P-256")) {
    certificate_ = make(name_, key_.get());
    write(file("ca"), [&](std::FILE* f) { return PEM_write_X509(f, certificate_.get()); });
  }

  std::string certificate() const { return file("ca"); }

  Identification issue(std::string const& name) {
    Key const key(EVP_EC_gen("P-256"));
    auto const certificate = make(name, key.get());
    Identification out{file(name + ".crt"), file(name + ".key"), fingerprint(certificate.get())};
    write(out.certificate, [&](std::FILE* f) { return PEM_write_X509(f, certificate.get()); });
    write(out.key, [&](std::FILE* f) {
      return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return out;
  }

 private:
  std::string file(std::string const& name) const { return directory_ / name; }

  template <class Write>
  static void write(std::string const& path, Write pem) {
    std::FILE* const f = std::fopen(path.c_str(), "w");
    REQUIRE(f != nullptr);
    CHECK(pem(f) == 1);
    std::fclose(f);
  }

  static std::string fingerprint(X509* certificate) {
    std::array<std::byte, 32> sum{};
    REQUIRE(X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(sum.data()),
                        nullptr) == 1);
    return to_hex(sum);
  }

  Certificate make(std::string const& name, EVP_PKEY* key) {
    Certificate certificate(X509_new());
    auto* const x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    add_name(X509_get_subject_name(x), name);
    add_name(X509_get_issuer_name(x), name_);
    bool const root = certificate_ == nullptr;
    auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints,
                                                root ? "critical,CA:TRUE" : "CA:FALSE");
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    REQUIRE(X509_sign(x, key_.get(), EVP_sha256()) > 0);
    return certificate;
  }

  static void add_name(X509_NAME* to, std::string const& name) {
    X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_ASC,
                               reinterpret_cast<unsigned char const*>(name.c_str()), -1, -1, 0);
  }

  TempDir directory_;
  std::string name_;
  Key key_;
  Certificate certificate_;
  long serial_ = 0;
};

}  // namespace faas::test
