#include "store/connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace faas::inline v0::store {
namespace {

struct Meaning {
  Errc code;
  std::string_view advice;
  std::string_view reason = {};
};

Meaning meaning_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT: return {Errc::conflict, ""};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::conflict,
              "another runtime has it open: stop that one, or use another state directory",
              "StateInUse"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::corrupt, "restore it from a backup, or move it away to start empty",
              "StateCorrupt"};
    case SQLITE_FULL: return {Errc::io, "the disk is full: make room", "DiskFull"};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return {Errc::denied, "check the directory's owner and mode"};
    case SQLITE_IOERR: return {Errc::io, "check the disk, then open it again", "DiskFailed"};
    case SQLITE_NOMEM: return {Errc::io, "out of memory", "NoMemory"};
    default: return {Errc::internal, ""};
  }
}

// The call that failed; SQLite keeps no errno of the write-ahead log's file.
std::string_view failed_call(int code) {
  switch (code) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ: return " in read";
    case SQLITE_IOERR_WRITE: return " in write";
    case SQLITE_IOERR_FSYNC: return " in fsync";
    case SQLITE_IOERR_DIR_FSYNC: return " in fsync of the directory";
    case SQLITE_IOERR_TRUNCATE: return " in ftruncate";
    default: return "";
  }
}

// These leave the transaction whole: only the statement had no effect.
bool harmless(int code) {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG: return true;
    default: return false;
  }
}

int remember_log_pages(void* pages, sqlite3*, char const*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

}  // namespace

Connection::Connection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}

Result<std::unique_ptr<Connection>> Connection::open(std::string const& path) {
  sqlite3* db = nullptr;
  // A relative name such as "file:x" or ":memory:" would be read as something else.
  auto const name = path.empty() ? ":memory:" : path.front() == '/' ? path : "./" + path;
  int const code =
      sqlite3_open_v2(name.c_str(), &db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  FAAS_CHECK(db != nullptr);
  std::unique_ptr<Connection> connection(new Connection(db, path.empty() ? "in memory" : path));
  if (code != SQLITE_OK) return connection->error("open", code);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  // Takes the place of the automatic checkpoint, which retries a failed fsync in silence.
  sqlite3_wal_hook(db, remember_log_pages, &connection->log_pages_);
  return connection;
}

Connection::~Connection() {
  for (auto const& [sql, statement] : statements_) sqlite3_finalize(statement);
  // After a failed fsync the kernel has marked the pages clean: a checkpoint now would sync them
  // "well".
  if (broken_) sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  int const code = sqlite3_close(db_);
  FAAS_CHECK(code == SQLITE_OK);
}

Result<void> Connection::run(std::string const& sql) {
  int const code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(sql, code);
  return {};
}

Result<std::string> Connection::ask(std::string const& sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
  std::string answer;
  if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    auto const* text = reinterpret_cast<char const*>(sqlite3_column_text(statement, 0));
    answer = text != nullptr ? text : "";
    code = SQLITE_DONE;
  }
  auto result = code == SQLITE_DONE ? Result<std::string>(std::move(answer)) : error(sql, code);
  sqlite3_finalize(statement);
  return result;
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql) {
  if (auto it = statements_.find(sql); it != statements_.end()) return it->second;
  sqlite3_stmt* statement = nullptr;
  int const code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(sql, code);
  FAAS_CHECK(statement != nullptr);
  statements_.emplace(sql, statement);
  return statement;
}

Error Connection::error(std::string_view doing, int code) {
  auto const meaning = meaning_of(code);
  auto message =
      fmt::format("database {}: {}: {}{}", path_, doing, sqlite3_errstr(code), failed_call(code));
  if (auto detail = std::string_view(sqlite3_errmsg(db_)); detail != sqlite3_errstr(code)) {
    message += fmt::format(" ({})", detail);
  }
  if (int const number = sqlite3_system_errno(db_); meaning.code == Errc::io && number != 0) {
    message += fmt::format(" [{}]", std::strerror(number));
  }
  if (!meaning.advice.empty()) message += fmt::format("; {}", meaning.advice);
  Error error{meaning.code, std::move(message), std::string(meaning.reason), "store"};
  if (!harmless(code)) {
    if (!fault_) fault_ = error;
    if (!broken_ && (code & 0xff) != SQLITE_FULL) broken_ = error;
  }
  return error;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

Result<void> Connection::checkpoint() {
  int const code =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) return error("checkpoint", code);
  log_pages_ = 0;
  return {};
}

Result<void> Connection::rewrite() {
  if (auto r = run("VACUUM"); !r) return r;
  int const code =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) return error("checkpoint", code);
  log_pages_ = 0;
  return {};
}

std::uint64_t Connection::take_bound_bytes() { return std::exchange(bound_bytes_, 0); }

}  // namespace faas::inline v0::store
