// K12: what was written to a verified tree is seen before it is used again.
#include "code/seal.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <functional>

#include "code/fixture.hpp"
#include "sys/fd.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string small_zip() {
  return ZipBuilder().add("index.py", "print()\n").add("bin/run", "#!/bin/sh\n").finish();
}

void flip_byte(fs::path const& path) {
  auto text = read_file(path);
  text.at(0) = static_cast<char>(text.at(0) ^ 1);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).write(text.data(), 1);
}

struct Change {
  char const* what;
  std::function<void(fs::path const&)> act;
  bool content_stays = false;
};

std::vector<Change> changes() {
  return {{"a byte", [](auto const& tree) { flip_byte(tree / "index.py"); }},
          {"a missing file", [](auto const& tree) { fs::remove(tree / "index.py"); }},
          {"another file", [](auto const& tree) { write_file(tree / "bin/more", "x"); }},
          {"an execute bit", [](auto const& t) { ::chmod((t / "index.py").c_str(), 0755); }},
          {"a file in a file's place",
           [](auto const& tree) {
             write_file(tree / "other", "print()\n");
             fs::rename(tree / "other", tree / "index.py");
           },
           true},
          {"a directory in a directory's place",
           [](auto const& tree) {
             fs::rename(tree / "bin", tree / "old");
             write_file(tree / "bin/run", "#!/bin/sh\n", 0644);
             fs::remove_all(tree / "old");
           },
           true}};
}

}  // namespace

TEST_CASE("a seal holds while nothing is written, and no longer") {
  for (auto const& change : changes()) {
    CAPTURE(change.what);
    TempDir dir;
    fs::path const tree = fs::path(dir.path()) / "tree";
    write_file(tree / "index.py", "print()\n");
    write_file(tree / "bin/run", "#!/bin/sh\n");
    sys::Fd const trees(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto const seal = code::Seal::of(trees.get(), "tree").value();
    CHECK(seal.size() == 4);
    (void)read_file(tree / "index.py");
    CHECK(seal.holds(trees.get()));
    change.act(tree);
    CHECK_FALSE(seal.holds(trees.get()));
  }
}

TEST_CASE("there is no seal of what is not there") {
  TempDir dir;
  sys::Fd const trees(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK(code::Seal::of(trees.get(), "tree").has_error());
}

TEST_CASE("a tree that is changed under the cache is set aside and built again (K12)") {
  for (auto const& change : changes()) {
    CAPTURE(change.what);
    Workshop shop;
    auto const digest = shop.store(small_zip()).value().digest;
    auto const good = describe(shop.path("trees/" + digest.hex));
    auto const first = shop.cache().pin(digest).value();
    CHECK(first.was_cached());
    CHECK(first.untouched());
    change.act(first.path());
    auto const bad = describe(first.path());
    CHECK_FALSE(first.untouched());
    auto const second = shop.cache().pin(digest).value();
    CHECK(second.was_cached() == change.content_stays);
    CHECK(second.untouched());
    CHECK(describe(second.path()) == good);
    if (!change.content_stays) CHECK(describe(shop.path("quarantine/tree-" + digest.hex)) == bad);
    CHECK(shop.cache().pin(digest).value().was_cached());
  }
}

TEST_CASE("a tree whose files were only touched is verified and stays") {
  Workshop shop;
  auto const digest = shop.store(small_zip()).value().digest;
  auto const tree = shop.cache().pin(digest).value();
  ::chmod((tree.path() / "index.py").c_str(), 0600);
  ::chmod((tree.path() / "index.py").c_str(), 0644);
  CHECK_FALSE(tree.untouched());
  CHECK(shop.cache().pin(digest).value().was_cached());
  CHECK(tree.untouched());
  CHECK(names_in(shop.path("quarantine")).empty());
}

TEST_CASE("a tree that is changed after its upload was is refused, never used (K12)") {
  Workshop shop;
  auto const digest = shop.store(small_zip()).value().digest;
  auto const tree = shop.cache().pin(digest).value();
  flip_byte(shop.path("uploads") / names_in(shop.path("uploads")).at(0));
  flip_byte(tree.path() / "index.py");
  for (int again = 0; again < 2; ++again)
    CHECK(shop.cache().pin(digest).error().code == Errc::corrupt);
  CHECK_FALSE(tree.untouched());
}

TEST_CASE("storing the same bytes does not make a changed tree a good one") {
  Workshop shop;
  auto const digest = shop.store(small_zip()).value().digest;
  auto const tree = shop.cache().pin(digest).value();
  auto const good = describe(tree.path());
  flip_byte(tree.path() / "index.py");
  CHECK(shop.store(ZipBuilder()
                       .add("index.py", "print()\n")
                       .add("bin/run", "#!/bin/sh\n")
                       .comment("another zip of it")
                       .finish())
            .value()
            .digest == digest);
  CHECK(describe(shop.cache().pin(digest).value().path()) == good);
}

TEST_CASE("a tree of many files is not looked at where nothing may block") {
  Workshop shop;
  ZipBuilder zip;
  for (int i = 0; i < 1024; ++i) zip.add("file-" + std::to_string(i), "x");
  auto const tree = shop.cache().pin(shop.store(zip.finish()).value().digest).value();
  CHECK_FALSE(tree.untouched());
}

TEST_CASE("a borrowed directory is its owner's to change") {
  TempDir dir;
  auto const tree = Tree::borrow(dir.path()).value();
  dir.write("more", "x");
  CHECK(tree.untouched());
  CHECK_FALSE(Tree().untouched());
}
