#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstdlib>
#include <ctime>

#include "code/fixture.hpp"
#include "support/skip.hpp"

using namespace faas;
using namespace faas::test;

namespace {

void check_refused(fs::path const& root, fs::path const& culprit, std::string_view why,
                   Errc code = Errc::invalid_argument) {
  auto const refused = pack(root);
  REQUIRE(refused.has_error());
  CAPTURE(refused.error().message);
  CHECK(refused.error().code == code);
  CHECK(refused.error().layer == "code");
  CHECK(refused.error().message.find(culprit.string()) != std::string::npos);
  CHECK(refused.error().message.find(why) != std::string::npos);
}

void make_function(fs::path const& root) {
  write_file(root / "index.py", "print(1)");
  write_file(root / "bin/run", "#!/bin/sh\n", 0755);
  write_file(root / "__pycache__/index.cpython-311.pyc", std::string("\0\1\2", 3));
  write_file(root / "node_modules/.bin/x", std::string(100'000, 'x'));
  write_file(root / "caf\xc3\xa9", "");
  fs::create_directories(root / "empty/inside");
}

}  // namespace

TEST_CASE("a packed directory is stored and pinned as it was") {
  TempDir dir;
  make_function(dir.path());
  Workshop shop;
  auto const zip = pack(dir.path()).value();
  CHECK(zip.size() < 10'000);  // deflated
  auto const tree = shop.cache().pin(shop.store(zip).value().digest).value();
  CHECK(describe(tree.path()) == describe(dir.path()));
}

TEST_CASE("an empty directory is an empty package") {
  TempDir dir;
  Workshop shop;
  auto const tree = shop.cache().pin(shop.store(pack(dir.path()).value()).value().digest).value();
  CHECK(describe(tree.path()).empty());
}

TEST_CASE("the bytes depend on names, content and the execute bit alone") {
  TempDir one, other;
  make_function(one.path());
  // Another order of making, other times, other modes.
  fs::create_directories(fs::path(other / "empty/inside"));
  make_function(other.path());
  fs::permissions(other / "index.py", fs::perms::owner_read);
  fs::permissions(other / "bin/run", fs::perms::owner_all);
  fs::permissions(other / "empty", fs::perms::owner_all);
  timespec const past[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (other / "index.py").c_str(), past, 0) == 0);
  auto const zip = pack(one.path()).value();
  CHECK(zip == pack(other.path()).value());

  fs::permissions(other / "index.py", fs::perms::owner_all);
  CHECK(zip != pack(other.path()).value());
}

TEST_CASE("the bytes do not depend on the time zone") {
  TempDir dir;
  make_function(dir.path());
  auto const zip = pack(dir.path()).value();
  char const* old = std::getenv("TZ");
  std::string const saved = old ? old : "";
  for (auto zone : {"Pacific/Kiritimati", "America/Los_Angeles", "XXX+24", "XXX-24"}) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    CHECK(pack(dir.path()).value() == zip);
  }
  old ? ::setenv("TZ", saved.c_str(), 1) : ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("links that leave the directory and special files are refused by name") {
  TempDir dir;
  write_file(dir / "a/b", "1");
  auto const bad = fs::path(dir / "a/bad");
  fs::create_symlink("../..", bad);
  check_refused(dir.path(), bad, "symbolic link");
  fs::remove(bad);
  fs::create_directory_symlink("/etc", bad);
  check_refused(dir.path(), bad, "symbolic link");
  fs::remove(bad);
  REQUIRE(::mkfifo(bad.c_str(), 0600) == 0);
  check_refused(dir.path(), bad, "neither a file nor a directory");
  fs::remove(bad);
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX};
  bad.string().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  check_refused(dir.path(), bad, "neither a file nor a directory");
  ::close(fd);
  fs::remove(bad);
  CHECK(pack(dir.path()).has_value());
}

TEST_CASE("names that no zip may hold are refused before upload") {
  TempDir dir;
  for (auto name : {"back\\slash", "\xff\xfe", "C:", "two\xc0\xae"}) {
    write_file(dir / name, "");
    check_refused(dir.path(), fs::path(dir / name), "its name");
    fs::remove(fs::path(dir / name));
  }
  write_file(dir / "readme", "");
  write_file(dir / "README", "");
  check_refused(dir.path(), fs::path(dir / "readme"), "differs only in case");
}

TEST_CASE("a file that may not be read is named") {
  if (skipped_unless(::geteuid() == 0, "needs root, to give up its rights in a child")) return;
  TempDir dir;
  write_file(dir / "secret", "1", 0600);
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  auto const child = ::fork();
  if (child == 0) {
    if (::setgid(65'534) != 0 || ::setuid(65'534) != 0) ::_exit(10);
    auto const refused = pack(dir.path());
    bool const is_right = refused.has_error() && refused.error().code == Errc::denied &&
                          refused.error().message.find(dir / "secret") != std::string::npos;
    ::_exit(is_right ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("limits hold while packing") {
  TempDir dir;
  write_file(dir / "a", std::string(1'000, 'x'));
  write_file(dir / "b", std::string(1'000, 'y'));
  CHECK(pack(dir.path(), {.unpacked = 2'000_B}).has_value());
  CHECK(pack(dir.path(), {.unpacked = 1'999_B}).error().reason == "InvalidParameterValueException");
  CHECK(pack(dir.path(), {.unpacked = 999_B}).error().reason == "InvalidParameterValueException");
  CHECK(pack(dir.path(), {.entries = 2}).has_value());
  CHECK(pack(dir.path(), {.entries = 1}).error().reason == "InvalidParameterValueException");
  auto const size = pack(dir.path()).value().size();
  CHECK(pack(dir.path(), {.upload = {size}}).value().size() == size);
  auto const over = pack(dir.path(), {.upload = {size - 1}});
  CHECK(over.error().code == Errc::too_large);
  CHECK(over.error().reason == "RequestEntityTooLargeException");
  CHECK(pack(dir.path(), {.upload = 10_B}).error().reason == "RequestEntityTooLargeException");
}

TEST_CASE("what is no directory is not packed") {
  TempDir dir;
  write_file(dir / "file", "");
  CHECK(pack(dir / "missing").error().code == Errc::not_found);
  CHECK(pack(dir / "file").has_error());
}
