// A disk that is full, a file that may not grow: the deploy fails with the reason, the rest goes
// on.
#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <functional>

#include "code/fixture.hpp"
#include "support/skip.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// In a child, so that its limits and mounts end with it. The child's exit code is the number of the
// check that failed.
int in_child(std::function<int()> const& body) {
  auto const child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

std::string zip_of(std::size_t bytes) {
  return ZipBuilder().add("a", std::string(bytes, 'x')).finish();
}

Result<Package> store(CodeCache& cache, std::string const& zip) {
  MemoryBlob blob(bytes(zip));
  return cache.store(blob);
}

bool is_io(Result<Package> const& result, std::string_view part) {
  return result.has_error() && result.error().code == Errc::io &&
         result.error().message.find(part) != std::string::npos;
}

std::size_t files_below(fs::path const& root) {
  std::size_t files = 0;
  for (auto const& entry : fs::recursive_directory_iterator(root)) files += entry.is_regular_file();
  return files;
}

constexpr int kCannotMount = 99;

int mount_tmpfs(std::string const& at, char const* options) {
  if (::unshare(CLONE_NEWNS) != 0) return kCannotMount;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kCannotMount;
  return ::mount("tmpfs", at.c_str(), "tmpfs", 0, options) == 0 ? 0 : kCannotMount;
}

}  // namespace

TEST_CASE("a full disk refuses the upload or the tree with ENOSPC and leaves nothing") {
  if (skipped_unless(::geteuid() == 0, "needs root, to mount a small file system")) return;
  TempDir dir;
  auto const code = in_child([&] {
    if (int const failed = mount_tmpfs(dir.path(), "size=1m,mode=0700")) return failed;
    auto cache = CodeCache::open({.directory = dir / "code"}).value();
    auto const kept = store(cache, zip_of(100'000)).value();
    if (!is_io(store(cache, zip_of(2'000'000)), "No space left on device")) return 1;  // the upload
    if (!is_io(store(cache, zip_of(600'000)), "No space left on device")) return 2;    // its tree
    if (files_below(dir / "code") != 3) return 3;
    if (!cache.pin(kept.digest) || cache.list().size() != 1) return 4;
    if (!store(cache, zip_of(200'000))) return 5;
    return 0;
  });
  if (skipped_unless(code != kCannotMount, "may not mount here")) return;
  CHECK(code == 0);
}

TEST_CASE("a disk without inodes refuses at every point of a store and leaves nothing") {
  if (skipped_unless(::geteuid() == 0, "needs root, to mount a small file system")) return;
  TempDir dir;
  auto const zip = ZipBuilder().add("a", "1").add("d/b", "2").finish();
  auto const code = in_child([&] {
    // root, code and its five directories; then upload, tree, a, d, d/b, record: one more each
    // time.
    for (int inodes = 7; inodes <= 13; ++inodes) {
      auto const options = "size=1m,mode=0700,nr_inodes=" + std::to_string(inodes);
      if (int const failed = mount_tmpfs(dir.path(), options.c_str())) return failed;
      auto cache = CodeCache::open({.directory = dir / "code"}).value();
      auto const stored = store(cache, zip);
      if (inodes == 13) return stored.has_value() ? 0 : 1;
      if (!is_io(stored, "No space left on device")) return inodes;
      if (files_below(dir / "code") != 0 || !cache.list().empty()) return 20 + inodes;
      if (!names_in(dir / "code/trees").empty() || !names_in(dir / "code/tmp").empty()) {
        return 40 + inodes;
      }
    }
    return 2;
  });
  if (skipped_unless(code != kCannotMount, "may not mount here")) return;
  CHECK(code == 0);
}

TEST_CASE("a file that may not grow is an io error and leaves nothing") {
  TempDir dir;
  CHECK(in_child([&] {
          ::signal(SIGXFSZ, SIG_IGN);
          auto cache = CodeCache::open({.directory = dir / "code"}).value();
          rlimit const limit{10'000, 10'000};
          if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
          if (!is_io(store(cache, zip_of(20'000)), "File too large")) return 2;  // the upload
          auto const bomb =
              ZipBuilder().add("a", deflated_zeros(20'000), 0100644,
                               {.method = 8, .crc = crc32_of_zeros(20'000), .size = 20'000});
          if (!is_io(store(cache, bomb.finish()), "File too large")) return 3;  // the tree
          if (files_below(dir / "code") != 0 || !names_in(dir / "code/tmp").empty()) return 4;
          return store(cache, zip_of(1'000)) ? 0 : 5;
        }) == 0);
}
