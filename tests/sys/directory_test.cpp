#include "sys/directory.hpp"

#include <atomic>
#include <thread>
#include <vector>

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

TEST_CASE("a directory is claimed by one at a time, and what is missing by nobody") {
  TempDir const dir;
  fs::create_directory(dir / "a");
  fs::create_directory_symlink("a", dir / "link");
  auto const root = open_directory(dir.path());
  auto first = sys::try_claim(root.get(), "a").value();
  REQUIRE(first.has_value());
  CHECK(closes_on_exec(first->get()));
  CHECK_FALSE(sys::try_claim(root.get(), "a").value().has_value());
  first.reset();
  CHECK(sys::try_claim(root.get(), "a").value().has_value());
  CHECK_FALSE(sys::try_claim(root.get(), "b").value().has_value());
  CHECK(sys::try_claim(root.get(), "link").has_error());
}

TEST_CASE("who has claimed a directory has the one that stands there, whoever else removes it") {
  TempDir const dir;
  auto const root = open_directory(dir.path());
  auto const inode = [](int fd) {
    struct stat status {};
    ::fstat(fd, &status);
    return status.st_ino;
  };
  std::atomic<int> claimed = 0, wrong = 0;
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i)
    others.emplace_back([&] {
      for (int round = 0; round < 5000; ++round) {
        ::mkdirat(root.get(), "a", 0700);
        auto const mine = sys::try_claim(root.get(), "a").value();
        if (!mine) continue;
        ++claimed;
        auto const standing = sys::open_beneath(root.get(), "a", O_RDONLY | O_DIRECTORY);
        if (!standing || inode(standing->get()) != inode(mine->get())) ++wrong;
        ::unlinkat(root.get(), "a", AT_REMOVEDIR);
      }
    });
  for (auto& other : others) other.join();
  CHECK(claimed > 100);
  CHECK(wrong == 0);
}

TEST_CASE("private is what is ours and closed to everybody else") {
  TempDir const dir;
  auto const directory = open_directory(dir.path());
  for (auto [mode, expected] :
       {std::pair{0700u, true}, {0500u, true}, {0701u, false}, {0740u, false}}) {
    REQUIRE(::fchmod(directory.get(), mode) == 0);
    CHECK(sys::is_private(directory.get()) == expected);
  }
  REQUIRE(::fchmod(directory.get(), 0700) == 0);
  if (::geteuid() != 0) return;  // nobody else can give a directory away
  REQUIRE(::fchown(directory.get(), 12345, 12345) == 0);
  CHECK_FALSE(sys::is_private(directory.get()));
}
