// Row K2.
#include "code/links.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "code/fixture.hpp"

using namespace faas;
using namespace faas::code;
using namespace faas::test;

namespace {

constexpr unsigned kLink = 0120777;

// Of a package with bin/ and lib/deep/ and the links lib/to-file -> deep/file, lib/to-deep -> deep.
std::string complaint(std::string_view path, std::string_view target) {
  PathSet names;
  using Kind = PathSet::Kind;
  for (auto file : {"top", "lib/deep/file", "lib/other"}) names.add(file, Kind::file);
  for (auto link : {"lib/to-file", "lib/to-deep"}) names.add(link, Kind::link);
  names.add("bin", Kind::directory);
  names.add(path, Kind::link);
  return complaint_about_link(names, path, target).value_or("none");
}

std::string refusal(ZipBuilder const& zip) {
  Workshop shop;
  auto const stored = shop.store(zip.finish());
  if (stored) return "accepted";
  CHECK(stored.error().reason == "InvalidZipFileException");
  CHECK(shop.everything().empty());
  return stored.error().message;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

ZipBuilder with_file() { return ZipBuilder().add("lib/tool.js", "content", 0100755); }

}  // namespace

TEST_CASE("a link names a file or a directory of its package, by the shortest way") {
  for (auto target : {"../top", "../lib/deep/file", "../lib/deep", "../lib", "../lib/other"})
    CHECK(complaint("bin/x", target) == "none");
  CHECK(complaint("x", "top") == "none");
  CHECK(complaint("x", "./top") == "none");
  CHECK(complaint("x", "lib/deep") == "none");
  CHECK(complaint("lib/deep/x", "file") == "none");
  CHECK(complaint("lib/deep/x", "../../bin") == "none");
}

TEST_CASE("a link that leaves its package, or could mean two things, is none of it") {
  for (auto target : {"/etc/passwd", "/var/task/top", "", ".", "..", "./", "../", "../../..",
                      "../.", "../..", "a//b", "./../top", "../bin/../top", "../lib/", "top\\x",
                      "..\\top", "C:/top", "\xc0\xaf", "../lib/deep/../deep/file"}) {
    CAPTURE(target);
    auto const said = complaint("bin/x", target);
    CHECK((has(said, "not a relative path in its shortest form") || has(said, "outside")));
  }
  CHECK(complaint("bin/x", "../../top") == "its target lies outside the package");
  CHECK(complaint("x", "../top") == "its target lies outside the package");
  CHECK(has(complaint("x", std::string_view("top\0", 4)), "shortest form"));
  CHECK(has(complaint("x", std::string(4097, 'x')), "shortest form"));
}

TEST_CASE("a link to what is not there, to a link, through a link or to its own place is refused") {
  CHECK(complaint("x", "nobody") == "its target is not in the package");
  CHECK(complaint("x", "TOP") == "its target is not in the package");
  CHECK(complaint("x", "top/x") == "its target is not in the package");
  CHECK(complaint("x", "lib/to-file") == "its target is a link itself");
  CHECK(complaint("x", "lib/to-deep") == "its target is a link itself");
  CHECK(complaint("x", "lib/to-deep/file") == "its target is not in the package");
  CHECK(complaint("x", "x") == "its target is a link itself");
  CHECK(complaint("lib/deep/x", "../../lib") == "its target is a directory that it lies in");
  CHECK(complaint("lib/deep/x", "../deep") == "its target is a directory that it lies in");
  CHECK(complaint("lib/deeper", "deep") == "none");
}

TEST_CASE("a package's links are unpacked as they are, and belong to its digest") {
  auto const zip = with_file()
                       .add("bin/tool", "../lib/tool.js", kLink)
                       .add("modules", "lib", kLink)
                       .add("before", "later", kLink)
                       .add("later", "x");
  Workshop shop;
  auto const package = shop.store(zip.finish()).value();
  {
    auto const tree = shop.cache().pin(package.digest).value();
    fs::path const root = tree.path();
    CHECK(fs::read_symlink(root / "bin/tool") == "../lib/tool.js");
    CHECK(fs::read_symlink(root / "modules") == "lib");
    CHECK(read_file(root / "bin/tool") == "content");
    CHECK(read_file(root / "modules/tool.js") == "content");
    CHECK(read_file(root / "before") == "x");
    struct stat status {};
    REQUIRE(::lstat((root / "bin/tool").c_str(), &status) == 0);
    CHECK(status.st_mtime == 0);
  }
  auto const other = shop.store(with_file()
                                    .add("bin/tool", "../later", kLink)
                                    .add("modules", "lib", kLink)
                                    .add("before", "later", kLink)
                                    .add("later", "x")
                                    .finish());
  CHECK(other.value().digest != package.digest);
  // A link that was turned elsewhere on disk is not used.
  shop.close();
  auto const link = shop.path("trees") / package.digest.hex / "bin/tool";
  REQUIRE(fs::is_symlink(link));
  fs::remove(link);
  fs::create_symlink("/etc/passwd", link);
  shop.open();
  auto const again = shop.cache().pin(package.digest).value();
  CHECK_FALSE(again.was_cached());
  CHECK(fs::read_symlink(link) == "../lib/tool.js");
}

TEST_CASE("links that escape in one step or in two are refused, whatever comes first") {
  CHECK(has(refusal(with_file().add("l", "/etc/passwd", kLink)), "shortest form"));
  CHECK(has(refusal(with_file().add("l", "../../etc/passwd", kLink)), "outside the package"));
  CHECK(has(refusal(with_file().add("l", "", kLink)), "without a target"));
  CHECK(has(refusal(with_file().add("l", "nobody", kLink)), "not in the package"));
  CHECK(has(refusal(with_file().add("l/", "lib", kLink)), "directory with contents"));
  // A file written through the link that was made before it.
  CHECK(has(refusal(ZipBuilder().add("d", "..", kLink).add("d/x", "1")), "file and a directory"));
  CHECK(has(refusal(ZipBuilder().add("d/x", "1").add("d", "..", kLink)), "as a directory"));
  CHECK(has(refusal(with_file().add("x", "1").add("x", "lib", kLink)), "appears twice"));
  CHECK(has(refusal(with_file().add("x", "lib", kLink).add("X", "lib", kLink)), "only in case"));
  // Two hops: up leads out of c, escape goes through up.
  auto two = ZipBuilder()
                 .add("a/b/c/f", "1")
                 .add("a/b/c/up", "../..", kLink)
                 .add("escape", "a/b/c/up/../..", kLink);
  CHECK(refusal(two) != "accepted");
  auto chain = with_file().add("one", "lib", kLink).add("two", "one", kLink);
  CHECK(has(refusal(chain), "a link itself"));
  auto through = with_file().add("one", "lib", kLink).add("two", "one/tool.js", kLink);
  CHECK(has(refusal(through), "not in the package"));
  auto loop = ZipBuilder().add("one", "two", kLink).add("two", "one", kLink);
  CHECK(has(refusal(loop), "a link itself"));
}

TEST_CASE("a link whose target cannot be read in one way is refused") {
  auto const target = std::string("lib");
  ZipOptions const packed{.method = 8, .crc = crc32(target), .size = target.size()};
  CHECK(has(refusal(with_file().add("l", deflated_stored(target), kLink, packed)), "compressed"));
  CHECK(has(refusal(with_file().add("l", target, kLink, {.crc = 1})), "damaged (CRC)"));
  CHECK(has(refusal(with_file().add("l", std::string(4096, 'x'), kLink)), "4095 bytes"));
  // Made on a system without links: other readers would write a file.
  CHECK(has(refusal(with_file().add("l", target, kLink, {.made_by = 20})), "in two ways"));
  CHECK(refusal(with_file().add("l", target, kLink, {.flags = 8})) == "accepted");
}

TEST_CASE("a directory with links is packed with them, and unpacks as it was") {
  TempDir dir;
  write_file(dir / "node_modules/pkg/cli.js", "#!", 0755);
  fs::create_directories(dir / "node_modules/.bin");
  fs::create_symlink("../pkg/cli.js", dir / "node_modules/.bin/cli");
  fs::create_directory_symlink("node_modules/pkg", dir / "pkg");
  Workshop shop;
  auto const package = shop.store(pack(dir.path()).value()).value();
  auto const tree = shop.cache().pin(package.digest).value();
  CHECK(fs::read_symlink(fs::path(tree.path()) / "node_modules/.bin/cli") == "../pkg/cli.js");
  CHECK(fs::read_symlink(fs::path(tree.path()) / "pkg") == "node_modules/pkg");
  fs::create_symlink("/etc", dir / "etc");
  CHECK(has(pack(dir.path()).error().message, "is a symbolic link, and its target"));
}
