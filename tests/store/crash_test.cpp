// kill -9, a failing fsync, a full disk: what was acknowledged is there, what was not is not
// claimed.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "numbers.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;
using store::Store;
using store::Transaction;

namespace {

// SQLite calls the C library's fdatasync and fsync; these stand before them in this program, and
// fail for files whose name ends so.
std::atomic<char const*> g_failing{nullptr};
std::atomic<int> g_failed_syncs{0};

bool ends_with(int fd, std::string_view end) {
  char name[4096];
  auto const link = "/proc/self/fd/" + std::to_string(fd);
  auto const size = ::readlink(link.c_str(), name, sizeof name);
  return size > 0 && std::string_view(name, static_cast<std::size_t>(size)).ends_with(end);
}

int sync_or_fail(long number, int fd) {
  char const* failing = g_failing;
  if (failing == nullptr || !ends_with(fd, failing)) {
    return static_cast<int>(::syscall(number, fd));
  }
  ++g_failed_syncs;
  errno = EIO;
  return -1;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int fdatasync(int fd) {
  return sync_or_fail(SYS_fdatasync, fd);
}
extern "C" __attribute__((visibility("default"))) int fsync(int fd) {
  return sync_or_fail(SYS_fsync, fd);
}

namespace {

// In the child: commits batches of numbers until it is killed, and tells each acknowledged one.
[[noreturn]] void commit_until_killed(std::string const& path, int acknowledged,
                                      std::int64_t first) {
  auto store = open_numbers(path);
  if (!store) ::_exit(3);
  for (std::int64_t n = first;; n += 10) {
    std::vector<std::future<Result<void>>> batch;
    for (int i = 0; i < 10; ++i)
      batch.push_back(submitted(**store, insert(n + i, std::string(500, 'x'))));
    for (int i = 0; i < 10; ++i) {
      if (!batch[static_cast<std::size_t>(i)].get()) ::_exit(4);
      std::int64_t const done = n + i;
      if (::write(acknowledged, &done, sizeof done) != sizeof done) ::_exit(5);
    }
  }
}

// Runs the child for as many acknowledgements, then kills it while it goes on.
std::set<std::int64_t> killed_while_committing(std::string const& path, std::int64_t first,
                                               int at_least, unsigned pause_us) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  if (child == 0) commit_until_killed(path, ends[1], first);
  ::close(ends[1]);
  std::set<std::int64_t> acknowledged;
  std::int64_t n = 0;
  for (int i = 0; i < at_least && ::read(ends[0], &n, sizeof n) == sizeof n; ++i)
    acknowledged.insert(n);
  ::usleep(pause_us);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  while (::read(ends[0], &n, sizeof n) == sizeof n) acknowledged.insert(n);
  ::close(ends[0]);
  return acknowledged;
}

}  // namespace

TEST_CASE("kill -9 during commits, 200 times: everything acknowledged is there") {
  TempDir dir;
  std::mt19937 random(20240613);
  std::set<std::int64_t> acknowledged;
  for (int round = 0; round < 200; ++round) {
    auto const more = killed_while_committing(dir / "db", 1'000'000 * std::int64_t{round + 1},
                                              static_cast<int>(random() % 25), random() % 3000);
    acknowledged.insert(more.begin(), more.end());
    if (round % 20 != 19) continue;
    auto store = open_numbers(dir / "db").value();
    auto const there = numbers_in(*store);
    for (auto n : acknowledged) REQUIRE(there.count(n) == 1);
  }
  CHECK(acknowledged.size() > 2000);
}

TEST_CASE("kill -9 while the database is being made leaves one that opens") {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    TempDir dir;
    pid_t const child = ::fork();
    if (child == 0) {
      auto store = open_numbers(dir / "db");
      for (;;) ::pause();
    }
    ::usleep(random() % 6000);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto store = open_numbers(dir / "db");
    REQUIRE_MESSAGE(store.has_value(), store.error().message);
    CHECK(store.value()->run(insert(1)));
  }
}

TEST_CASE("after a failed fsync nothing is acknowledged or synced again, and the reason is given") {
  TempDir dir;
  auto store = open_numbers(dir / "db").value();
  REQUIRE(store->run(insert(1)));
  g_failed_syncs = 0;
  g_failing = "";
  auto failed = store->run(insert(2));
  REQUIRE(failed.has_error());
  CHECK(failed.error().code == Errc::io);
  CHECK(failed.error().message.find("disk I/O error in fsync") != std::string::npos);
  CHECK(g_failed_syncs == 1);
  REQUIRE(store->failure());
  CHECK(*store->failure() == failed.error());
  bool worked = false;
  auto refused = store->run([&](Transaction&) -> Result<void> {
    worked = true;
    return {};
  });
  CHECK(refused.error() == failed.error());
  CHECK_FALSE(worked);
  g_failing = nullptr;  // the disk says it is well again: we do not believe it
  CHECK(store->run(insert(3)).has_error());
  g_failing = "";
  store.reset();
  CHECK(g_failed_syncs == 1);  // not by the close either
  g_failing = nullptr;
  auto const there = numbers_in(*open_numbers(dir / "db").value());
  CHECK(there.count(1) == 1);
  CHECK(there.count(3) == 0);
}

