#include <doctest/doctest.h>
#include <sys/stat.h>

#include <faas/control.hpp>
#include <filesystem>
#include <fstream>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr std::string_view kHex =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1B1C1D1E1F";

std::string raw() {
  std::string out;
  for (char c = 0; c < 32; ++c) out += c;
  return out;
}

struct KeyFile {
  TempDir directory;
  std::string path = directory / "key";

  explicit KeyFile(std::string_view bytes, unsigned mode = 0600) {
    std::ofstream(path, std::ios::binary) << bytes;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
  }
  Result<std::string> read() const { return find_secrets_key(path, ""); }
};

}  // namespace

TEST_CASE("a key file holds 32 bytes, or 64 hex digits and perhaps an end of line") {
  CHECK(KeyFile(raw()).read().value() == raw());
  CHECK(KeyFile(kHex).read().value() == raw());
  CHECK(KeyFile(std::string(kHex) + "\n").read().value() == raw());
  CHECK(KeyFile(std::string(kHex) + "\r\n").read().value() == raw());
  // 32 bytes are bytes, whatever they look like.
  CHECK(KeyFile(kHex.substr(0, 32)).read().value() == kHex.substr(0, 32));
}

TEST_CASE("what is no key is refused without a byte of it in the message") {
  for (std::string const& bytes :
       {std::string(), raw().substr(1), raw() + "x", std::string(kHex.substr(1)),
        std::string(kHex) + "0", "g" + std::string(kHex.substr(1)), std::string(1 << 20, 'a')}) {
    CAPTURE(bytes.size());
    auto const refused = KeyFile(bytes).read();
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK(refused.error().message.find("64 hex digits") != std::string::npos);
    CHECK(refused.error().message.find("101112") == std::string::npos);
  }
}

TEST_CASE("a key file that others may open is refused, and the message says how to mend it") {
  for (unsigned const mode : {0640, 0604, 0620, 0601}) {
    CAPTURE(mode);
    auto const refused = KeyFile(kHex, mode).read();
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::denied);
    CHECK(refused.error().message.find("chmod 600") != std::string::npos);
  }
  CHECK(KeyFile(kHex, 0400).read().has_value());
}

TEST_CASE("a key file that is not there, or no file, is refused at once") {
  TempDir directory;
  CHECK(find_secrets_key(directory / "key", "").error().code == Errc::not_found);
  CHECK(find_secrets_key(directory.path(), "").has_error());
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(find_secrets_key(directory / "pipe", "").error().code == Errc::invalid_argument);
}

TEST_CASE("without a file the credential that systemd loads is taken, if there is one") {
  TempDir directory;
  CHECK(find_secrets_key("", "").value().empty());
  CHECK(find_secrets_key("", directory.path()).value().empty());
  // systemd guards the directory; the mode it shows may be that of an access list.
  directory.write("faasd-secrets-key", kHex);
  REQUIRE(::chmod((directory / "faasd-secrets-key").c_str(), 0440) == 0);
  CHECK(find_secrets_key("", directory.path()).value() == raw());
  KeyFile const other(std::string(32, 'k'));
  CHECK(find_secrets_key(other.path, directory.path()).value() == std::string(32, 'k'));
  directory.write("faasd-secrets-key", "too short");
  CHECK(find_secrets_key("", directory.path()).error().code == Errc::invalid_argument);
}
