#include "sys/directory.hpp"

#include "words.hpp"

using namespace faas;
using namespace faas::test;
namespace fs = std::filesystem;
using Names = std::vector<std::string>;

TEST_CASE("a directory is made if it is missing, and opened if it is there") {
  TempDir const dir;
  auto const root = open_directory(dir.path());
  auto const made = sys::make_directory(root.get(), "a", 0700);
  REQUIRE(made.has_value());
  CHECK(mode_of(made->get()) == 0700);
  CHECK(closes_on_exec(made->get()));
  dir.write("a/kept", "");
  auto const again = sys::make_directory(root.get(), "a", 0755);
  REQUIRE(again.has_value());
  CHECK(mode_of(again->get()) == 0700);
  CHECK(sys::list_names(again->get()).value() == Names{"kept"});
}

TEST_CASE("neither a link nor a file passes for a directory") {
  TempDir const dir;
  dir.write("file", "");
  fs::create_directory(dir / "elsewhere");
  fs::create_directory_symlink("elsewhere", dir / "link");
  auto const root = open_directory(dir.path());
  CHECK(sys::make_directory(root.get(), "link", 0700).error().code == Errc::io);
  CHECK(sys::make_directory(root.get(), "file", 0700).error().code == Errc::io);
  CHECK(sys::make_directory(root.get(), "no/parent", 0700).error().code == Errc::not_found);
}

TEST_CASE("names are listed sorted, as often as asked") {
  TempDir const dir;
  for (auto name : {"b", ".hidden", "a", "B", "c/d"}) dir.write(name, "");
  auto const root = open_directory(dir.path());
  Names const all{".hidden", "B", "a", "b", "c"};
  CHECK(sys::list_names(root.get()).value() == all);
  CHECK(sys::list_names(root.get()).value() == all);
  auto const file = sys::open_file(dir / "a", O_RDONLY).value();
  CHECK_FALSE(sys::list_names(file.get()).has_value());
}

TEST_CASE("a tree is removed with everything in it, and nothing beside it") {
  TempDir const dir;
  dir.write("tree/a/b/c", "");
  dir.write("tree/d", "");
  dir.write("beside/kept", "");
  fs::create_directory_symlink(dir / "beside", dir / "tree/a/link");
  fs::create_symlink("nowhere", dir / "tree/dangling");
  auto const root = open_directory(dir.path());
  REQUIRE(sys::remove_tree(root.get(), "tree").has_value());
  CHECK(sys::list_names(root.get()).value() == Names{"beside"});
  CHECK(exists(dir / "beside/kept"));
}

TEST_CASE("of a link, the link is removed and not what it points to") {
  TempDir const dir;
  dir.write("tree/kept", "");
  fs::create_directory_symlink("tree", dir / "link");
  auto const root = open_directory(dir.path());
  REQUIRE(sys::remove_tree(root.get(), "link").has_value());
  CHECK_FALSE(exists(dir / "link"));
  CHECK(exists(dir / "tree/kept"));
}

TEST_CASE("what is missing is removed already") {
  TempDir const dir;
  auto const root = open_directory(dir.path());
  CHECK(sys::remove_tree(root.get(), "nothing").has_value());
}

TEST_CASE("what the kernel does not remove is named") {
  auto const proc = open_directory("/proc/self");
  auto const removed = sys::remove_tree(proc.get(), "status");
  REQUIRE_FALSE(removed.has_value());
  CHECK(removed.error().message.starts_with("unlink status: "));
}

TEST_CASE("a lock has one holder, in this process too, until its description is closed") {
  TempDir const dir;
  auto first = open_directory(dir.path());
  auto const second = open_directory(dir.path());
  CHECK(sys::try_lock(first.get()).value());
  CHECK(sys::try_lock(first.get()).value());  // its own
  CHECK_FALSE(sys::try_lock(second.get()).value());
  {
    sys::Fd const copy(::fcntl(first.get(), F_DUPFD_CLOEXEC, 0));
    first.reset();
    CHECK_FALSE(sys::try_lock(second.get()).value());
  }
  CHECK(sys::try_lock(second.get()).value());
  CHECK(sys::try_lock(-1).error().code == Errc::io);
}
