#include "registry/secrets.hpp"

#include <doctest/doctest.h>

#include <set>

#include "base/text.hpp"
#include "support/result.hpp"

using namespace faas;
using registry::Secrets;

namespace {

Secrets key(char byte) { return Secrets::of(std::string(32, byte)).value(); }

}  // namespace

TEST_CASE("what is sealed opens with the same key for the same owner, whatever its length") {
  for (std::size_t const length : {0, 1, 15, 16, 17, 4096}) {
    CAPTURE(length);
    std::string const text(length, 't');
    auto const sealed = key('a').seal(text, "owner");
    CHECK(key('a').open(sealed, "owner").value() == text);
    CHECK(key('b').open(sealed, "owner").has_error());
    CHECK(key('a').open(sealed, "other").has_error());
    CHECK(Secrets().open(sealed, "owner").has_error());
  }
}

TEST_CASE("a text that was changed in any byte, or cut, does not open") {
  auto const sealed = from_base64(key('a').seal("text", "owner")).value();
  REQUIRE(sealed.size() == 12 + 4 + 16);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    CAPTURE(i);
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK(key('a').open(to_base64(changed), "owner").error().code == Errc::corrupt);
    CHECK(key('a').open(to_base64(sealed.substr(0, i)), "owner").error().code == Errc::corrupt);
  }
  CHECK(key('a').open("no base64", "owner").error().code == Errc::corrupt);
  CHECK(key('a').open(to_base64(sealed), "owner").value() == "text");
}

TEST_CASE("no two seals of one text are alike") {
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i)
    nonces.insert(from_base64(key('a').seal("text", "owner")).value().substr(0, 12));
  CHECK(nonces.size() == 1000);
}

TEST_CASE("a key has 32 bytes, and is wiped where it came from") {
  CHECK_FALSE(Secrets::of("").value().has_key());
  CHECK(Secrets::of("").value().key_id().empty());
  for (std::size_t const size : {1, 31, 33, 64}) {
    auto const refused = Secrets::of(std::string(size, 'k')).error();
    CHECK(refused.code == Errc::invalid_argument);
    CHECK(refused.message.find(std::to_string(size)) != std::string::npos);
  }
  std::string source(32, 'k');
  auto const* bytes = source.data();
  CHECK(Secrets::of(std::move(source)).value().has_key());
  CHECK(std::string_view(bytes, 32).find('k') == std::string_view::npos);
}

TEST_CASE("a key's id is of its SHA-256, not of the key") {
  CHECK(key('k').key_id().size() == 16);
  CHECK(key('k').key_id() == "5e318f8cf9cbe249");
  CHECK(key('a').key_id() != key('b').key_id());
}
