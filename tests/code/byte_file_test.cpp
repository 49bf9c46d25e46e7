#include "code/byte_file.hpp"

#include <fcntl.h>

#include <array>
#include <limits>

#include "code/fixture.hpp"
#include "sys/file.hpp"

using namespace faas;
using namespace faas::code;
using namespace faas::test;

namespace {

// The same bytes in memory and on disk.
struct Both {
  std::string text = "0123456789";
  TempDir dir;
  sys::Fd fd = [this] {
    dir.write("file", text);
    return sys::open_file(dir / "file", O_RDONLY).value();
  }();
  std::array<ByteFile, 2> files{ByteFile(bytes(text)), ByteFile::of(fd.get()).value()};
};

}  // namespace

TEST_CASE("memory and a file are read alike") {
  Both const both;
  for (auto const& file : both.files) {
    CHECK(file.size() == 10);
    CHECK(file.read(0, 4).value() == "0123");
    CHECK(file.read(6, 4).value() == "6789");
    CHECK(file.read(8, 4).value() == "89");
    CHECK(file.read(10, 4).value().empty());
    CHECK(file.read(3, 0).value().empty());
    std::array<std::byte, 4> buffer{};
    CHECK(file.read(8, buffer).value() == 2);
    CHECK(buffer[1] == std::byte{'9'});
    CHECK(buffer[2] == std::byte{0});
  }
}

TEST_CASE("an offset or a count that a zip lies about is the end, not a wild read") {
  Both const both;
  constexpr auto kHuge = std::numeric_limits<std::size_t>::max();
  for (auto const& file : both.files) {
    CHECK(file.read(11, 4).value().empty());
    CHECK(file.read(kHuge, 4).value().empty());
    CHECK(file.read(kHuge, kHuge).value().empty());
    CHECK(file.read(2, kHuge).value() == "23456789");
  }
}

TEST_CASE("what is no open file is an error") {
  CHECK(ByteFile::of(-1).error().message == "fstat: Bad file descriptor");
}
