// Uploads that must be refused by the whole cache: the reason is told, nothing stays on disk.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "code/fixture.hpp"

using namespace faas;
using namespace faas::test;

namespace {

ZipOptions zeros(std::uint64_t declared, std::uint64_t real) {
  return {.method = 8, .crc = crc32_of_zeros(real), .size = declared};
}

void check_refused(Workshop& shop, std::string_view zip, Errc code, std::string_view reason,
                   std::string_view part) {
  auto const before = shop.everything();
  auto const refused = shop.store(zip);
  REQUIRE(refused.has_error());
  CAPTURE(refused.error().message);
  CHECK(refused.error().code == code);
  CHECK(refused.error().reason == reason);
  CHECK(refused.error().layer == "code");
  CHECK(refused.error().message.find(part) != std::string::npos);
  CHECK(shop.everything() == before);
}

void check_bad_zip(Workshop& shop, ZipBuilder const& zip, std::string_view part) {
  check_refused(shop, zip.finish(), Errc::invalid_argument, "InvalidZipFileException", part);
}

long resident_peak_kib() {
  rusage usage{};
  REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_maxrss;
}

std::uint64_t bytes_below(fs::path const& root) {
  std::uint64_t sum = 0;
  std::error_code gone;
  for (auto at = fs::recursive_directory_iterator(root, gone); at != fs::end(at);
       at.increment(gone)) {
    auto const size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) sum += size;
    if (gone) break;
  }
  return sum;
}

}  // namespace

TEST_CASE("an entry with a wrong CRC is refused, stored and deflated") {
  Workshop shop;
  check_bad_zip(shop, ZipBuilder().add("ok", "1").add("a", "12345", 0100644, {.crc = 1}), "\"a\"");
  check_bad_zip(
      shop,
      ZipBuilder().add("a", deflated_stored("12345"), 0100644, {.method = 8, .crc = 1, .size = 5}),
      "CRC");
  check_bad_zip(shop, ZipBuilder().add("d/", "", 040755, {.crc = 1}), "\"d/\"");
}

