#include "registry/sealing.hpp"

#include <optional>
#include <string>
#include <vector>

#include "registry/json.hpp"

namespace faas::inline v0::registry {
namespace {

using store::Row;
using store::Transaction;

// In the table of counters: since then every environment was sealed before it was written.
constexpr std::string_view kSealed = "environments-sealed";
constexpr int kPage = 256;

// A row of `functions` or `versions`; the former have no version.
struct ClearRow {
  std::string account, name;
  std::int64_t version = 0;
  std::string info;
};

// How the rows of one table are walked by their key, and one of them written.
struct Table {
  std::string_view page, update;
};
constexpr Table kTables[] = {
    {"SELECT account, name, 0, info FROM functions WHERE (account, name, 0) > (?, ?, ?)"
     " ORDER BY account, name LIMIT ?",
     "UPDATE functions SET info = ? WHERE account = ? AND name = ? AND ? = 0"},
    {"SELECT account, name, version, info FROM versions WHERE (account, name, version) > (?, ?, ?)"
     " ORDER BY account, name, version LIMIT ?",
     "UPDATE versions SET info = ? WHERE account = ? AND name = ? AND version = ?"},
};

Result<std::vector<ClearRow>> rows_after(Transaction& t, Table const& table, ClearRow const& last) {
  std::vector<ClearRow> rows;
  auto r = t.query(table.page, {last.account, last.name, last.version, kPage},
                   [&](Row const& row) -> Result<void> {
                     rows.push_back({std::string(row.text(0)), std::string(row.text(1)),
                                     row.integer(2), std::string(row.text(3))});
                     return {};
                   });
  if (!r) return r.error();
  return rows;
}

Result<void> seal_row(Transaction& t, Table const& table, ClearRow const& row,
                      Secrets const& secrets) {
  auto const info = from_json(row.info, secrets);
  if (!info || info->function.environment.empty()) return {};
  auto r = t.execute(table.update, {to_json(*info, secrets), row.account, row.name, row.version});
  if (!r) return r.error();
  return {};
}

Result<void> seal_table(Transaction& t, Table const& table, Secrets const& secrets) {
  for (ClearRow last;;) {
    auto rows = rows_after(t, table, last);
    if (!rows) return rows.error();
    for (auto const& row : *rows) {
      if (auto r = seal_row(t, table, row, secrets); !r) return r;
    }
    if (rows->size() < kPage) return {};
    last = std::move(rows->back());
  }
}

Result<bool> is_sealed(Transaction& t) {
  bool found = false;
  auto r =
      t.query("SELECT 1 FROM counters WHERE name = ?", {kSealed}, [&](Row const&) -> Result<void> {
        found = true;
        return {};
      });
  if (!r) return r.error();
  return found;
}

Result<void> mark(Transaction& t, bool sealed) {
  auto r = sealed ? t.execute("INSERT INTO counters (name, value) VALUES (?, 1)", {kSealed})
                  : t.execute("DELETE FROM counters WHERE name = ?", {kSealed});
  if (!r) return r.error();
  return {};
}

}  // namespace

Result<void> seal_what_is_clear(store::Store& store, Secrets const& secrets) {
  bool done = false;
  auto begun = store.run([&](Transaction& t) -> Result<void> {
    if (!secrets.has_key()) return mark(t, false);
    auto const sealed = is_sealed(t);
    if (!sealed) return sealed.error();
    done = *sealed;
    for (auto const& table : kTables) {
      if (done) break;
      if (auto r = seal_table(t, table, secrets); !r) return r;
    }
    return {};
  });
  if (!begun || done || !secrets.has_key()) return begun;
  if (auto rewritten = store.rewrite(); !rewritten) return rewritten;
  return store.run([](Transaction& t) { return mark(t, true); });
}

}  // namespace faas::inline v0::registry
