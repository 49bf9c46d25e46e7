#include "store/store.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "numbers.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;
using store::Row;
using store::Store;
using store::Transaction;

namespace {

// Keeps the writer busy until released, so that what is submitted meanwhile forms one batch.
struct Gate {
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future().share();
  Store::Work hold() {
    return [opened = opened](Transaction&) -> Result<void> {
      opened.wait();
      return {};
    };
  }
};

}  // namespace

TEST_CASE("what was committed is there after closing and opening again") {
  TempDir dir;
  {
    auto store = open_numbers(dir / "db").value();
    CHECK(store->run(insert(7)));
    CHECK(store->run(insert(8)));
  }
  CHECK(numbers_in(*open_numbers(dir / "db").value()) == std::set<std::int64_t>{7, 8});
}

TEST_CASE("a store without a path keeps nothing and writes no file") {
  {
    auto store = open_numbers("").value();
    CHECK(store->run(insert(7)));
    CHECK(numbers_in(*store).size() == 1);
  }
  CHECK(numbers_in(*open_numbers("").value()).empty());
}

TEST_CASE("the database is its owner's alone, and a clean close leaves one file") {
  TempDir dir;
  {
    auto store = open_numbers(dir / "db").value();
    CHECK(store->run(insert(1)));
    struct stat info {};
    for (auto name : {"db", "db-wal"}) {
      REQUIRE(::stat((dir / name).c_str(), &info) == 0);
      CHECK((info.st_mode & 0777) == 0600);
    }
    // No shared index: the connection is exclusive.
    CHECK_FALSE(std::filesystem::exists(dir / "db-shm"));
  }
  std::size_t files = 0;
  for ([[maybe_unused]] auto const& e : std::filesystem::directory_iterator(dir.path())) ++files;
  CHECK(files == 1);
}

TEST_CASE("a relative path that looks like a URI or like memory is a file") {
  TempDir dir;
  auto const before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  for (std::string name : {"file:x?mode=memory", ":memory:"}) {
    CAPTURE(name);
    CHECK(open_numbers(name).value()->run(insert(1)));
    CHECK(std::filesystem::exists(dir / name));
  }
  std::filesystem::current_path(before);
}

TEST_CASE("a work that fails is undone alone; its neighbours in the batch are kept") {
  auto store = open_numbers("").value();
  Gate gate;
  auto held = submitted(*store, gate.hold());
  auto before = submitted(*store, insert(1));
  auto failing = submitted(*store, [](Transaction& t) -> Result<void> {
    CHECK(t.execute("INSERT INTO numbers (n) VALUES (2)"));
    return Error{Errc::conflict, "no", "", ""};
  });
  auto after = submitted(*store, insert(3));
  gate.open.set_value();
  CHECK(held.get());
  CHECK(before.get());
  CHECK(failing.get().error().message == "no");
  CHECK(after.get());
  CHECK(numbers_in(*store) == std::set<std::int64_t>{1, 3});
}

TEST_CASE("a broken constraint is a conflict and harms nobody else") {
  auto store = open_numbers("").value();
  CHECK(store->run(insert(1)));
  auto again = store->run(insert(1));
  REQUIRE(again.has_error());
  CHECK(again.error().code == Errc::conflict);
  CHECK_FALSE(store->failure());
  CHECK(store->run(insert(2)));
}