TEST_CASE("an entry that inflates to more or less than it declares is refused") {
  Workshop shop;
  auto const data = deflated_zeros(100'000);
  check_bad_zip(shop, ZipBuilder().add("a", data, 0100644, zeros(1'000, 100'000)), "\"a\"");
  check_bad_zip(shop, ZipBuilder().add("a", data, 0100644, zeros(1'000, 1'000)), "\"a\"");
  check_bad_zip(shop, ZipBuilder().add("a", data, 0100644, zeros(0, 100'000)), "\"a\"");
  check_bad_zip(shop, ZipBuilder().add("a", data, 0100644, zeros(200'000, 100'000)), "\"a\"");
  check_bad_zip(shop, ZipBuilder().add("a", data, 0100644, zeros(200'000, 200'000)), "\"a\"");
  CHECK(shop.store(ZipBuilder().add("a", data, 0100644, zeros(100'000, 100'000)).finish())
            .has_value());
}

TEST_CASE("a directory that hides deflated bytes is refused") {
  Workshop shop;
  check_bad_zip(shop, ZipBuilder().add("d/", deflated_zeros(50'000), 040755, zeros(0, 0)),
                "directory with contents");
  // Java's empty deflate stream.
  auto const java = ZipBuilder().add("d/", {"\3\0", 2}, 040755, zeros(0, 0)).finish();
  CHECK(shop.store(java).has_value());
}

TEST_CASE("a deflate stream that is damaged, cut or followed by hidden bytes is refused") {
  Workshop shop;
  auto const data = deflated_stored("hello");
  auto const real = ZipOptions{.method = 8, .crc = crc32("hello"), .size = 5};
  CHECK(shop.store(ZipBuilder().add("a", data, 0100644, real).finish()).has_value());
  check_bad_zip(shop, ZipBuilder().add("a", data + "hidden", 0100644, real), "\"a\"");
  check_bad_zip(shop, ZipBuilder().add("a", data.substr(0, 7), 0100644, real), "\"a\"");
  auto broken = data;
  broken[0] = 7;  // a block type that does not exist
  check_bad_zip(shop, ZipBuilder().add("a", broken, 0100644, real), "\"a\"");
}

TEST_CASE("a bomb is refused with little on disk and in memory") {
  Workshop shop({.unpacked = 10'000'000_B});
  // Many entries below the limit each, together beyond it, and every one a true deflate stream.
  auto const data = deflated_zeros(999'999);
  ZipBuilder bomb, lying;
  for (int i = 0; i < 500; ++i) {
    bomb.add(std::to_string(i), data, 0100644, zeros(999'999, 999'999));
    lying.add(std::to_string(i), data, 0100644, zeros(20'000, 20'000));
  }
  std::atomic<bool> done = false;
  std::uint64_t peak = 0;
  std::thread watcher([&] {
    while (!done) {
      peak = std::max(peak, bytes_below(shop.path()));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  auto const memory_before = resident_peak_kib();
  check_refused(shop, bomb.finish(), Errc::too_large, "InvalidParameterValueException",
                "Unzipped size must be smaller than 10000000 bytes");
  check_bad_zip(shop, lying, "\"0\"");
  auto const real =
      ZipBuilder().add("a", deflated_zeros(1'000'000'000), 0100644, zeros(5'000, 5'000));
  check_bad_zip(shop, real, "\"a\"");
  done = true;
  watcher.join();
  CHECK(peak <= 10'000'000 + bomb.finish().size());
  CHECK(resident_peak_kib() - memory_before < 64 * 1024);
}

TEST_CASE("an upload over the limit is refused while it is read") {
  Workshop shop({.upload = 1'000_B});
  auto const zip = ZipBuilder().add("a", std::string(2'000, 'x')).finish();
  check_refused(shop, zip, Errc::too_large, "RequestEntityTooLargeException",
                "must be at most 1000 bytes");
  TempDir dir;
  write_file(dir / "big.zip", zip);
  auto const refused = shop.cache().store(fs::path(dir / "big.zip"));
  REQUIRE(refused.has_error());
  CHECK(refused.error().reason == "RequestEntityTooLargeException");
  CHECK(refused.error().message.find(std::to_string(zip.size())) != std::string::npos);
}

TEST_CASE("an upload that breaks off in the middle leaves nothing") {
  struct Broken final : BlobSource {
    int blocks = 3;
    Result<std::size_t> read(std::span<std::byte> buffer) override {
      if (blocks-- == 0) return Error{Errc::unavailable, "the peer went away", {}, {}};
      return buffer.size();
    }
  };
  Workshop shop;
  for (int i = 0; i < 100; ++i) {
    Broken source;
    auto const refused = shop.cache().store(source);
    REQUIRE(refused.has_error());
    CHECK(refused.error().message == "the peer went away");
  }
  CHECK(shop.everything().empty());
}

TEST_CASE("every single flipped byte is refused or changes only what carries no meaning") {
  auto const zip = ZipBuilder()
                       .add("a.py", deflated_stored("print(1)"), 0100644,
                            {.method = 8, .crc = crc32("print(1)"), .size = 8})
                       .add("bin/run", "#!/bin/sh", 0100755, {.flags = 8})
                       .finish();
  Workshop shop;
  auto const expected = shop.store(zip).value();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < zip.size(); ++i) {
    auto bad = zip;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    CAPTURE(i);
    auto const stored = shop.store(bad);
    if (stored.has_error()) ++refused;
    // Versions, times, owner's attributes: the tree is the same but for the execute bit.
    if (stored) CHECK(stored->unpacked == expected.unpacked);
    if (stored) shop.cache().remove(stored->digest).value();
  }
  CHECK(refused > zip.size() * 2 / 3);
  CHECK(names_in(shop.path("tmp")).empty());
}
