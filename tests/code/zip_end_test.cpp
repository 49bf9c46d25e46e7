// Where the central directory lies. What a whole zip is refused for stands in zip_refusal_test.cpp.
#include "code/zip_end.hpp"

#include "code/fixture.hpp"

using namespace faas;
using namespace faas::code;
using namespace faas::test;

namespace {

Result<ZipEnd> find(std::string_view zip) { return find_zip_end(ByteFile(bytes(zip))); }
ZipBuilder one_file() { return ZipBuilder().add("a", "content"); }

}  // namespace

TEST_CASE("the end record says where the central directory lies") {
  auto const zip = one_file().finish();
  auto const end = find(zip).value();
  CHECK(end.entries == 1);
  CHECK(end.directory_offset == 30 + 1 + 7);
  CHECK(end.directory_size == 46 + 1);
  CHECK(zip.substr(end.directory_offset, 4) == "PK\1\2");
}

TEST_CASE("the zip64 record says the same of the same file") {
  auto const small = find(one_file().finish()).value();
  auto const big = find(one_file().zip64().finish()).value();
  CHECK(big.entries == small.entries);
  CHECK(big.directory_offset == small.directory_offset);
  CHECK(big.directory_size == small.directory_size);
}

TEST_CASE("a comment moves the end record and nothing else, up to the longest there is") {
  for (std::size_t size : {1u, 100u, 65'535u}) {
    CAPTURE(size);
    auto const end = find(one_file().comment(std::string(size, 'c')).finish());
    REQUIRE(end.has_value());
    CHECK(end->directory_offset == 38);
  }
}

TEST_CASE("an end record is one whose comment ends with the file") {
  auto const zip = one_file().comment("comment").finish();
  CHECK(find(zip).has_value());
  CHECK_FALSE(find(zip + "x").has_value());
  CHECK_FALSE(find(zip.substr(0, zip.size() - 1)).has_value());
}

TEST_CASE("an empty zip is its end record") {
  auto const end = find(ZipBuilder().finish()).value();
  CHECK(end.entries == 0);
  CHECK(end.directory_offset == 0);
  CHECK(end.directory_size == 0);
}
