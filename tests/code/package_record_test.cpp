#include "code/package_record.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::code;

namespace {

Digest const kDigest{std::string(64, 'd')};
Package const kPackage{kDigest, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", 22_B, 0_B};

}  // namespace

TEST_CASE("a record is read back as it was written") {
  auto const text = to_record(kPackage);
  CHECK(
      text.starts_with("faas-package 1\ncode-sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
                       "size 22\nunpacked 0\nsum "));
  auto const package = from_record(text, kDigest);
  REQUIRE(package.has_value());
  CHECK(package->digest == kPackage.digest);
  CHECK(package->code_sha256 == kPackage.code_sha256);
  CHECK(package->size == kPackage.size);
  CHECK(package->unpacked == kPackage.unpacked);
  CHECK(upload_name(*package) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a record with any bit flipped, cut or lengthened is none") {
  auto const text = to_record(kPackage);
  for (std::size_t i = 0; i < text.size() * 8; ++i) {
    auto bad = text;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ 1 << i % 8);
    CHECK_FALSE(from_record(bad, kDigest));
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK_FALSE(from_record(text.substr(0, size), kDigest));
  }
  CHECK_FALSE(from_record(text + "\n", kDigest));
}

TEST_CASE("a record whose sum is right but whose fields are not is none") {
  for (auto bad :
       {"", "short", "../../../../etc/passwd", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF"}) {
    auto package = kPackage;
    package.code_sha256 = bad;
    CHECK_FALSE(from_record(to_record(package), kDigest));
  }
}
