#include <doctest/doctest.h>

#include <functional>

#include "base/text.hpp"
#include "code/fixture.hpp"
#include "code/sha256.hpp"
#include "code/tree.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string small_zip(std::string_view content = "print(1)") {
  return ZipBuilder().add("index.py", content).add("bin/run", "#!/bin/sh\n", 0100755).finish();
}

std::string base64_sum(std::string_view text) {
  auto const sum = code::sha256(bytes(text));
  return to_base64({reinterpret_cast<char const*>(sum.data()), sum.size()});
}

std::string hex_sum(std::string_view text) { return to_hex(code::sha256(bytes(text))); }

void flip_byte(fs::path const& path, std::size_t at) {
  auto text = read_file(path);
  REQUIRE(at < text.size());
  text[at] = static_cast<char>(text[at] ^ 1);
  std::ofstream(path, std::ios::binary) << text;
}

Digest const kUnknown{std::string(64, '0')};

}  // namespace

TEST_CASE("a stored zip is pinned as the tree it holds") {
  Workshop shop;
  auto const zip = ZipBuilder()
                       .add("index.py", "print(1)")
                       .add("bin/run", "#!/bin/sh\n", 0104751)
                       .add("empty/", "", 040700)
                       .finish();
  auto const package = shop.store(zip).value();
  CHECK(package.size.count == zip.size());
  CHECK(package.unpacked.count == 18);
  CHECK(package.code_sha256 == base64_sum(zip));

  auto const tree = shop.cache().pin(package.digest).value();
  CHECK(tree.path().is_absolute());
  CHECK(tree.was_cached());
  CHECK(describe(tree.path()) ==
        "0755 bin/\n0755 bin/run #!/bin/sh\n\n0755 empty/\n0644 index.py print(1)\n");
  CHECK(read_file(shop.cache().upload(package.digest).value()) == zip);
  CHECK(shop.cache().find(package.digest).value().code_sha256 == package.code_sha256);
  CHECK(shop.cache().list().size() == 1);
}

TEST_CASE("modes do not depend on the umask, and times are zero") {
  auto const old = ::umask(0077);
  Workshop shop;
  auto const tree = shop.cache().pin(shop.store(small_zip()).value().digest).value();
  ::umask(old);
  CHECK(describe(tree.path()) == "0755 bin/\n0755 bin/run #!/bin/sh\n\n0644 index.py print(1)\n");
  for (auto path : {"", "bin", "bin/run", "index.py"}) {
    struct stat status {};
    REQUIRE(::stat((tree.path() / path).c_str(), &status) == 0);
    CHECK(status.st_mtime == 0);
    CHECK(status.st_uid == ::geteuid());
    if (*path == '\0') CHECK((status.st_mode & 07777) == 0755);
  }
}

TEST_CASE("a digest names names, bytes and execute bits, and nothing else") {
  Workshop shop;
  auto digest = [&](ZipBuilder const& zip) { return shop.store(zip.finish()).value().digest; };
  auto const base = digest(ZipBuilder().add("a/x", "1").add("b", "2"));
  CHECK(digest(ZipBuilder().add("b", "2").add("a/", "", 040700).add("a/x", "1", 0100600)) == base);
  CHECK(digest(ZipBuilder().add("a/x", "1").add("b", "2").comment("hello")) == base);
  CHECK(digest(ZipBuilder().add("a/x", "1").add("b", "3")) != base);
  CHECK(digest(ZipBuilder().add("a/x", "1").add("c", "2")) != base);
  CHECK(digest(ZipBuilder().add("a/x", "1").add("b", "2", 0100755)) != base);
  CHECK(digest(ZipBuilder().add("a/x", "1").add("b", "2").add("c/", "", 040755)) != base);
}

TEST_CASE("the digest is the SHA-256 of the listing that tree.hpp writes down") {
  Workshop shop;
  std::string const listing = std::string("faas-tree 1\0", 12) +     //
                              "x " + hex_sum("2") + " a.b" + '\0' +  //
                              "d a" + '\0' +                         //
                              "f " + hex_sum("1") + " a/b" + '\0';
  // Ascending by bytes: "a" < "a.b" < "a/b".
  std::string const sorted = std::string("faas-tree 1\0", 12) + "d a" + '\0' + "x " + hex_sum("2") +
                             " a.b" + '\0' + "f " + hex_sum("1") + " a/b" + '\0';
  auto const zip = ZipBuilder().add("a/b", "1").add("a.b", "2", 0100755).finish();
  CHECK(shop.store(zip).value().digest.hex == hex_sum(sorted));
  CHECK(hex_sum(sorted) != hex_sum(listing));
  CHECK(shop.store(ZipBuilder().finish()).value().digest.hex ==
        hex_sum(std::string("faas-tree 1\0", 12)));
}

