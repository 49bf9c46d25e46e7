// Zip bombs, built here: rows K5, K6 and K8.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "code/fixture.hpp"
#include "code/zip_directory.hpp"

using namespace faas;
using namespace faas::code;
using namespace faas::test;

namespace {

struct Bomb {
  std::string zip;
  std::uint64_t unpacked = 0;  // of all entries together, as they declare and as they inflate
};

constexpr std::uint64_t kWide = 0xffffffff;

// One entry of a chain: how large it and what it inflates to are.
struct Link {
  std::string name;
  std::uint64_t packed, size;
  std::uint32_t crc;
};

ZipOptions options_of(Link const& link) {
  ZipOptions options{.method = 8, .crc = link.crc, .size = link.size, .packed = link.packed};
  if (link.size < kWide) return options;
  std::string extra("\1\0\x10\0", 4);
  zip_detail::put(extra, link.size, 8);
  zip_detail::put(extra, link.packed, 8);
  options.size = options.packed = kWide;
  options.local_extra = options.central_extra = extra;
  return options;
}

std::string local_header(Link const& link) {
  auto const options = options_of(link);
  auto const zip = ZipBuilder().add(link.name, "", 0100644, options).finish();
  return zip.substr(0, 30 + link.name.size() + options.local_extra.size());
}

// Fifield's quoted overlap: each entry is a stored block that quotes the next one's local header,
// followed by the next one's own data, so that all of them share one kernel of zeros.
Bomb overlapping(int files, std::uint64_t zeros, bool zip64 = false) {
  auto const kernel = deflated_zeros(zeros);
  std::vector<Link> chain{{"0", kernel.size(), zeros, crc32_of_zeros(zeros)}};
  std::vector<std::string> headers{local_header(chain.back())};
  for (int i = 1; i < files; ++i) {
    auto const& next = chain.back();
    auto const& quoted = headers.back();
    Link link{std::to_string(i), 5 + quoted.size() + next.packed, quoted.size() + next.size,
              crc32_of_both(crc32(quoted), next.crc, next.size)};
    headers.push_back(local_header(link));
    chain.push_back(std::move(link));
  }
  ZipBuilder builder;
  Bomb bomb;
  for (auto i = chain.size(); i-- > 0;) {
    bomb.unpacked += chain[i].size;
    builder.add(chain[i].name, i == 0 ? kernel : "", 0100644, options_of(chain[i]));
    if (i == 0) break;
    std::string stored(1, '\0');
    zip_detail::put16(stored, headers[i - 1].size());
    zip_detail::put16(stored, ~headers[i - 1].size() & 0xffff);
    builder.raw(stored);
  }
  if (zip64) builder.zip64();
  bomb.zip = builder.finish();
  return bomb;
}

struct Cost {
  double cpu;
  long peak_kib;
  static Cost now() {
    rusage usage{};
    REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
    auto const seconds = [](timeval t) { return t.tv_sec + t.tv_usec / 1e6; };
    return {seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss};
  }
};

void check_refused(Bomb const& bomb, std::string_view part) {
  Workshop shop;
  auto const before = Cost::now();
  auto const refused = shop.store(bomb.zip);
  auto const after = Cost::now();
  REQUIRE(refused.has_error());
  CAPTURE(refused.error().message);
  CHECK(refused.error().message.find(part) != std::string::npos);
  CHECK(shop.everything().empty());
  CHECK(after.cpu - before.cpu < 10);
  CHECK(after.peak_kib - before.peak_kib < 64 * 1024);
}

}  // namespace

TEST_CASE("42 kB that overlap to 5.5 GB are refused") {
  auto const bomb = overlapping(250, 21'841'249);
  CHECK(bomb.zip.size() < 50'000);
  CHECK(bomb.unpacked > 5'400'000'000);
  check_refused(bomb, "overlaps what follows");
}

TEST_CASE("5 MB that overlap to hundreds of terabytes are refused") {
  auto const bomb = overlapping(40'000, 4'000'000'000);
  CHECK(bomb.zip.size() < 10'000'000);
  CHECK(bomb.unpacked > 150'000'000'000'000);
  check_refused(bomb, "overlaps what follows");
}

TEST_CASE("a bomb of zip64 sizes is refused") {
  auto const bomb = overlapping(10'000, 20'000'000'000, true);
  CHECK(bomb.zip.size() < 25'000'000);
  CHECK(bomb.unpacked > 199'000'000'000'000);
  check_refused(bomb, "overlaps what follows");
}

TEST_CASE("one entry of a bomb is an ordinary one: what is refused is the overlap") {
  Workshop shop;
  CHECK(shop.store(overlapping(1, 21'841'249).zip)->unpacked == 21'841'249_B);
  CHECK(shop.store(overlapping(2, 1'000).zip).has_error());
}

TEST_CASE("a zip inside a zip is data: 42.zip takes the place of its own bytes") {
  auto inner = ZipBuilder()
                   .add("0.dll", deflated_zeros(4'000'000'000), 0100644,
                        {.method = 8, .crc = crc32_of_zeros(4'000'000'000), .size = 4'000'000'000})
                   .finish();
  for (int depth = 0; depth < 4; ++depth) {
    ZipBuilder outer;
    for (int i = 0; i < (depth == 0 ? 2 : 1); ++i) outer.add(std::to_string(i) + ".zip", inner);
    inner = outer.finish();
  }
  Workshop shop;
  auto const package = shop.store(inner).value();
  CHECK(package.unpacked.count < inner.size());
  auto const tree = shop.cache().pin(package.digest).value();
  CHECK(names_in(tree.path()) == std::vector<std::string>{"0.zip"});
}

TEST_CASE("fifty thousand files are a package, one more is not") {
  auto const with = [](int files) {
    ZipBuilder zip;
    for (int i = 0; i < files; ++i) zip.add(std::to_string(i), "");
    auto const text = zip.finish();
    return read_zip_directory(ByteFile(bytes(text)), {});
  };
  CHECK(with(50'000).has_value());
  auto const over = with(50'001);
  REQUIRE(over.has_error());
  CHECK(over.error().message.find("more than 50000 files and directories") != std::string::npos);
}

TEST_CASE("ten million entries are refused by their count, before one is read") {
  auto zip = ZipBuilder().add("a", "").zip64().finish();
  auto const end64 = zip.size() - 22 - 20 - 56;
  for (std::size_t field : {24, 32}) {
    std::string count;
    zip_detail::put(count, 10'000'000, 8);
    zip.replace(end64 + field, 8, count);
  }
  auto const refused = read_zip_directory(ByteFile(bytes(zip)), {});
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::too_large);
}
