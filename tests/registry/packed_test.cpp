#include "registry/packed.hpp"

#include <doctest/doctest.h>

#include "vocabulary.hpp"

using namespace faas;
using namespace faas::test;
using namespace faas::registry;

namespace {

bool same(FunctionInfo const& a, FunctionInfo const& b) {
  return a.function == b.function && a.revision == b.revision &&
         a.revision_uuid == b.revision_uuid && a.version == b.version &&
         a.code_sha256 == b.code_sha256 && a.code_size == b.code_size &&
         a.last_modified == b.last_modified;
}

bool returns(FunctionInfo const& info) { return same(unpack(pack(info)), info); }

FunctionInfo full() {
  auto f = function("hello");
  f.name.account = "123456789012";
  f.limits = {.memory = 10'240_MiB,
              .tmp = 600_MiB,
              .timeout = milliseconds(900'000),
              .concurrency = 100'000,
              .queue = 0,
              .capacity = 8};
  f.layers = {{std::string(64, 'b')}, {"no digest"}};
  f.environment = {{"KEY", "välue \n"}, {"EMPTY", ""}, {"NUL", std::string("nul\0in", 6)}};
  f.annotations = {{"", "no key"}, {"tags", std::string(60'000, 't')}};
  f.description = "日本";
  auto i = info(std::move(f), "01234567-89ab-4def-8123-456789abcdef");
  i.revision = RevisionId{0xFEDCBA9876543210};
  return i;
}

}  // namespace

TEST_CASE("a packed function comes back as it was") {
  CHECK(returns(full()));
  CHECK(returns(info(function("hello"))));
  CHECK(returns(FunctionInfo{}));
  auto before_1970 = full();
  before_1970.last_modified = SystemTime(std::chrono::nanoseconds(-1));
  before_1970.code_size = {~std::uint64_t{0}};
  CHECK(returns(before_1970));
}

TEST_CASE("text that only resembles an encoding comes back as it was, too") {
  for (std::string const text :
       {"", "a", "ab", "AB", "abc", "0g", "zz", "====", "ab==", "ab=c", "QQ==", "QR==", "QUI=",
        "01234567-89ab-4def-8123-456789abcdef", "01234567-89AB-4def-8123-456789abcdef",
        "0123456789ab-4def-8123-456789abcdef-", "01234567+89ab-4def-8123-456789abcdef",
        "------------------------------------", "0123456-789ab-4def-8123-456789abcdef"}) {
    CAPTURE(text);
    auto i = full();
    i.function.code.hex = text;
    i.revision_uuid = text;
    i.code_sha256 = text;
    i.version = text;
    CHECK(returns(i));
  }
}

TEST_CASE("account, name and revision are read where they lie") {
  auto const packed = pack(full());
  CHECK(packed_account(packed) == "123456789012");
  CHECK(packed_name(packed) == "hello");
  CHECK(packed_name(packed).data() > packed.data());
  CHECK(packed_revision(packed) == RevisionId{0xFEDCBA9876543210});
}

TEST_CASE("encoded bytes take their own length") {
  auto long_form = full();
  auto short_form = full();
  long_form.function.code.hex = std::string(64, 'A');
  CHECK(pack(long_form).size() - pack(short_form).size() >= 32);
  long_form = full();
  long_form.revision_uuid[14] = 'X';
  CHECK(pack(long_form).size() - pack(short_form).size() >= 20);
}
