#include "sys/fd.hpp"

#include <cerrno>
#include <map>

#include "words.hpp"

using namespace faas;
using namespace faas::test;
using sys::Fd;

namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

TEST_CASE("a descriptor is closed when its owner goes") {
  int number = -1;
  {
    Fd const fd(open_null());
    number = fd.get();
    REQUIRE(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("a descriptor that moved is closed once, by its last owner") {
  Fd first(open_null());
  int const number = first.get();
  {
    Fd const second(std::move(first));
    CHECK_FALSE(static_cast<bool>(first));
    CHECK(second.get() == number);
    first.reset();
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("an owner that is given another descriptor closes its own") {
  Fd fd(open_null());
  Fd other(open_null());
  int const replaced = fd.get(), kept = other.get();
  fd = std::move(other);
  CHECK_FALSE(is_open(replaced));
  CHECK(is_open(kept));
  fd.reset();
  CHECK_FALSE(is_open(kept));
  CHECK_FALSE(static_cast<bool>(fd));
}

TEST_CASE("a descriptor moved to itself stays open") {
  Fd fd(open_null());
  auto& same = fd;
  fd = std::move(same);
  CHECK(is_open(fd.get()));
}

TEST_CASE("a descriptor that was released is not closed") {
  int number = -1;
  {
    Fd fd(open_null());
    number = fd.release();
    CHECK_FALSE(static_cast<bool>(fd));
  }
  CHECK(is_open(number));
  ::close(number);
}

TEST_CASE("descriptor 0 is a descriptor, and no descriptor is none") {
  CHECK_FALSE(static_cast<bool>(Fd()));
  CHECK_FALSE(static_cast<bool>(Fd(-1)));
  Fd standard(0);
  CHECK(static_cast<bool>(standard));
  standard.release();
}

TEST_CASE("an errno becomes the condition a caller can act on, in the kernel's words") {
  auto const missing = sys::errno_error("openat2 a/b", ENOENT);
  CHECK((missing == Error{Errc::not_found, "openat2 a/b: No such file or directory", {}, {}}));
  std::map<int, Errc> const codes = {{EACCES, Errc::denied},      {EPERM, Errc::denied},
                                     {ENOSYS, Errc::unsupported}, {EEXIST, Errc::conflict},
                                     {ENOSPC, Errc::io},          {ELOOP, Errc::io}};
  for (auto const& known : codes) {
    CAPTURE(known.first);
    CHECK(sys::errno_error("call", known.first).code == known.second);
  }
}
