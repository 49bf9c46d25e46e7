// SQL inside the writer's transaction: bound parameters in, rows out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/error.hpp>
#include <functional>
#include <initializer_list>
#include <span>
#include <string_view>
#include <variant>

struct sqlite3_stmt;

namespace faas::inline v0::store {

class Connection;

struct Blob {
  std::string_view bytes;
};

// One bound parameter. Text and blobs are borrowed until the call returns. uint64 beyond int64's
// range is a bug of the caller.
class Value {
 public:
  Value(std::nullptr_t) : value_(nullptr) {}                          // NOLINT: written in braces
  Value(std::int64_t n) : value_(n) {}                                // NOLINT
  Value(std::uint64_t n);                                             // NOLINT
  Value(int n) : value_(std::int64_t{n}) {}                           // NOLINT
  Value(std::string_view text) : value_(text) {}                      // NOLINT
  Value(std::string const& text) : value_(std::string_view(text)) {}  // NOLINT
  Value(char const* text) : value_(std::string_view(text)) {}         // NOLINT
  Value(Blob blob) : value_(blob) {}                                  // NOLINT

  using Held = std::variant<std::nullptr_t, std::int64_t, std::string_view, Blob>;
  Held const& held() const { return value_; }

 private:
  Held value_;
};

// The current row of a query. Columns count from 0; a view lives until the next row.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // also for blobs

 private:
  sqlite3_stmt* statement_;
};

// Valid during one Work, on the writer thread. Statements are prepared once and kept by their text,
// so SQL is a constant and values are always bound. An error of the disk seen here fails the whole
// batch, whether or not the Work returns it.
class Transaction {
 public:
  using EachRow = std::function<Result<void>(Row const&)>;

  explicit Transaction(Connection& connection) : connection_(connection) {}
  Transaction(Transaction const&) = delete;

  // Rows changed. Errors: conflict (a constraint of the schema), io, corrupt, internal (bad SQL).
  Result<std::uint64_t> execute(std::string_view sql, std::initializer_list<Value> values = {});
  // Calls `each` for every row until it returns an Error, which is returned. Errors: as execute.
  Result<void> query(std::string_view sql, std::initializer_list<Value> values,
                     EachRow const& each);

 private:
  Connection& connection_;
};

}  // namespace faas::inline v0::store