TEST_CASE("the same bytes again are the same package and leave one file each") {
  Workshop shop;
  auto const first = shop.store(small_zip()).value();
  auto const before = shop.everything();
  auto const again = shop.store(small_zip()).value();
  CHECK(again.digest == first.digest);
  CHECK(shop.everything() == before);
  CHECK(before == std::vector<std::string>{"packages/" + first.digest.hex,
                                           "trees/" + first.digest.hex,
                                           "uploads/" + hex_sum(small_zip())});
}

TEST_CASE("another zip of the same tree replaces the bytes that are kept") {
  Workshop shop;
  auto const first = shop.store(ZipBuilder().add("a", "1").finish()).value();
  auto const tree = shop.cache().pin(first.digest).value();
  auto const other_zip = ZipBuilder().add("a", "1").comment("other").finish();
  auto const second = shop.store(other_zip).value();
  CHECK(second.digest == first.digest);
  CHECK(second.code_sha256 != first.code_sha256);
  CHECK(read_file(shop.cache().upload(first.digest).value()) == other_zip);
  CHECK(names_in(shop.path("uploads")) == std::vector<std::string>{hex_sum(other_zip)});
  CHECK(describe(tree.path()) == "0644 a 1\n");
}

TEST_CASE("an unknown digest is not found, whatever it looks like") {
  Workshop shop;
  for (auto const& digest : {kUnknown, Digest{}, Digest{"../../etc/passwd"}, Digest{"\x1b[2J"}}) {
    CHECK(shop.cache().find(digest).error().code == Errc::not_found);
    CHECK(shop.cache().pin(digest).error().code == Errc::not_found);
    CHECK(shop.cache().upload(digest).error().code == Errc::not_found);
    CHECK(shop.cache().remove(digest).has_value());
  }
  CHECK(shop.cache().pin({"\x1b"}).error().message.find('\x1b') == std::string::npos);
  CHECK_FALSE(Tree().was_cached());
  CHECK_FALSE(static_cast<bool>(Tree()));
}

TEST_CASE("a removed package's tree stays until its last handle goes") {
  Workshop shop;
  auto const package = shop.store(small_zip()).value();
  auto first = shop.cache().pin(package.digest).value();
  auto second = first;
  auto third = shop.cache().pin(package.digest).value();
  auto const path = first.path();
  REQUIRE(shop.cache().remove(package.digest).has_value());
  CHECK(shop.cache().find(package.digest).error().code == Errc::not_found);
  CHECK(shop.cache().pin(package.digest).error().code == Errc::not_found);
  CHECK(names_in(shop.path("uploads")).empty());
  CHECK(names_in(shop.path("packages")).empty());

  first = {};
  third = {};
  CHECK(fs::exists(path / "index.py"));
  second = {};
  CHECK_FALSE(fs::exists(path));
  // Its bytes go with the next call that may block.
  REQUIRE(shop.store(ZipBuilder().finish()).has_value());
  CHECK(names_in(shop.path("tmp")).empty());
}

TEST_CASE("a package removed unpinned leaves nothing, and may come back") {
  Workshop shop;
  auto const package = shop.store(small_zip()).value();
  shop.cache().remove(package.digest).value();
  CHECK(shop.everything().empty());
  CHECK(shop.store(small_zip()).value().digest == package.digest);
  CHECK(shop.cache().pin(package.digest).has_value());
}

TEST_CASE("a package stored again while its removed tree is pinned keeps that tree") {
  Workshop shop;
  auto const package = shop.store(small_zip()).value();
  auto tree = shop.cache().pin(package.digest).value();
  shop.cache().remove(package.digest).value();
  shop.store(small_zip()).value();
  auto const path = tree.path();
  tree = {};
  CHECK(fs::exists(path));
  CHECK(shop.cache().pin(package.digest).value().was_cached());
}

TEST_CASE("packages outlive the cache; a whole tree is used again, a missing one rebuilt") {
  Workshop shop;
  auto const package = shop.store(small_zip()).value();
  shop.open();
  CHECK(shop.cache().find(package.digest).value().code_sha256 == package.code_sha256);
  CHECK(shop.cache().find(package.digest).value().unpacked == package.unpacked);
  CHECK(shop.cache().pin(package.digest).value().was_cached());

  shop.close();
  fs::remove_all(shop.path("trees"));
  shop.open();
  auto const tree = shop.cache().pin(package.digest).value();
  CHECK_FALSE(tree.was_cached());
  CHECK(describe(tree.path()) == "0755 bin/\n0755 bin/run #!/bin/sh\n\n0644 index.py print(1)\n");
  CHECK(shop.cache().pin(package.digest).value().was_cached());
}