TEST_CASE("a checkpoint that cannot sync fails the store at once, and loses nothing acknowledged") {
  TempDir dir;
  std::set<std::int64_t> acknowledged;
  bool worked_after = false;
  auto store = open_numbers(dir / "db").value();
  g_failed_syncs = 0;
  g_failing = "/db";  // commits sync the log, checkpoints the database
  for (std::int64_t n = 0; n < 2000 && !store->failure(); ++n) {
    auto committed = store->run([&, n](Transaction& t) {
      worked_after = worked_after || g_failed_syncs > 0;
      return insert(n, std::string(20'000, 'x'))(t);
    });
    if (committed) acknowledged.insert(n);
  }
  REQUIRE(store->failure());
  CHECK_FALSE(worked_after);
  CHECK(store->failure()->message.find("checkpoint") != std::string::npos);
  CHECK(store->run(insert(5000)).has_error());
  store.reset();
  CHECK(g_failed_syncs == 1);
  g_failing = nullptr;
  CHECK(numbers_in(*open_numbers(dir / "db").value()) == acknowledged);
  CHECK(acknowledged.size() > 10);
}

TEST_CASE(
    "a full database refuses the whole batch with the reason, and works again when there is room") {
  TempDir dir;
  auto store = open_numbers(dir / "db").value();
  auto set_pages = [](char const* sql) {
    return [sql](Transaction& t) {
      return t.query(sql, {}, [](auto const&) -> Result<void> { return {}; });
    };
  };
  REQUIRE(store->run(insert(1)));
  REQUIRE(store->run(set_pages("PRAGMA max_page_count = 8")));
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  auto held = submitted(*store, [opened](Transaction&) -> Result<void> {
    opened.wait();
    return {};
  });
  auto small = submitted(*store, insert(2));
  auto large = submitted(*store, insert(3, std::string(100'000, 'x')));
  auto behind = submitted(*store, insert(4));
  gate.set_value();
  static_cast<void>(held.get());
  CHECK(
      behind.get());  // of the next batch: what follows a fault must not run without a transaction
  auto const neighbour = small.get();
  auto const full = large.get();
  REQUIRE(full.has_error());
  CHECK(full.error().code == Errc::io);
  CHECK(full.error().reason == "DiskFull");
  // What was answered is what is there, whichever batch the small one was in.
  CHECK(numbers_in(*store).count(2) == (neighbour ? 1u : 0u));
  CHECK(numbers_in(*store).count(4) == 1u);
  CHECK_FALSE(store->failure());
  REQUIRE(store->run(set_pages("PRAGMA max_page_count = 1000000")));
  CHECK(store->run(insert(3, std::string(100'000, 'x'))));
}

TEST_CASE("a fault that a work keeps to itself still refuses its batch") {
  TempDir dir;
  auto store = open_numbers(dir / "db").value();
  auto silent = store->run([](Transaction& t) -> Result<void> {
    CHECK(t.execute("INSERT INTO numbers (n) VALUES (1)"));
    CHECK(t.query("PRAGMA max_page_count = 4", {}, [](auto const&) -> Result<void> { return {}; }));
    CHECK(insert(2, std::string(100'000, 'x'))(t).has_error());
    return {};
  });
  CHECK(silent.has_error());
  CHECK(numbers_in(*store).empty());
}

TEST_CASE("a write the kernel refuses fails the store for good, naming the call") {
  TempDir dir;
  { auto store = open_numbers(dir / "db").value(); }
  pid_t const child = ::fork();
  if (child == 0) {
    auto store = open_numbers(dir / "db");
    if (!store) ::_exit(2);
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit const limit{60'000, 60'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto first = store.value()->run(insert(1, std::string(200'000, 'x')));
    if (first || first.error().code != Errc::io) ::_exit(3);
    auto second = store.value()->run(insert(2));
    if (second || second.error() != first.error()) ::_exit(4);
    if (first.error().message.find("disk I/O error in write") == std::string::npos) ::_exit(5);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(numbers_in(*open_numbers(dir / "db").value()).empty());
}
