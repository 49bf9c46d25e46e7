#include "code/sha256.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"

using namespace faas;
using namespace faas::code;

namespace {

std::span<std::byte const> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string hex(Sum const& sum) { return to_hex(sum); }

}  // namespace

TEST_CASE("sums are those of FIPS 180-4's examples") {
  CHECK(hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(sha256(bytes("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha256(bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("a sum does not depend on how its bytes came") {
  std::string const text(200, 'a');
  auto const whole = sha256(bytes(text));
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 hash;
    hash.update(bytes(text).first(cut));
    hash.update(bytes(text).subspan(cut));
    CHECK(hash.finish() == whole);
  }
  CHECK(Sha256().finish() == sha256({}));
}

TEST_CASE("only 64 lower-case hexadecimal digits are a sum's name") {
  auto const good = hex(sha256({}));
  CHECK(is_sum(good));
  CHECK_FALSE(is_sum(""));
  CHECK_FALSE(is_sum(good.substr(1)));
  CHECK_FALSE(is_sum(good + "0"));
  for (char bad : {'A', 'F', 'g', '/', '.', ':', '`', '\0', ' '}) {
    for (std::size_t at : {0u, 31u, 63u}) {
      auto name = good;
      name[at] = bad;
      CHECK_FALSE(is_sum(name));
    }
  }
}
