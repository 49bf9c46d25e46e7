// Many threads on one cache. Run under TSan as well.
#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "code/fixture.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr int kThreads = 16;

// Starts `work(i)` on kThreads threads at one moment and waits for all.
template <class F>
void together(F work) {
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  }
  for (auto& thread : threads) thread.join();
}

std::string zip_of(int files, std::string_view content) {
  ZipBuilder zip;
  for (int i = 0; i < files; ++i) zip.add("d/" + std::to_string(i), content);
  return zip.finish();
}

}  // namespace

TEST_CASE("many first pins at once unpack once and hold one tree") {
  Workshop shop;
  auto const digest = shop.store(zip_of(200, "x")).value().digest;
  shop.close();
  fs::remove_all(shop.path("trees"));
  shop.open();

  std::vector<Tree> trees(kThreads);
  together([&](int i) { trees[static_cast<std::size_t>(i)] = shop.cache().pin(digest).value(); });
  // A second unpacking would have replaced the tree that the first handle names.
  struct stat first {};
  REQUIRE(::stat(trees[0].path().c_str(), &first) == 0);
  for (auto const& tree : trees) {
    struct stat status {};
    REQUIRE(::stat(tree.path().c_str(), &status) == 0);
    CHECK(status.st_ino == first.st_ino);
  }
  CHECK(names_in(shop.path("trees")).size() == 1);
  CHECK(names_in(shop.path("tmp")).empty());
  CHECK(shop.cache().pin(digest).value().was_cached());
}

TEST_CASE("many first pins of a damaged upload all hear that it is corrupt") {
  Workshop shop;
  auto const digest = shop.store(zip_of(50, "x")).value().digest;
  shop.close();
  fs::remove_all(shop.path("trees"));
  auto const upload = shop.path("uploads") / names_in(shop.path("uploads")).at(0);
  write_file(upload, read_file(upload) + "x");
  shop.open();
  std::atomic<int> corrupt = 0;
  together([&](int) {
    auto const pinned = shop.cache().pin(digest);
    if (pinned.has_error() && pinned.error().code == Errc::corrupt) ++corrupt;
  });
  CHECK(corrupt == kThreads);
  CHECK(names_in(shop.path("quarantine")).size() == 1);
}

TEST_CASE("the same package stored by many is stored once") {
  Workshop shop;
  auto const zip = zip_of(20, "x");
  std::vector<std::string> digests(kThreads);
  together(
      [&](int i) { digests[static_cast<std::size_t>(i)] = shop.store(zip).value().digest.hex; });
  for (auto const& digest : digests) CHECK(digest == digests[0]);
  CHECK(shop.everything().size() == 3);
}

TEST_CASE("zips of one tree stored by many leave one of them, whole") {
  Workshop shop;
  together([&](int i) {
    auto const comment = std::to_string(i);
    CHECK_NOTHROW(shop.store(ZipBuilder().add("a", "1").comment(comment).finish()).value());
  });
  REQUIRE(shop.everything().size() == 3);
  auto const package = shop.cache().list().at(0);
  shop.close();
  fs::remove_all(shop.path("trees"));
  shop.open();
  CHECK(shop.cache().find(package.digest).value().code_sha256 == package.code_sha256);
  CHECK_FALSE(shop.cache().pin(package.digest).value().was_cached());
}

TEST_CASE("storing, pinning, listing and removing at once end in a state that is whole") {
  Workshop shop;
  std::vector<std::string> zips;
  for (int i = 0; i < 3; ++i) zips.push_back(zip_of(3, std::to_string(i)));
  std::vector<Digest> digests;
  for (auto const& zip : zips) digests.push_back(shop.store(zip).value().digest);
  std::atomic<int> wrong = 0;
  together([&](int thread) {
    for (int round = 0; round < 12; ++round) {
      auto const i = static_cast<std::size_t>(thread * 7 + round) % zips.size();
      if (thread % 4 == 0) {
        if (!shop.cache().remove(digests[i])) ++wrong;
      } else if (thread % 4 == 1) {
        if (!shop.store(zips[i])) ++wrong;
      } else {
        auto const tree = shop.cache().pin(digests[i]);
        if (!tree && tree.error().code != Errc::not_found) ++wrong;
        // While it is held it is whole, removed or not.
        if (tree && read_file(tree->path() / "d/2") != std::to_string(i)) ++wrong;
        (void)shop.cache().list();
      }
    }
  });
  CHECK(wrong == 0);
  for (auto const& zip : zips) REQUIRE(shop.store(zip).has_value());
  for (auto const& digest : digests) CHECK(shop.cache().pin(digest).has_value());
  CHECK(shop.everything().size() == 3 * zips.size());
}
