// A tree on disk is what it was unpacked as, or it is corrupt.
#include <fcntl.h>

#include "base/text.hpp"
#include "code/fixture.hpp"
#include "code/tree.hpp"
#include "support/skip.hpp"
#include "sys/file.hpp"

using namespace faas;
using namespace faas::code;
using namespace faas::test;

namespace {

struct OnDisk {
  OnDisk() {
    write_file(path("a/x"), "1");
    write_file(path("run"), "#!", 0755);
    REQUIRE(::chmod(path().c_str(), 0755) == 0);
    REQUIRE(::chmod(path("a").c_str(), 0755) == 0);
  }
  fs::path path(std::string_view below = "") const { return fs::path(dir.path()) / below; }
  Result<Digest> digest() const {
    auto const fd = sys::open_file(dir.path(), O_RDONLY | O_DIRECTORY).value();
    return digest_of(fd.get());
  }
  // Why it is not the tree it was.
  std::string complaint() const {
    auto const found = digest();
    if (found) return "none";
    CHECK(found.error().code == Errc::corrupt);
    return found.error().message;
  }

  TempDir dir;
};

std::string const kRun = "\"run\" is not as it was unpacked";

}  // namespace

TEST_CASE("a tree's digest on disk is that of its listing") {
  OnDisk const tree;
  fs::create_symlink("a/x", tree.path("link"));
  Listing listing;
  listing.add_link("link", sha256(bytes("a/x")));
  listing.add_file("run", true, sha256(bytes("#!")));
  listing.add_directory("a");
  listing.add_file("a/x", false, sha256(bytes("1")));
  CHECK(tree.digest().value() == listing.digest());
}

TEST_CASE("times change no digest; bytes, names and execute bits do") {
  OnDisk const tree;
  auto const before = tree.digest().value();
  fs::last_write_time(tree.path("run"), fs::file_time_type{});
  CHECK(tree.digest().value() == before);
  write_file(tree.path("a/x"), "2");
  CHECK(tree.digest().value() != before);
  write_file(tree.path("a/x"), "1");
  CHECK(tree.digest().value() == before);
  REQUIRE(::chmod(tree.path("run").c_str(), 0644) == 0);
  CHECK(tree.digest().value() != before);
  REQUIRE(::chmod(tree.path("run").c_str(), 0755) == 0);
  fs::rename(tree.path("a/x"), tree.path("a/y"));
  CHECK(tree.digest().value() != before);
}

TEST_CASE("modes that unpacking never gives are corrupt") {
  OnDisk const tree;
  for (unsigned mode : {0700u, 0777u, 04755u, 0600u}) {
    REQUIRE(::chmod(tree.path("run").c_str(), mode) == 0);
    CHECK(tree.complaint().starts_with(kRun));
  }
  REQUIRE(::chmod(tree.path("run").c_str(), 0755) == 0);
  REQUIRE(::chmod(tree.path("a").c_str(), 0700) == 0);
  CHECK(tree.complaint().starts_with("\"a\" is not as it was unpacked"));
  REQUIRE(::chmod(tree.path("a").c_str(), 0755) == 0);
  CHECK(tree.complaint() == "none");
  REQUIRE(::chmod(tree.path().c_str(), 0777) == 0);
  CHECK(tree.complaint() == "the tree's mode has changed");
}

TEST_CASE("a link is another tree than what it names; special files and second names are corrupt") {
  OnDisk const tree;
  auto replaced_by = [&](auto&& make) {
    fs::remove(tree.path("run"));
    make(tree.path("run"));
    return tree.complaint();
  };
  auto const before = tree.digest().value();
  CHECK(replaced_by([](auto const& p) { fs::create_symlink("a/x", p); }) == "none");
  auto const linked = tree.digest().value();
  CHECK(linked != before);
  CHECK(replaced_by([](auto const& p) { fs::create_symlink("a/y", p); }) == "none");
  CHECK(tree.digest().value() != linked);
  CHECK(replaced_by([](auto const& p) { ::mkfifo(p.c_str(), 0644); }).starts_with(kRun));
  CHECK(replaced_by([&](auto const& p) {
          TempDir const elsewhere;
          elsewhere.write("x", "#!", true);
          fs::create_hard_link(elsewhere / "x", p);
          // Its other name goes with the directory: one name again, and nothing wrong.
        }) == "none");
  fs::create_hard_link(tree.path("run"), tree.path("same"));
  CHECK(tree.complaint().starts_with(kRun));
}

TEST_CASE("a file of another owner is corrupt") {
  if (skipped_unless(::geteuid() == 0, "needs root to give a file away")) return;
  OnDisk const tree;
  REQUIRE(::chown(tree.path("run").c_str(), 54321, 54321) == 0);
  CHECK(tree.complaint().starts_with(kRun));
}

TEST_CASE("a name that no package may hold is corrupt") {
  OnDisk const tree;
  write_file(tree.path("back\\slash"), "");
  CHECK(tree.complaint().find("is not as it was unpacked") != std::string::npos);
}
