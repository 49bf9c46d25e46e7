// The one database of a state directory: one exclusive connection, one writer thread, group commit.
#pragma once

#include <faas/error.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/schema.hpp"
#include "store/transaction.hpp"

namespace faas::inline v0::store {

struct Options {
  std::string
      path;  // of the SQLite file, created with mode 0600; empty: in memory, nothing is durable
  std::span<std::string_view const> migrations = schema();
};

// Thread-safe. Owns exactly one thread, with every signal blocked. All SQL runs on it.
class Store {
 public:
  // Statements of one change. What it does is undone, alone, when it returns an Error. Must not
  // throw, block or call Store::run.
  using Work = std::function<Result<void>(Transaction&)>;
  // What became of the Work. Success: committed and fsynced. Runs on the writer thread, must not
  // throw or block; may submit more.
  using Done = std::function<void(Result<void>)>;

  // Errors: conflict (another has it open), corrupt (not a database, truncated, or damaged:
  // quick_check is run after an unclean stop), unsupported (of a newer version; the message names
  // both), io, denied, not_found (no such directory).
  static Result<std::unique_ptr<Store>> open(Options);

  // Works run in the order submitted. Those waiting together share one transaction and one fsync.
  // After a commit that failed (Errc::io) it is unknown whether the change is on disk: it was not
  // acknowledged, the store has failed and refuses everything with the reason until it is opened
  // anew. Only a full disk does not fail the store: it refuses that batch (io, reason "DiskFull")
  // and works again when there is room.
  void submit(Work, Done);
  // Blocking form, for opening and closing; not on the writer thread.
  Result<void> run(Work);
  // Writes the file anew, so that nothing of what was overwritten or removed stays in it or in the
  // log. Takes as long as the database is big, and as much memory. Blocking form only, as run.
  Result<void> rewrite();
  // Why the store refuses everything; nothing while it works.
  std::optional<Error> failure() const;

  // Commits what was submitted (also from a Done), then joins the thread. Not on the writer thread.
  ~Store();
  Store(Store const&) = delete;
  Store& operator=(Store const&) = delete;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace faas::inline v0::store