TEST_CASE("a removed package stays removed after a restart, its tree too if it was never used") {
  Workshop shop;
  auto const package = shop.store(small_zip()).value();
  shop.open();
  shop.cache().remove(package.digest).value();
  CHECK(shop.everything().empty());
  shop.open();
  CHECK(shop.cache().find(package.digest).error().code == Errc::not_found);
}

TEST_CASE("a tree that was changed while nobody looked is rebuilt before it is used") {
  Workshop shop;
  auto const package = shop.store(small_zip()).value();
  auto const tree = shop.path("trees/" + package.digest.hex);
  auto const good = describe(tree);
  struct Damage {
    char const* what;
    std::function<void()> act;
  };
  for (auto const& damage : std::vector<Damage>{
           {"a byte", [&] { flip_byte(tree / "index.py", 0); }},
           {"a missing file", [&] { fs::remove(tree / "index.py"); }},
           {"another file", [&] { write_file(tree / "bin/more", "x"); }},
           {"another directory", [&] { fs::create_directory(tree / "more"); }},
           {"an execute bit", [&] { ::chmod((tree / "index.py").c_str(), 0755); }},
           {"a set-uid bit", [&] { ::chmod((tree / "bin/run").c_str(), 04755); }},
           {"a directory's mode", [&] { ::chmod((tree / "bin").c_str(), 0777); }},
           {"the tree's own mode", [&] { ::chmod(tree.c_str(), 0777); }},
           {"a link in a file's place",
            [&] {
              fs::rename(tree / "index.py", shop.path("index.py"));
              fs::create_symlink(shop.path("index.py"), tree / "index.py");
            }},
           {"a second name of a file",
            [&] { fs::create_hard_link(tree / "bin/run", shop.path("second")); }},
           {"a link in the tree's place",
            [&] {
              fs::rename(tree, shop.path("elsewhere"));
              fs::create_directory_symlink(shop.path("elsewhere"), tree);
            }},
           {"a file in the tree's place",
            [&] {
              fs::remove_all(tree);
              write_file(tree, "x");
            }},
       }) {
    CAPTURE(damage.what);
    shop.close();
    damage.act();
    shop.open();
    auto const pinned = shop.cache().pin(package.digest).value();
    CHECK_FALSE(pinned.was_cached());
    CHECK(describe(pinned.path()) == good);
    CHECK(fs::symlink_status(tree).type() == fs::file_type::directory);
    for (auto left : {"index.py", "second", "elsewhere"}) fs::remove_all(shop.path(left));
  }
}

TEST_CASE(
    "an upload that changed on disk is never unpacked: corrupt, set aside, healed by storing") {
  Workshop shop;
  auto const zip = small_zip();
  auto const package = shop.store(zip).value();
  auto const upload = hex_sum(zip);
  for (std::size_t at : {std::size_t{0}, zip.size() / 2, zip.size() - 1}) {
    shop.close();
    fs::remove_all(shop.path("trees"));
    flip_byte(shop.path("uploads/" + upload), at);
    shop.open();
    for (int again = 0; again < 2; ++again) {
      auto const pinned = shop.cache().pin(package.digest);
      REQUIRE(pinned.has_error());
      CHECK(pinned.error().code == Errc::corrupt);
      CHECK(pinned.error().layer == "code");
      CHECK(pinned.error().message.find("store the package again") != std::string::npos);
      CHECK(names_in(shop.path("quarantine")) == std::vector<std::string>{"upload-" + upload});
      CHECK(names_in(shop.path("trees")).empty());
    }
    CHECK(shop.store(zip).value().digest == package.digest);
    CHECK(shop.cache().pin(package.digest).value().was_cached());
  }
}

TEST_CASE("a record that changed on disk is set aside with its upload, and says so when asked") {
  Workshop shop;
  auto const other = shop.store(ZipBuilder().add("other", "1").finish()).value();
  auto const package = shop.store(small_zip()).value();
  auto const record = shop.path("packages/" + package.digest.hex);
  auto const size = read_file(record).size();
  for (std::size_t at : {std::size_t{13}, size / 2, size - 2}) {
    shop.close();
    flip_byte(record, at);
    shop.open();
    CHECK(shop.cache().pin(package.digest).error().code == Errc::corrupt);
    CHECK(names_in(shop.path("quarantine")) ==
          std::vector<std::string>{"package-" + package.digest.hex,
                                   "upload-" + hex_sum(small_zip())});
    CHECK(shop.cache().pin(other.digest).has_value());
    CHECK(shop.store(small_zip()).has_value());
    CHECK(shop.cache().pin(package.digest).has_value());
  }
}

