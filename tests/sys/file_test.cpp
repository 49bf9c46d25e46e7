#include "sys/file.hpp"

#include <array>

#include "words.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string_view text_of(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("what lies beneath a directory is opened, and not handed to a program that is executed") {
  TempDir const dir;
  dir.write("a/b", "inside");
  auto const root = open_directory(dir.path());
  auto file = sys::open_beneath(root.get(), "a/b", O_RDONLY);
  REQUIRE(file.has_value());
  CHECK(closes_on_exec(file->get()));
  CHECK(sys::open_beneath(root.get(), "a/../a/b", O_RDONLY).has_value());
  CHECK(sys::open_beneath(root.get(), "a/c", O_RDONLY).error().code == Errc::not_found);
}

TEST_CASE("no path leads out of the directory it began in") {
  TempDir const dir;
  dir.write("secret", "");
  dir.write("a/b", "");
  auto const inner = open_directory(dir / "a");
  for (auto const& path : {std::string("../secret"), std::string(".."), dir / "secret"}) {
    CAPTURE(path);
    auto const escaped = sys::open_beneath(inner.get(), path, O_RDONLY);
    REQUIRE_FALSE(escaped.has_value());
    CHECK(escaped.error().code == Errc::io);
  }
}

TEST_CASE("no link is followed, wherever on the way it lies and wherever it points") {
  TempDir const dir;
  dir.write("a/b", "");
  std::filesystem::create_symlink("a", dir / "way");
  std::filesystem::create_symlink("a/b", dir / "end");
  std::filesystem::create_symlink("/proc/self/fd", dir / "out");
  auto const root = open_directory(dir.path());
  for (auto path : {"way/b", "end", "out/0"}) {
    CAPTURE(path);
    auto const followed = sys::open_beneath(root.get(), path, O_RDONLY);
    REQUIRE_FALSE(followed.has_value());
    CHECK(followed.error().code == Errc::io);
    CHECK(followed.error().message.find(path) != std::string::npos);
  }
  auto const self = open_directory("/proc/self");
  CHECK_FALSE(sys::open_beneath(self.get(), "exe", O_RDONLY).has_value());
}

TEST_CASE("a link that stays inside may be followed where that is asked for, and no other") {
  TempDir const dir;
  dir.write("in/a/b", "");
  dir.write("beside", "");
  std::filesystem::create_symlink("../a/b", dir / "in/a/down");
  std::filesystem::create_symlink("down", dir / "in/a/two");
  std::filesystem::create_symlink("../beside", dir / "in/up");
  std::filesystem::create_symlink("/etc/passwd", dir / "in/out");
  std::filesystem::create_symlink("/proc/self/exe", dir / "in/magic");
  auto const root = open_directory(dir / "in");
  for (auto path : {"a/b", "a/down", "a/two"})
    CHECK(sys::open_inside(root.get(), path, O_PATH).has_value());
  for (auto path : {"up", "out", "magic", "../beside", "nobody"})
    CHECK_FALSE(sys::open_inside(root.get(), path, O_PATH).has_value());
}

TEST_CASE("a file made beneath a directory has the mode asked for, and only one maker") {
  TempDir const dir;
  auto const root = open_directory(dir.path());
  auto const made = sys::open_beneath(root.get(), "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
  REQUIRE(made.has_value());
  CHECK(mode_of(made->get()) == 0600);
  auto const again = sys::open_beneath(root.get(), "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
  CHECK(again.error().code == Errc::conflict);
}

TEST_CASE("a path of the host's own may be a link, and is not inherited either") {
  TempDir const dir;
  dir.write("real", "content");
  std::filesystem::create_symlink("real", dir / "link");
  auto const file = sys::open_file(dir / "link", O_RDONLY);
  REQUIRE(file.has_value());
  CHECK(closes_on_exec(file->get()));
  auto const missing = sys::open_file(dir / "nothing", O_RDONLY);
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().message.find(dir / "nothing") != std::string::npos);
}

TEST_CASE("a read at an offset is full but for the end of the file, and moves nothing") {
  TempDir const dir;
  dir.write("file", "0123456789");
  auto const file = sys::open_file(dir / "file", O_RDONLY).value();
  std::array<std::byte, 4> buffer{};
  CHECK(sys::read_at(file.get(), 2, buffer).value() == 4);
  CHECK(text_of(buffer) == "2345");
  CHECK(sys::read_at(file.get(), 8, buffer).value() == 2);
  CHECK(text_of(buffer).substr(0, 2) == "89");
  CHECK(sys::read_at(file.get(), 10, buffer).value() == 0);
  CHECK(sys::read_at(file.get(), 1 << 20, buffer).value() == 0);
  CHECK(::lseek(file.get(), 0, SEEK_CUR) == 0);
}

TEST_CASE("reads on from the descriptor's position end with 0") {
  TempDir const dir;
  dir.write("file", "012345");
  auto const file = sys::open_file(dir / "file", O_RDONLY).value();
  std::array<std::byte, 4> buffer{};
  CHECK(sys::read_some(file.get(), buffer).value() == 4);
  CHECK(sys::read_some(file.get(), buffer).value() == 2);
  CHECK(text_of(buffer).substr(0, 2) == "45");
  CHECK(sys::read_some(file.get(), buffer).value() == 0);
}

TEST_CASE("reading what cannot be read is an error, not the end") {
  auto const directory = open_directory("/");
  std::array<std::byte, 4> buffer{};
  CHECK(sys::read_some(directory.get(), buffer).error().code == Errc::io);
  CHECK(sys::read_at(directory.get(), 0, buffer).error().code == Errc::io);
}

TEST_CASE("bytes are written whole, or the error names what was written") {
  TempDir const dir;
  auto const file = sys::open_file(dir / "file", O_WRONLY | O_CREAT, 0644).value();
  std::string const many(300'000, 'x');
  REQUIRE(sys::write_all(file.get(), sys::bytes_of(many), "file").has_value());
  CHECK(content(dir / "file") == many);

  auto const full = sys::open_file("/dev/full", O_WRONLY).value();
  auto const written = sys::write_all(full.get(), sys::bytes_of("x"), "the report");
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == Errc::io);
  CHECK(written.error().message == "write the report: No space left on device");
}

TEST_CASE("bytes of which only a part found room are an error, not a success") {
  TempDir const dir;
  auto const file = sys::open_file(dir / "file", O_WRONLY | O_CREAT, 0644).value();
  auto const written = [&] {
    FileSizeLimit const limit(60);
    return sys::write_all(file.get(), sys::bytes_of(std::string(100, 'x')), "file");
  }();
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().message == "write file: File too large");
  CHECK(content(dir / "file").size() == 60);  // the first write was cut, the second refused
}

TEST_CASE("what cannot be synced says so by name") {
  TempDir const dir;
  auto const file = sys::open_file(dir / "file", O_WRONLY | O_CREAT, 0644).value();
  CHECK(sys::sync(file.get(), "file").has_value());
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  sys::Fd const out(ends[0]), in(ends[1]);
  auto const synced = sys::sync(in.get(), "a pipe");
  REQUIRE_FALSE(synced.has_value());
  CHECK(synced.error().message == "fsync a pipe: Invalid argument");
}
