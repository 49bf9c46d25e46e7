#include "sys/memfd.hpp"

#include <sys/mman.h>

#include <cerrno>

#include "words.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string path_of(sys::Fd const& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

}  // namespace

TEST_CASE("bytes in memory are what was put in, under a name for people") {
  auto const memory = sys::sealed_memfd("a-name", "the text");
  REQUIRE(memory.has_value());
  CHECK(content(path_of(*memory)) == "the text");
  CHECK(closes_on_exec(memory->get()));
  CHECK(std::filesystem::read_symlink(path_of(*memory)).string().find("a-name") !=
        std::string::npos);
}

TEST_CASE("bytes in memory cannot be changed by who holds them") {
  auto const memory = sys::sealed_memfd("sealed", "the text").value();
  CHECK(::pwrite(memory.get(), "X", 1, 0) == -1);
  CHECK(errno == EPERM);
  CHECK(::ftruncate(memory.get(), 0) == -1);
  CHECK(::ftruncate(memory.get(), 1 << 20) == -1);
  CHECK(::mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0) == MAP_FAILED);
  CHECK(content(path_of(memory)) == "the text");
}

TEST_CASE("bytes in memory cannot be changed by who opens them anew") {
  auto const memory = sys::sealed_memfd("sealed", "the text").value();
  sys::Fd const again(::open(path_of(memory).c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(static_cast<bool>(again));
  CHECK(::write(again.get(), "X", 1) == -1);
  CHECK(errno == EPERM);
}

TEST_CASE("no seal can be added to bytes in memory") {
  auto const memory = sys::sealed_memfd("sealed", "the text").value();
  CHECK(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE) == -1);
  CHECK(errno == EPERM);
}

TEST_CASE(
    "a program in memory may be executed, and keeps that right where the kernel can seal it") {
  auto const memory = sys::sealed_memfd("program", "").value();
  CHECK((mode_of(memory.get()) & 0111) == 0111);
  constexpr int kSealExec = 0x0020;  // since 6.3
  if (::fcntl(memory.get(), F_GET_SEALS) & kSealExec) {
    CHECK(::fchmod(memory.get(), 0600) == -1);
    CHECK(errno == EPERM);
  }
}

TEST_CASE("a name that the kernel does not take is an error") {
  auto const memory = sys::sealed_memfd(std::string(300, 'n').c_str(), "");
  REQUIRE_FALSE(memory.has_value());
  CHECK(memory.error().message == "memfd_create: Invalid argument");
}

TEST_CASE("what is lent cannot be changed by who borrows it, and can be taken back") {
  std::string first = "one ", second = "two";
  iovec const parts[] = {{first.data(), first.size()}, {second.data(), second.size()}};
  auto memory = sys::lent_memfd("lent", parts).value();
  CHECK(content(path_of(memory)) == "one two");
  constexpr int kSealExec = 0x0020;  // since 6.3
  if (::fcntl(memory.get(), F_GET_SEALS) & kSealExec) CHECK((mode_of(memory.get()) & 0111) == 0);
  CHECK(::pwrite(memory.get(), "X", 1, 0) == -1);
  CHECK(::ftruncate(memory.get(), 100) == -1);
  CHECK(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) == -1);
  sys::Fd const borrowed(::dup(memory.get()));
  sys::take_back(std::move(memory));
  CHECK(content(path_of(borrowed)).empty());
}

TEST_CASE("only a memfd of that size with every seal is a sealed one") {
  auto const sealed = sys::sealed_memfd("sealed", "the text").value();
  CHECK(sys::is_sealed_memfd(sealed.get(), 8));
  CHECK_FALSE(sys::is_sealed_memfd(sealed.get(), 7));
  CHECK_FALSE(sys::is_sealed_memfd(sealed.get(), 9));
  CHECK_FALSE(sys::is_sealed_memfd(sys::lent_memfd("lent", {}).value().get(), 0));
  CHECK_FALSE(sys::is_sealed_memfd(STDIN_FILENO, 0));
}
