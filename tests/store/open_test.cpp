// What may be wrong with a database before we trust it.
#include <doctest/doctest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "numbers.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;
using store::Store;

namespace {

std::string read_file(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(std::string const& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A closed database with some rows in it.
void make_database(std::string const& path) {
  auto store = open_numbers(path).value();
  for (int i = 0; i < 50; ++i) CHECK(store->run(insert(i, std::string(1000, 'x'))));
}

Error refusal(std::string const& path) {
  auto store = open_numbers(path);
  REQUIRE(store.has_error());
  CHECK(store.error().message.find(path) != std::string::npos);
  return store.error();
}

// What another program, or a crash, may do to the file.
void with_sqlite(std::string const& path, char const* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_close(db) == SQLITE_OK);
}

}  // namespace

TEST_CASE("a second open of one path is a conflict that says what to do; the first goes on") {
  TempDir dir;
  auto first = open_numbers(dir / "db").value();
  auto const error = refusal(dir / "db");
  CHECK(error.code == Errc::conflict);
  CHECK(error.reason == "StateInUse");
  CHECK(error.message.find("another runtime has it open") != std::string::npos);
  CHECK(first->run(insert(1)));
  first.reset();
  CHECK(open_numbers(dir / "db"));
}

TEST_CASE("a file that is no database is refused and left as it is") {
  TempDir dir;
  for (auto garbage : {std::string(1, 'x'), std::string(100, 'x'), std::string(100'000, '\xa5')}) {
    write_file(dir / "db", garbage);
    CHECK(refusal(dir / "db").code == Errc::corrupt);
    CHECK(read_file(dir / "db") == garbage);
  }
}

TEST_CASE("a database truncated anywhere is refused") {
  TempDir dir;
  make_database(dir / "whole");
  auto const whole = read_file(dir / "whole");
  REQUIRE(whole.size() > 40'000);
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{99}, std::size_t{512},
                           std::size_t{4095}, std::size_t{4096}, std::size_t{8192},
                           whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
    CAPTURE(size);
    write_file(dir / "db", whole.substr(0, size));
    auto const error = refusal(dir / "db");
    CHECK(error.code == Errc::corrupt);
    CHECK(error.reason == "StateCorrupt");
    CHECK(error.message.find("backup") != std::string::npos);
    if (size == 0) CHECK(error.message.find("is empty") != std::string::npos);
  }
}

TEST_CASE("damage inside the file is found after an unclean stop") {
  TempDir dir;
  make_database(dir / "db");
  auto bytes = read_file(dir / "db");
  for (std::size_t at = 4096; at < bytes.size(); at += 4096) bytes.replace(at, 100, 100, '\x5a');
  write_file(dir / "db", bytes);
  write_file(dir / "db-wal", "what a crash left behind");
  auto const error = refusal(dir / "db");
  CHECK(error.code == Errc::corrupt);
}

TEST_CASE("a database gone from beside its log is not made anew") {
  TempDir dir;
  write_file(dir / "db-wal", "committed, and not yet in the database");
  CHECK(refusal(dir / "db").code == Errc::corrupt);
  CHECK_FALSE(std::filesystem::exists(dir / "db"));
}

TEST_CASE("a database of another program is refused and left as it is") {
  TempDir dir;
  with_sqlite(dir / "db", "CREATE TABLE theirs (x)");
  auto const before = read_file(dir / "db");
  auto const error = refusal(dir / "db");
  CHECK(error.code == Errc::corrupt);
  CHECK(error.message.find("another program") != std::string::npos);
  CHECK(read_file(dir / "db") == before);
}

TEST_CASE("a database of a newer version is refused, naming both versions, and left as it is") {
  TempDir dir;
  make_database(dir / "db");
  with_sqlite(dir / "db", "PRAGMA user_version = 9");
  auto const error = refusal(dir / "db");
  CHECK(error.code == Errc::unsupported);
  CHECK(error.message.find("version 9") != std::string::npos);
  CHECK(error.message.find("up to 1") != std::string::npos);
  with_sqlite(dir / "db", "PRAGMA user_version = 1");
  CHECK(open_numbers(dir / "db"));
}

TEST_CASE("a database of an older version is brought forward with its rows") {
  TempDir dir;
  make_database(dir / "db");
  std::array<std::string_view, 2> const newer{kNumbers[0],
                                              "ALTER TABLE numbers ADD COLUMN more INTEGER"};
  auto store = Store::open({.path = dir / "db", .migrations = newer}).value();
  CHECK(numbers_in(*store).size() == 50);
  CHECK(store->run([](store::Transaction& t) -> Result<void> {
    auto r = t.execute("UPDATE numbers SET more = 1");
    CHECK(r.value() == 50);
    return {};
  }));
  store.reset();
  CHECK(refusal(dir / "db").code == Errc::unsupported);  // and the older program knows
}

TEST_CASE("a step of a migration that fails changes nothing") {
  TempDir dir;
  make_database(dir / "db");
  std::array<std::string_view, 2> const wrong{kNumbers[0],
                                              "CREATE TABLE half (x INTEGER); SELECT nonsense"};
  CHECK(Store::open({.path = dir / "db", .migrations = wrong}).has_error());
  auto store = open_numbers(dir / "db").value();
  CHECK(store->run([](store::Transaction& t) -> Result<void> {
    CHECK(t.execute("SELECT * FROM half").has_error());
    return {};
  }));
}

TEST_CASE("the schema of the product opens, empty, and again") {
  TempDir dir;
  for (int i = 0; i < 2; ++i) CHECK(Store::open({.path = dir / "db"}));
}

TEST_CASE("a directory that is not there is named") {
  TempDir dir;
  auto store = open_numbers(dir / "none/db");
  REQUIRE(store.has_error());
  CHECK(store.error().code == Errc::not_found);
  CHECK(store.error().message.find(dir / "none/db") != std::string::npos);
}
