#include "store/transaction.hpp"

#include <sqlite3.h>

#include <limits>

#include "base/check.hpp"
#include "store/connection.hpp"

namespace faas::inline v0::store {
namespace {

struct Binder {
  sqlite3_stmt* statement;
  int index;
  int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
  int operator()(std::int64_t n) const { return sqlite3_bind_int64(statement, index, n); }
  // Borrowed: the statement is stepped and reset before the caller's values go.
  int operator()(std::string_view text) const {
    return sqlite3_bind_text64(statement, index, text.data() != nullptr ? text.data() : "",
                               text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  int operator()(Blob blob) const {
    auto const* data = blob.bytes.data() != nullptr ? blob.bytes.data() : "";
    return sqlite3_bind_blob64(statement, index, data, blob.bytes.size(), SQLITE_STATIC);
  }
};

std::size_t size_of(Value::Held const& held) {
  if (auto const* text = std::get_if<std::string_view>(&held)) return text->size();
  if (auto const* blob = std::get_if<Blob>(&held)) return blob->bytes.size();
  return sizeof(std::int64_t);
}

// A cached statement with its values, from binding to reset.
class Bound {
 public:
  static Result<sqlite3_stmt*> bind(Connection& connection, std::string_view sql,
                                    std::initializer_list<Value> values) {
    auto statement = connection.prepare(sql);
    if (!statement) return statement;
    FAAS_CHECK(sqlite3_stmt_busy(*statement) == 0);  // the same SQL inside its own query
    FAAS_CHECK(sqlite3_bind_parameter_count(*statement) == static_cast<int>(values.size()));
    int index = 0;
    for (auto const& value : values) {
      int const code = std::visit(Binder{*statement, ++index}, value.held());
      if (code != SQLITE_OK) return connection.error(sql, code);
      connection.count_bound(size_of(value.held()));
    }
    return statement;
  }

  explicit Bound(sqlite3_stmt* statement) : statement_(statement) {}
  ~Bound() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Bound(Bound const&) = delete;

 private:
  sqlite3_stmt* statement_;
};

}  // namespace

Value::Value(std::uint64_t n) : value_(static_cast<std::int64_t>(n)) {
  FAAS_CHECK(n <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Row::text(int column) const {
  auto const* bytes = static_cast<char const*>(sqlite3_column_blob(statement_, column));
  auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes != nullptr ? std::string_view(bytes, size) : std::string_view();
}

Result<std::uint64_t> Transaction::execute(std::string_view sql,
                                           std::initializer_list<Value> values) {
  auto statement = Bound::bind(connection_, sql, values);
  if (!statement) return statement.error();
  Bound bound(*statement);
  int code = sqlite3_step(*statement);
  while (code == SQLITE_ROW) code = sqlite3_step(*statement);
  if (code != SQLITE_DONE) return connection_.error(sql, code);
  return static_cast<std::uint64_t>(sqlite3_changes64(sqlite3_db_handle(*statement)));
}

Result<void> Transaction::query(std::string_view sql, std::initializer_list<Value> values,
                                EachRow const& each) {
  auto statement = Bound::bind(connection_, sql, values);
  if (!statement) return statement.error();
  Bound bound(*statement);
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(*statement)) == SQLITE_ROW) {
    if (auto result = each(Row(*statement)); !result) return result;
  }
  if (code != SQLITE_DONE) return connection_.error(sql, code);
  return {};
}

}  // namespace faas::inline v0::store
