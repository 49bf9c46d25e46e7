// What is deployed: functions by (account, name), in memory for reading, in the store for keeping.
#pragma once

#include <cstddef>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace faas::inline v0::registry {

// One stored state of a function; immutable, shared with readers.
using Entry = std::shared_ptr<FunctionInfo const>;

// A row that could not be read: not served, kept in the database until it is replaced or removed.
struct Damage {
  FunctionName function;
  Error error;
};

enum class Keep {
  durable,       // survives a restart
  this_process,  // gone with the next open: a host callable
};

// A handle; thread-safe. The store outlives it. Changes run in the order they were asked for and
// show in get, find and list only once they are committed, just before their Done, which runs on
// the store's writer thread and must not block.
class Registry {
 public:
  using Done = std::function<void(Result<FunctionInfo>)>;

  static Result<Registry> open(store::Store&);

  // Errors: not_found (ResourceNotFoundException).
  Result<FunctionInfo> get(FunctionName const&) const;
  // Without a copy, for every call; null: not there.
  Entry find(FunctionName const&) const;
  // Of one account, by name.
  std::vector<FunctionInfo> list(std::string_view account = kDefaultAccount) const;
  // At most `max` whose name follows `after`, by name: one page.
  std::vector<Entry> page(std::string_view account, std::string_view after, std::size_t max) const;
  // Everything, in no useful order; for opening.
  std::vector<Entry> all() const;
  std::size_t size() const;
  std::vector<Damage> const& damaged() const;

  // The caller brings revision_uuid and last_modified; `revision` is given here: larger than any
  // before it, also across restarts. The caller has validated the function. New only. Errors:
  // conflict (ResourceConflictException), and the store's.
  void add(FunctionInfo, Keep, Done);
  // Replaces one that exists. `expected_uuid`: refused if the stored one is another
  // (conflict, PreconditionFailedException). Errors: not_found (ResourceNotFoundException), and the
  // store's.
  void put(FunctionInfo, std::optional<std::string> expected_uuid, Done);
  // Done gets what was removed. Errors: as put.
  void remove(FunctionName, Done);

 private:
  struct State;
  explicit Registry(std::shared_ptr<State>);
  std::shared_ptr<State> state_;
};

}  // namespace faas::inline v0::registry