TEST_CASE("works run in the order submitted and each is answered once, by the writer") {
  auto store = open_numbers("").value();
  std::vector<int> ran, answered;
  std::thread::id writer{};
  bool one_thread = true;
  for (int i = 0; i < 10'000; ++i) {
    store->submit(
        [&, i](Transaction&) -> Result<void> {
          ran.push_back(i);
          writer = std::this_thread::get_id();
          return {};
        },
        [&, i](Result<void>) {
          answered.push_back(i);
          one_thread = one_thread && writer == std::this_thread::get_id();
        });
  }
  store.reset();
  std::vector<int> expected(10'000);
  for (int i = 0; i < 10'000; ++i) expected[static_cast<std::size_t>(i)] = i;
  CHECK(ran == expected);
  CHECK(answered == expected);
  CHECK(one_thread);
  CHECK(writer != std::this_thread::get_id());
}

TEST_CASE("many threads submit at once and nothing is lost") {
  TempDir dir;
  std::atomic<int> good = 0;
  {
    auto store = open_numbers(dir / "db").value();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 500; ++i) {
          store->submit(insert(thread * 1000 + i), [&](Result<void> r) { good += r ? 1 : 0; });
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  CHECK(good == 4000);
  CHECK(numbers_in(*open_numbers(dir / "db").value()).size() == 4000);
}

TEST_CASE("closing commits what was submitted, also from an answer") {
  TempDir dir;
  bool answered = false;
  {
    auto store = open_numbers(dir / "db").value();
    Gate gate;
    store->submit(gate.hold(), [](Result<void>) {});
    auto* raw = store.get();
    store->submit(insert(1), [&, raw](Result<void>) {
      raw->submit(insert(2), [&](Result<void> r) { answered = r.has_value(); });
    });
    gate.open.set_value();
  }
  CHECK(answered);
  CHECK(numbers_in(*open_numbers(dir / "db").value()) == std::set<std::int64_t>{1, 2});
}

TEST_CASE("large bodies end a batch early, and all of them arrive") {
  TempDir dir;
  std::string const body(300'000, 'x');
  int good = 0;
  {
    auto store = open_numbers(dir / "db").value();
    for (int i = 0; i < 40; ++i) {
      store->submit(insert(i, body), [&](Result<void> r) { good += r ? 1 : 0; });
    }
  }
  CHECK(good == 40);
  auto store = open_numbers(dir / "db").value();
  std::int64_t bytes = 0;
  CHECK(store->run([&](Transaction& t) {
    return t.query("SELECT sum(length(body)) FROM numbers", {},
                   [&](Row const& row) -> Result<void> {
                     bytes = row.integer(0);
                     return {};
                   });
  }));
  CHECK(bytes == 40 * 300'000);
}

TEST_CASE("the write-ahead log stays bounded, whether the writer rests between commits or never") {
  for (bool rests : {true, false}) {
    CAPTURE(rests);
    TempDir dir;
    auto store = open_numbers(dir / "db").value();
    std::atomic<std::uintmax_t> largest = 0;
    auto measure = [&](Result<void> r) {
      if (!r) largest = ~std::uintmax_t{0};
      largest = std::max<std::uintmax_t>(largest, std::filesystem::file_size(dir / "db-wal"));
    };
    Gate gate;
    if (!rests) store->submit(gate.hold(), [](Result<void>) {});
    for (int i = 0; i < 300; ++i) {
      if (rests) measure(store->run(insert(i, std::string(100'000, 'x'))));
      if (!rests) store->submit(insert(i, std::string(100'000, 'x')), measure);
    }
    gate.open.set_value();
    store.reset();
    CHECK(largest > 0);
    CHECK(largest < 12'000'000);  // of 30 MB written
  }
}

TEST_CASE("values come back as they were bound") {
  auto store = open_numbers("").value();
  std::string const bytes("\0\xff'; DROP TABLE numbers; --", 27);
  CHECK(store->run([&](Transaction& t) {
    return t.query("SELECT ?, ?, ?, ?, ?",
                   {nullptr, std::int64_t{-5}, "text", store::Blob{bytes}, std::string_view()},
                   [&](Row const& row) -> Result<void> {
                     CHECK(row.is_null(0));
                     CHECK(row.integer(1) == -5);
                     CHECK(row.text(2) == "text");
                     CHECK(row.text(3) == bytes);
                     CHECK_FALSE(row.is_null(4));
                     CHECK(row.text(4).empty());
                     return {};
                   });
  }));
}

TEST_CASE("an error of a row's reader ends the query and is returned") {
  auto store = open_numbers("").value();
  CHECK(store->run(insert(1)));
  CHECK(store->run(insert(2)));
  int rows = 0;
  auto r = store->run([&](Transaction& t) {
    return t.query("SELECT n FROM numbers", {}, [&](Row const&) -> Result<void> {
      ++rows;
      return Error{Errc::corrupt, "this row", "", ""};
    });
  });
  CHECK(r.error().message == "this row");
  CHECK(rows == 1);
  CHECK(numbers_in(*store).size() == 2);
}

TEST_CASE("SQL that is wrong says so and names the database") {
  auto store = open_numbers("").value();
  auto r = store->run(
      [](Transaction& t) -> Result<void> { return t.execute("SELECT x FROM nowhere").error(); });
  CHECK(r.error().code == Errc::internal);
  CAPTURE(r.error().message);
  CHECK(r.error().message.find("no such table: nowhere") != std::string::npos);
  CHECK(store->run(insert(1)));
}

TEST_CASE("the writer blocks every signal") {
  auto store = open_numbers("").value();
  sigset_t mask;
  sigemptyset(&mask);
  CHECK(store->run([&](Transaction&) -> Result<void> {
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return {};
  }));
  for (int signal : {SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM}) {
    CHECK(sigismember(&mask, signal) == 1);
  }
  sigset_t own;
  pthread_sigmask(SIG_BLOCK, nullptr, &own);
  CHECK(sigismember(&own, SIGTERM) == 0);
}

TEST_CASE("after a rewrite nothing that was removed stays in the files, and changes go on") {
  TempDir dir;
  auto const marks = [&] {
    std::size_t count = 0;
    for (auto const& file : std::filesystem::directory_iterator(dir.path())) {
      std::ifstream in(file.path(), std::ios::binary);
      std::string const bytes(std::istreambuf_iterator<char>(in), {});
      for (auto at = bytes.find("canary"); at != std::string::npos;
           at = bytes.find("canary", at + 1))
        ++count;
    }
    return count;
  };
  auto store = open_numbers(dir / "db").value();
  REQUIRE(store->run(insert(1, "canary")).has_value());
  REQUIRE(store->run([](Transaction& t) -> Result<void> {
    auto r = t.execute("DELETE FROM numbers");
    return r ? Result<void>() : r.error();
  }));
  CHECK(marks() > 0);
  // What waits beside it is done, too, before and after.
  std::atomic<int> done = 0;
  for (int i = 0; i < 10; ++i)
    store->submit([](Transaction&) -> Result<void> { return {}; }, [&](Result<void>) { ++done; });
  REQUIRE(store->rewrite().has_value());
  CHECK(done == 10);
  CHECK(marks() == 0);
  REQUIRE(store->run(insert(2, "canary")).has_value());
  CHECK(marks() > 0);
  CHECK(open_numbers("").value()->rewrite().has_value());
}
