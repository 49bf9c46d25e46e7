// Zips that are refused before anything is unpacked, each with the smallest sibling that is
// accepted.
#include <doctest/doctest.h>

#include "code/fixture.hpp"
#include "code/zip_directory.hpp"

using namespace faas;
using namespace faas::code;
using namespace faas::test;

namespace {

constexpr std::string_view kSentence =
    "Could not unzip uploaded file. Please check your file, then try to upload again. ";

Result<ZipDirectory> look(std::string_view zip, PackageLimits const& limits = {}) {
  return read_zip_directory(ByteFile(bytes(zip)), limits);
}

// What follows Lambda's sentence; "accepted" where the zip is.
std::string verdict(std::string_view zip) {
  auto const directory = look(zip);
  if (directory) return "accepted";
  auto const& error = directory.error();
  CHECK(error.code == Errc::invalid_argument);
  CHECK(error.reason == "InvalidZipFileException");
  CHECK(error.message.starts_with(kSentence));
  return error.message.substr(kSentence.size());
}

std::string verdict(ZipBuilder const& builder) { return verdict(builder.finish()); }

std::string verdict_of_entry(std::string_view name, std::string_view content,
                             unsigned mode = 0100644, ZipOptions const& options = {}) {
  return verdict(ZipBuilder().add(name, content, mode, options));
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

ZipBuilder two_files() { return ZipBuilder().add("a", "first").add("b", "second"); }

}  // namespace

TEST_CASE("an ordinary zip is read in the order of its bytes") {
  auto const directory = look(ZipBuilder()
                                  .add("x/y/z.py", "123")
                                  .add("run", "#!", 0100755)
                                  .add("suid", "", 0104711)
                                  .add("d/", "", 040700)
                                  .add("dos", "", 0, {.made_by = 20})
                                  .finish())
                             .value();
  REQUIRE(directory.entries.size() == 5);
  CHECK(directory.entries[0].path == "x/y/z.py");
  CHECK_FALSE(directory.entries[0].is_executable);
  CHECK(directory.entries[1].is_executable);
  CHECK(directory.entries[2].is_executable);
  CHECK(directory.entries[3].is_directory);
  CHECK(directory.entries[3].path == "d");
  CHECK_FALSE(directory.entries[4].is_executable);
  CHECK(directory.directories == std::vector<std::string>{"x", "x/y", "d"});
  CHECK(directory.unpacked.count == 5);
}

TEST_CASE("an empty archive is an empty package") {
  CHECK(look(ZipBuilder().finish()).value().entries.empty());
  CHECK(look(ZipBuilder().zip64().finish()).has_error());  // does not begin like a zip
}

TEST_CASE("what is no zip is told from its first bytes") {
  CHECK(verdict("") == "It has 0 bytes; the smallest zip file has 22.");
  CHECK(verdict("PK\3\4") == "It has 4 bytes; the smallest zip file has 22.");
  CHECK(has(verdict(std::string("\x7f"
                                "ELF") +
                    std::string(60, '\0')),
            "first bytes are \"\\x7fELF\""));
  CHECK(has(verdict(std::string(100, 'x')), "does not begin like a zip file"));
  CHECK(has(verdict("PK\3\4" + std::string(100, 'x')), "no end of central directory record"));
}

TEST_CASE("a zip cut short anywhere is refused") {
  auto const zip = two_files().finish();
  REQUIRE(verdict(zip) == "accepted");
  for (std::size_t size = 0; size < zip.size(); ++size) {
    CAPTURE(size);
    CHECK(verdict(zip.substr(0, size)) != "accepted");
  }
}

TEST_CASE("bytes before, between, inside and after are refused") {
  auto const zip = two_files().finish();
  CHECK(has(verdict("#!/bin/sh\n" + zip), "does not begin like a zip file"));
  CHECK(has(verdict(zip + "x"), "appended"));
  CHECK(has(verdict(ZipBuilder().add("a", "1").add("ghost", "2", 0100644, {.in_directory = false})),
            "\"a\": 36 bytes after it belong to no entry"));
  CHECK(has(verdict(ZipBuilder().add("ghost", "2", 0100644, {.in_directory = false}).add("a", "1")),
            "first 36 bytes belong to no entry"));
  CHECK(has(verdict(ZipBuilder().add("a", "1").raw("gap").add("b", "2")), "3 bytes after it"));
  // A whole zip before a zip: offsets of the second are then wrong.
  CHECK(has(verdict(zip + zip), "put before or into it"));
}

TEST_CASE("a comment is allowed, a second end record is not") {
  CHECK(verdict(two_files().comment("0123456789abcdef")) == "accepted");
  auto const inner = two_files().finish();
  CHECK(has(verdict(two_files().comment(inner)), "two end of central directory records"));
  CHECK(has(verdict(two_files().comment("PK\5\6")), "two end of central directory records"));
  // A stored zip inside a zip is data, even where it is last.
  CHECK(verdict(ZipBuilder().add("inner.zip", inner)) == "accepted");
}

TEST_CASE("counts in the end record must be true") {
  CHECK(has(verdict(two_files().count(1)), "counts 1 entries, its central directory holds more"));
  CHECK(has(verdict(two_files().count(3)), "counts 3 entries, its central directory holds fewer"));
  CHECK(has(verdict(two_files().count(0)), "counts 0 entries"));
}

TEST_CASE("a zip64 end record must agree with the end record") {
  auto const zip = two_files().zip64().finish();
  CHECK(verdict(zip) == "accepted");
  auto const end = zip.size() - 22, locator = end - 20, end64 = locator - 56;
  auto with = [&](std::size_t offset, char value) {
    auto bad = zip;
    bad[offset] = value;
    return verdict(bad);
  };
  CHECK(verdict(zip) == "accepted");
  CHECK(has(with(end + 10, 7), "disagrees with its end record"));
  CHECK(has(with(end64 + 32, 7), "split archive"));        // entries differ from those of this part
  CHECK(has(with(end64 + 4, 45), "not directly before"));  // longer than it is
  CHECK(has(with(locator + 8, 1), "not directly before"));  // elsewhere
  CHECK(has(with(end64 + 16, 1), "split archive"));
  CHECK(has(with(end64 + 48, 1), "put before or into it"));       // the directory's offset
  CHECK(has(with(end64 + 47, '\x7f'), "put before or into it"));  // 2^63 bytes of directory
  CHECK(has(with(end + 4, 1), "disagrees with its end record"));
}

TEST_CASE("one part of a split archive is refused") {
  auto zip = two_files().finish();
  zip[zip.size() - 22 + 4] = 1;
  CHECK(has(verdict(zip), "split archive"));
}

TEST_CASE("the two headers of an entry must agree") {
  auto entry = [](ZipOptions const& options) {
    return verdict_of_entry("a", "12345", 0100644, options);
  };
  CHECK(entry({}) == "accepted");
  CHECK(has(entry({.local_name = "b"}), "\"a\": its local header has another name"));
  CHECK(has(entry({.local_name = "aa"}), "another name"));
  CHECK(has(entry({.local_size = 4}), "disagree about its size or CRC"));
  CHECK(has(entry({.local_crc = 1}), "disagree about its size or CRC"));
  CHECK(has(entry({.local_flags = 8}), "disagree about how it is packed"));
  CHECK(has(entry({.local_flags = 1}), "disagree about how it is packed"));
  CHECK(has(entry({.local_method = 8}), "disagree about how it is packed"));
  CHECK(entry({.local_flags = 2}) == "accepted");  // how hard the packer tried
  CHECK(has(entry({.offset = 1}), "belong to no entry"));
}

TEST_CASE("a name hidden in an extra field is refused") {
  auto unicode = [](std::string_view name) {
    std::string field = "up";
    field += static_cast<char>(5 + name.size());
    field += '\0';
    field += std::string("\1\0\0\0\0", 5);
    return field += name;
  };
  CHECK(verdict_of_entry("a", "1", 0100644, {.central_extra = unicode("a")}) == "accepted");
  CHECK(has(verdict_of_entry("a", "1", 0100644, {.central_extra = unicode("b")}), "another name"));
  CHECK(has(verdict_of_entry("a", "1", 0100644, {.local_extra = unicode("../b")}), "another name"));
  CHECK(has(verdict_of_entry("a", "1", 0100644, {.central_extra = std::string("UT\x09\0\1", 5)}),
            "extra field is malformed"));
  CHECK(verdict_of_entry("a", "1", 0100644, {.local_extra = std::string(3, '\0')}) == "accepted");
}

TEST_CASE("a data descriptor must say what the central directory says") {
  using zip_detail::put32;
  auto descriptor = [](bool is_signed, std::uint32_t crc, std::uint32_t packed,
                       std::uint32_t size) {
    std::string out = is_signed ? std::string("PK\7\10") : std::string();
    put32(out, crc);
    put32(out, packed);
    put32(out, size);
    return out;
  };
  auto const crc = crc32("12345");
  auto entry = [](std::string const& bytes) {
    return verdict_of_entry("a", "12345", 0100644, {.flags = 8, .descriptor = bytes});
  };
  CHECK(entry(descriptor(true, crc, 5, 5)) == "accepted");
  CHECK(entry(descriptor(false, crc, 5, 5)) == "accepted");
  CHECK(has(entry(descriptor(true, crc + 1, 5, 5)), "descriptor disagrees"));
  CHECK(has(entry(descriptor(true, crc, 4, 5)), "descriptor disagrees"));
  CHECK(has(entry(descriptor(false, crc, 5, 6)), "descriptor disagrees"));
  CHECK(has(entry(descriptor(true, crc, 5, 5) + "x"), "descriptor disagrees"));
  CHECK(has(entry(descriptor(true, crc, 5, 5) + std::string(20, 'x')), "belong to no entry"));
  CHECK(has(entry("x"), "descriptor disagrees"));
}

TEST_CASE("entries that share bytes are refused: that is how 42 kB become 5.5 GB") {
  auto const kernel = deflated_zeros(1'000'000);
  ZipOptions const real{.method = 8, .crc = crc32_of_zeros(1'000'000), .size = 1'000'000};
  auto quoting = real;
  quoting.offset = 0;
  CHECK(verdict(ZipBuilder().add("a", kernel, 0100644, real)) == "accepted");
  // The second's header is inside the first's data, which a stored block would quote.
  auto overlapping = real;
  overlapping.offset = 20;
  CHECK(verdict(
            ZipBuilder().add("a", kernel, 0100644, real).add("b", kernel, 0100644, overlapping)) !=
        "accepted");
  // Both at the same place.
  CHECK(
      has(verdict(ZipBuilder().add("a", kernel, 0100644, real).add("a", kernel, 0100644, quoting)),
          "overlaps what follows"));
  auto longer = real;
  longer.packed = kernel.size() + 10;
  CHECK(verdict(ZipBuilder().add("a", kernel, 0100644, longer).add("b", "")) != "accepted");
}

TEST_CASE("names that leave the tree are refused, shown without their control characters") {
  for (auto name :
       {"../x", "/etc/passwd", "a/../../x", "C:/x", "..\\x", "a//b", "./a", "\xc0\xae/x"}) {
    CAPTURE(name);
    CHECK(has(verdict_of_entry(name, "1"), "its name"));
  }
  CHECK(verdict_of_entry(std::string_view("a\0.py", 5), "1") ==
        "Entry \"a\\x00.py\": its name holds a NUL byte.");
  CHECK(has(verdict_of_entry("", "1"), "empty"));
  CHECK(has(verdict_of_entry("/", "", 040755), "empty"));
  CHECK(has(verdict_of_entry("../", "", 040755), "\"..\""));
  CHECK(has(verdict_of_entry(std::string(4097, 'a'), "1"), "4097 bytes"));
}

TEST_CASE("two entries of one name, one folded name, or one place are refused") {
  auto pair = [](std::string_view a, std::string_view b) {
    return verdict(ZipBuilder().add(a, "").add(b, ""));
  };
  CHECK(has(pair("a", "a"), "appears twice"));
  CHECK(has(pair("d/", "d/"), "appears twice"));
  CHECK(has(pair("a", "A"), "differs only in case"));
  CHECK(has(pair("x/a", "X/b"), "differs only in case"));
  CHECK(has(pair("a", "a/b"), "a file and a directory"));
  CHECK(has(pair("a/b", "a"), "uses it as a directory"));
  CHECK(has(pair("a", "a/"), "a file and a directory"));
  CHECK(pair("d/", "d/a") == "accepted");
  CHECK(pair("d/a", "d/") == "accepted");
}

TEST_CASE("links out of the tree, devices, fifos and sockets are refused whoever made the entry") {
  for (std::uint16_t system : {0, 3, 19}) {
    ZipOptions const made{.made_by = static_cast<std::uint16_t>(system << 8 | 20)};
    CAPTURE(system);
    CHECK(has(verdict_of_entry("l", "/etc", 0120777, made), "symbolic link"));
    CHECK(has(verdict_of_entry("c", "", 020666, made), "character device"));
    CHECK(has(verdict_of_entry("b", "", 060666, made), "block device"));
    CHECK(has(verdict_of_entry("p", "", 010666, made), "fifo"));
    CHECK(has(verdict_of_entry("s", "", 0140666, made), "socket"));
    CHECK(has(verdict_of_entry("w", "", 0150666, made), "unknown file type"));
  }
}

TEST_CASE("a directory is named as one and holds no bytes") {
  CHECK(has(verdict_of_entry("d", "", 040755), "does not end in a slash"));
  CHECK(has(verdict_of_entry("d", "", 0, {.made_by = 20, .attributes = 0x10}),
            "does not end in a slash"));
  CHECK(verdict_of_entry("d/", "", 0, {.made_by = 20, .attributes = 0x10}) == "accepted");
  CHECK(has(verdict_of_entry("d/", "x", 040755), "directory with contents"));
}

TEST_CASE("what cannot be unpacked is refused by its number") {
  auto flagged = [](std::uint16_t flags) {
    return verdict_of_entry("a", "1", 0100644, {.flags = flags});
  };
  CHECK(has(flagged(1 << 0), "encrypted"));
  CHECK(has(flagged(1 << 6 | 1), "encrypted"));
  CHECK(has(flagged(1 << 13), "encrypted"));
  CHECK(has(flagged(1 << 5), "patch"));
  CHECK(flagged(1 << 11) == "accepted");
  for (std::uint16_t method : {1, 9, 12, 14, 93, 95, 99}) {
    CHECK(has(verdict_of_entry("a", "1", 0100644, {.method = method}), "packed with method"));
  }
  CHECK(has(verdict_of_entry("a", "12345", 0100644, {.size = 6}),
            "packed and unpacked sizes differ"));
}

TEST_CASE("zip64 sizes are read where the header points to them, and only there") {
  std::string field("\1\0\x10\0", 4);
  zip_detail::put(field, 5, 8);
  zip_detail::put(field, 5, 8);
  ZipOptions wide{
      .size = 0xffffffff, .packed = 0xffffffff, .local_extra = field, .central_extra = field};
  CHECK(verdict_of_entry("a", "12345", 0100644, wide) == "accepted");
  wide.central_extra = field.substr(0, 12);
  wide.central_extra[2] = 8;
  CHECK(has(verdict_of_entry("a", "12345", 0100644, wide), "zip64 field is too short"));
  wide.central_extra.clear();
  CHECK(has(verdict_of_entry("a", "12345", 0100644, wide), "zip64 field is too short"));
  wide.central_extra = field + field;
  CHECK(has(verdict_of_entry("a", "12345", 0100644, wide), "extra field is malformed"));
}

TEST_CASE("declared sizes beyond the limit are refused without unpacking") {
  auto const at = [](std::uint64_t size) {
    auto const packed = deflated_zeros(size);
    return look(
        ZipBuilder()
            .add("a", packed, 0100644, {.method = 8, .crc = crc32_of_zeros(size), .size = size})
            .finish(),
        {.unpacked = 1'000_B});
  };
  CHECK(at(1'000).has_value());
  auto const over = at(1'001);
  REQUIRE(over.has_error());
  CHECK(over.error().code == Errc::too_large);
  CHECK(over.error().reason == "InvalidParameterValueException");
  CHECK(over.error().message.starts_with("Unzipped size must be smaller than 1000 bytes"));
  // Sizes whose sum wraps around.
  std::string field("\1\0\x08\0", 4);
  zip_detail::put(field, ~std::uint64_t{0}, 8);
  ZipOptions const huge{
      .method = 8, .size = 0xffffffff, .local_extra = field, .central_extra = field};
  auto const wrapped = look(ZipBuilder().add("a", "1").add("b", "", 0100644, huge).finish());
  CHECK(wrapped.has_error());
}

TEST_CASE("the number of files and directories is limited, implied ones too") {
  PackageLimits const limits{.entries = 3};
  CHECK(look(ZipBuilder().add("a/b/c", "").finish(), limits).has_value());
  for (auto const& zip :
       {ZipBuilder().add("a/b/c/d", "").finish(),
        ZipBuilder().add("a", "").add("b", "").add("c", "").add("d", "").finish()}) {
    auto const over = look(zip, limits);
    REQUIRE(over.has_error());
    CHECK(over.error().code == Errc::too_large);
    CHECK(over.error().reason == "InvalidParameterValueException");
    CHECK(has(over.error().message, "more than 3 files and directories"));
  }
}

TEST_CASE("names are limited together") {
  ZipBuilder zip;
  std::string const part(250, 'x');
  std::string deep;
  for (int i = 0; i < 16; ++i) deep += part + '/';
  for (int i = 0; i < 3'000; ++i)
    zip.add(std::to_string(i) + "/" + deep.substr(0, 4'000) + "y", "");
  auto const over = look(zip.finish(), {.entries = 100'000});
  REQUIRE(over.has_error());
  CHECK(has(over.error().message, "16777216"));
}
