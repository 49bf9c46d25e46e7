// kill -9 before every single system call of a store, of a removal and of a clean-up.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <functional>

#include "code/fixture.hpp"

using namespace faas;
using namespace faas::test;

namespace {

Result<Package> store(CodeCache& cache, std::string const& zip) {
  MemoryBlob blob(bytes(zip));
  return cache.store(blob);
}

enum class End { killed, finished };

// Runs `work` on a cache in a child and kills the child at its `count`-th system call, before the
// kernel carries it out.
End kill_at(int count, std::string const& directory, std::function<void(CodeCache&)> const& work) {
  auto const child = ::fork();
  if (child == 0) {
    auto cache = CodeCache::open({.directory = directory}).value();
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work(cache);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSTOPPED(status));
  REQUIRE(::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL) == 0);
  for (int stops = 2 * count - 1; stops > 0; --stops) {  // a stop before and one after each call
    REQUIRE(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0);
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) return End::finished;
  }
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  return End::killed;
}

// What a process that comes after finds: whole packages, each with its bytes and tree, no more.
std::vector<Package> survivors(std::string const& directory) {
  auto cache = CodeCache::open({.directory = directory}).value();
  auto const packages = cache.list();
  for (auto const& package : packages) CHECK(cache.pin(package.digest).has_value());
  CHECK(names_in(directory + "/tmp").empty());
  CHECK(names_in(directory + "/quarantine").empty());
  CHECK(names_in(directory + "/uploads").size() == packages.size());
  CHECK(names_in(directory + "/trees").size() == packages.size());
  return packages;
}

// The private directory of a cache that was killed, with a package and its tree in it.
fs::path killed_private_directory() {
  int told[2];
  REQUIRE(::pipe2(told, O_CLOEXEC) == 0);
  auto const child = ::fork();
  if (child == 0) {
    auto cache = CodeCache::open({}).value();
    auto const zip = ZipBuilder().add("d/a", "x").finish();
    auto const tree = cache.pin(store(cache, zip).value().digest).value();
    auto const path = tree.path().parent_path().parent_path().string();
    if (::write(told[1], path.data(), path.size()) > 0)
      for (;;) ::pause();
    ::_exit(1);
  }
  char path[256];
  auto const n = ::read(told[0], path, sizeof path);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (int fd : told) ::close(fd);
  REQUIRE(n > 0);
  return std::string(path, static_cast<std::size_t>(n));
}

// Soon: another process of the machine that opens a cache may be removing it just now.
bool is_gone(fs::path const& path) {
  for (int i = 0; i < 500 && fs::exists(path); ++i) ::usleep(10'000);
  return !fs::exists(path);
}

auto const kOld = ZipBuilder().add("a", "old").finish();
auto const kNew = ZipBuilder().add("d/a", "new").add("b", "new").finish();

}  // namespace

TEST_CASE("a store killed at any system call has happened whole or not at all") {
  TempDir dir;
  auto const directory = dir / "code";
  auto open = [&] { return CodeCache::open({.directory = directory}).value(); };
  auto const old_digest = [&] {
    auto cache = open();
    return store(cache, kOld).value().digest;
  }();
  int without = 0, with = 0;
  for (int count = 1;; ++count) {
    CAPTURE(count);
    auto const end = kill_at(count, directory, [](CodeCache& c) { (void)store(c, kNew).value(); });
    auto const packages = survivors(directory);
    REQUIRE((packages.size() == 1 || packages.size() == 2));
    CHECK(open().find(old_digest).has_value());
    packages.size() == 1 ? ++without : ++with;
    // Once committed it stays committed: there is one moment of truth.
    CHECK((packages.size() == 2 || with == 0));
    if (end == End::finished) break;
    auto cache = open();
    for (auto const& package : packages) {
      if (package.digest != old_digest) cache.remove(package.digest).value();
    }
  }
  CHECK(without > 20);
  CHECK(with > 1);
}

TEST_CASE("a removal killed at any system call has happened whole or not at all") {
  TempDir dir;
  auto const directory = dir / "code";
  int with = 0, without = 0;
  for (int count = 1;; ++count) {
    CAPTURE(count);
    auto const digest = [&] {
      auto cache = CodeCache::open({.directory = directory}).value();
      return store(cache, kOld).value().digest;
    }();
    auto const end = kill_at(count, directory, [&](CodeCache& c) { c.remove(digest).value(); });
    auto const packages = survivors(directory);
    packages.empty() ? ++without : ++with;
    CHECK((packages.empty() || without == 0));
    if (end == End::finished) break;
  }
  CHECK(with >= 1);
  CHECK(without > 1);
}

TEST_CASE("a private directory whose process was killed goes with the next, a living one's stays") {
  auto living = CodeCache::open({}).value();
  auto const tree = living.pin(store(living, kOld).value().digest).value();
  auto const dead = killed_private_directory();
  auto const strange = dead.string().substr(0, dead.string().size() - 1);  // not a name of ours
  fs::create_directory(strange);
  REQUIRE(::chmod(strange.c_str(), 0700) == 0);
  CHECK(CodeCache::open({}).has_value());
  CHECK(is_gone(dead));
  CHECK(fs::exists(tree.path()));
  CHECK(fs::remove(strange));
}

TEST_CASE("that, too, may be killed at any system call, and the next completes it") {
  TempDir dir;
  int count = 1;
  for (auto end = End::killed; end == End::killed; ++count) {
    CAPTURE(count);
    auto const dead = killed_private_directory();
    end = kill_at(count, dir / "code", [](CodeCache&) { (void)CodeCache::open({}).value(); });
    (void)CodeCache::open({}).value();
    REQUIRE(is_gone(dead));
  }
  CHECK(count > 30);
}
