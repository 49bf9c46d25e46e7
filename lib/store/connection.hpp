// One SQLite connection: its settings, its prepared statements and what its error codes mean to us.
#pragma once

#include <cstdint>
#include <faas/error.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace faas::inline v0::store {

// Used by one thread at a time.
class Connection {
 public:
  // The file exists, or `path` is empty: in memory. Nothing is read or locked yet.
  static Result<std::unique_ptr<Connection>> open(std::string const& path);
  ~Connection();
  Connection(Connection const&) = delete;

  // Constant SQL without parameters.
  Result<void> run(std::string const& sql);
  // The first column of the first row.
  Result<std::string> ask(std::string const& sql);

  // Kept until the connection closes; the caller resets it.
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  // What the last call's code means; remembers a fault.
  Error error(std::string_view doing, int code);

  // An error of the disk or of the file since the last clear_fault: whatever the transaction holds
  // must not be committed.
  std::optional<Error> const& fault() const { return fault_; }
  // The first fault that was not a full disk: nothing on this connection can be trusted any more.
  std::optional<Error> const& broken() const { return broken_; }
  void clear_fault() { fault_.reset(); }

  bool in_transaction() const;
  // Pages in the write-ahead log after the last commit.
  int log_pages() const { return log_pages_; }
  Result<void> checkpoint();
  // Outside a transaction: all pages anew, then an empty log.
  Result<void> rewrite();

  // Bytes bound to statements since the last call.
  std::uint64_t take_bound_bytes();
  void count_bound(std::size_t bytes) { bound_bytes_ += bytes; }

 private:
  Connection(sqlite3* db, std::string path);

  sqlite3* db_;
  std::string path_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
  std::optional<Error> fault_;
  std::optional<Error> broken_;
  int log_pages_ = 0;
  std::uint64_t bound_bytes_ = 0;
};

}  // namespace faas::inline v0::store