TEST_CASE("what an interrupted store left is gone after the next open") {
  Workshop shop;
  auto const package = shop.store(small_zip()).value();
  auto const whole = shop.everything();
  shop.close();
  write_file(shop.path("tmp/0123/deep/file"), "half a tree");
  write_file(shop.path("tmp/4567"), "half an upload");
  write_file(shop.path("uploads/" + std::string(64, 'a')), "an upload without a record");
  write_file(shop.path("trees/" + std::string(64, 'b') + "/x"), "a tree without a record");
  shop.open();
  CHECK(shop.everything() == whole);
  CHECK(shop.cache().pin(package.digest).has_value());
}

TEST_CASE("nothing in a state directory is removed through a link") {
  Workshop shop;
  TempDir outside;
  write_file(outside / "precious", "1");
  shop.close();
  fs::create_directory_symlink(outside.path(), shop.path("tmp/link"));
  fs::create_directory_symlink(outside.path(), shop.path("trees") / std::string(64, 'c'));
  shop.open();
  CHECK(shop.everything().empty());
  CHECK(read_file(outside / "precious") == "1");
}

TEST_CASE("a directory has one owner, and a pinned tree keeps it owned") {
  Workshop shop;
  auto const refused = CodeCache::open({.directory = shop.path()});
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::conflict);
  CHECK(refused.error().message.find(shop.path().string()) != std::string::npos);

  auto tree = shop.cache().pin(shop.store(small_zip()).value().digest).value();
  shop.close();
  CHECK(CodeCache::open({.directory = shop.path()}).error().code == Errc::conflict);
  tree = {};
  CHECK(CodeCache::open({.directory = shop.path()}).has_value());
}

TEST_CASE("a private directory goes with the cache, or with its last tree") {
  auto cache = std::make_optional(CodeCache::open({}).value());
  auto const empty = ZipBuilder().finish();
  MemoryBlob blob(bytes(empty));
  auto tree = cache->pin(cache->store(blob).value().digest).value();
  auto const root = tree.path().parent_path().parent_path();
  cache.reset();
  CHECK(fs::exists(tree.path()));
  tree = {};
  CHECK_FALSE(fs::exists(root));
}

TEST_CASE("a state directory is for its owner only, and is made with its parents") {
  TempDir dir;
  auto const cache = CodeCache::open({.directory = dir / "a/b/code"}).value();
  struct stat status {};
  REQUIRE(::stat((dir / "a/b/code").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
}

TEST_CASE("a directory that cannot be made is an error that names it") {
  TempDir dir;
  write_file(dir / "file", "");
  auto const refused = CodeCache::open({.directory = dir / "file/code"});
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::io);
  CHECK(refused.error().message.find(dir / "file") != std::string::npos);
}

TEST_CASE("a path may be a zip file or a directory, and nothing else") {
  Workshop shop;
  TempDir dir;
  write_file(dir / "tree/index.py", "print(1)");
  write_file(dir / "tree/bin/run", "#!/bin/sh\n", 0755);
  write_file(dir / "f.zip", small_zip());
  auto const packed = shop.cache().store(fs::path(dir / "tree")).value();
  CHECK(packed.code_sha256 == base64_sum(pack(dir / "tree").value()));
  auto const zipped = shop.cache().store(fs::path(dir / "f.zip")).value();
  CHECK(zipped.digest == packed.digest);

  CHECK(shop.cache().store(fs::path(dir / "missing")).error().code == Errc::not_found);
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(shop.cache().store(fs::path(dir / "fifo")).error().code == Errc::invalid_argument);
  CHECK(shop.cache().store(fs::path("/dev/zero")).error().code == Errc::invalid_argument);
}

TEST_CASE("a limit lowered later does not take a stored package away") {
  TempDir dir;
  auto const zip = small_zip();
  MemoryBlob source(bytes(zip));
  auto const digest =
      CodeCache::open({.directory = dir.path()}).value().store(source).value().digest;
  fs::remove_all(dir / "trees");
  auto cache = CodeCache::open({.directory = dir.path(), .limits = {1_B, 1_B, 1}}).value();
  CHECK(cache.pin(digest).has_value());
}
