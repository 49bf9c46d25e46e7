// One record and its local header. What a whole zip is refused for stands in zip_refusal_test.cpp.
#include "code/zip_record.hpp"

#include "code/fixture.hpp"
#include "code/zip_end.hpp"

using namespace faas;
using namespace faas::code;
using namespace faas::test;

namespace {

// A zip of one entry, its record, and where its central directory begins.
struct Sample {
  explicit Sample(ZipBuilder const& builder) : zip(builder.finish()) {
    auto const end = find_zip_end(file()).value();
    directory = end.directory_offset;
    records = zip.substr(end.directory_offset, end.directory_size);
    std::string_view rest = records;
    record = take_record(rest).value();
  }
  ByteFile file() const { return ByteFile(bytes(zip)); }

  std::string zip, records;
  std::uint64_t directory = 0;
  ZipRecord record;
};

}  // namespace

TEST_CASE("a record is taken field by field, and the next one stays") {
  Sample const two(ZipBuilder().add("dir/run", "content", 0100755).add("b", "second"));
  std::string_view rest = two.records;
  auto const first = take_record(rest).value();
  CHECK(first.name == "dir/run");
  CHECK(first.method == 0);
  CHECK(first.packed == 7);
  CHECK(first.size == 7);
  CHECK(first.crc == crc32("content"));
  CHECK(first.offset == 0);
  CHECK(first.is_executable());
  CHECK_FALSE(first.has_slash());
  CHECK(take_record(rest).value().name == "b");
  CHECK(rest.empty());
  CHECK_FALSE(take_record(rest).has_value());
}

TEST_CASE("a record cut anywhere is damaged, and nothing is taken") {
  Sample const sample(ZipBuilder().add("name", "", 0100644, {.comment = "about"}));
  for (std::size_t size = 0; size < sample.records.size(); ++size) {
    std::string_view rest = std::string_view(sample.records).substr(0, size);
    auto const taken = take_record(rest);
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().message.ends_with("Its central directory is damaged."));
    CHECK(rest.size() == size);
  }
}

TEST_CASE("only a regular file is executable, whatever else has the bits") {
  ZipRecord record{.name = "x"};
  auto executable = [&](std::uint32_t mode) {
    record.attributes = mode << 16;
    return record.is_executable();
  };
  CHECK(executable(0100755));
  CHECK(executable(0100001));
  CHECK_FALSE(executable(0100644));
  CHECK_FALSE(executable(0040755));
  CHECK_FALSE(executable(0755));  // of no type: made by DOS
}

TEST_CASE("what is never unpacked is told in words") {
  ZipRecord const plain{.name = "x", .attributes = 0100644u << 16};
  CHECK_FALSE(complaint_about_record(plain));
  auto complaint = [&](auto&& change) {
    auto record = plain;
    change(record);
    return complaint_about_record(record).value_or("none");
  };
  for (int bit : {0, 6, 13})
    CHECK(complaint([&](auto& r) { r.flags = static_cast<std::uint16_t>(1 << bit); }) ==
          "it is encrypted; functions are not");
  CHECK(complaint([](auto& r) { r.flags = 1 << 5; }) == "it is a patch of another file");
  CHECK(complaint([](auto& r) { r.flags = 1 << 11 | 1 << 3; }) == "none");
  CHECK(complaint([](auto& r) { r.method = 12; }).starts_with("it is packed with method 12"));
  CHECK(complaint([](auto& r) { r.size = 1; }).starts_with("it is stored, but"));
  CHECK(complaint([](auto& r) { r.attributes = 0120777u << 16; }) == "none");
  CHECK(complaint([](auto& r) {
          r.attributes = 0120777u << 16;
          r.method = 8;
        }).starts_with("it is a symbolic link whose target is compressed"));
  CHECK(
      complaint([](auto& r) { r.attributes = 0160000u << 16; }).starts_with("it has the unknown"));
}

TEST_CASE("a local header agrees with its record, and its data ends where the next thing begins") {
  Sample const sample(ZipBuilder().add("a", "content"));
  auto const& record = sample.record;
  CHECK(check_local(sample.file(), record, sample.directory).has_value());
  CHECK_FALSE(check_local(sample.file(), record, sample.directory - 1).has_value());
  CHECK_FALSE(check_local(sample.file(), record, sample.directory + 1).has_value());
  auto refused = [&](auto&& change) {
    auto other = record;
    change(other);
    return !check_local(sample.file(), other, sample.directory).has_value();
  };
  CHECK(refused([](auto& r) { r.name = "b"; }));
  CHECK(refused([](auto& r) { r.name = "ab"; }));
  CHECK(refused([](auto& r) { ++r.crc; }));
  CHECK(refused([](auto& r) { ++r.size; }));
  CHECK(refused([](auto& r) { --r.packed; }));
  CHECK(refused([](auto& r) { r.method = 8; }));
  CHECK(refused([](auto& r) { r.flags = 1 << 11; }));
  CHECK(refused([](auto& r) { r.offset = 1; }));
  CHECK(refused([&](auto& r) { r.offset = sample.zip.size(); }));
  CHECK(refused([](auto& r) { r.offset = ~std::uint64_t{0}; }));
  CHECK_FALSE(refused([](auto& r) { r.flags = 1 << 1; }));  // how hard the packer tried
}

TEST_CASE("a data descriptor may be signed or not, and must be the record's") {
  Sample const sample(ZipBuilder().add("a", "content", 0100644, {.flags = 8}));
  CHECK(check_local(sample.file(), sample.record, sample.directory).has_value());
  auto other = sample.record;
  ++other.crc;
  CHECK_FALSE(check_local(sample.file(), other, sample.directory).has_value());

  std::string unsigned_descriptor;
  zip_detail::put32(unsigned_descriptor, crc32("content"));
  zip_detail::put32(unsigned_descriptor, 7);
  zip_detail::put32(unsigned_descriptor, 7);
  Sample const bare(
      ZipBuilder().add("a", "content", 0100644, {.flags = 8, .descriptor = unsigned_descriptor}));
  CHECK(check_local(bare.file(), bare.record, bare.directory).has_value());
}
