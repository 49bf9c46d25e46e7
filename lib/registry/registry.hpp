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

// One stored state of a function, decoded; immutable.
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

  // What is current. For every call: allocates nothing, and costs the same however many there are.
  std::optional<RevisionId> revision(FunctionName const&) const;
  // Decoded anew each time, as are get, list and page; null: not there. Who uses it often keeps it.
  Entry find(FunctionName const&) const;
  // Errors: not_found (ResourceNotFoundException).
  Result<FunctionInfo> get(FunctionName const&) const;
  // At most `most` of one account whose name follows `after`, by name.
  std::vector<FunctionInfo> page(std::string_view account, std::string_view after,
                                 std::size_t most) const;
  // Of one account, by name. What comes or goes meanwhile is in it or not.
  std::vector<FunctionInfo> list(std::string_view account = kDefaultAccount) const;
  // Until `visit` returns false; it must not call back. For opening: everybody else waits.
  void each_name(std::function<bool(FunctionName const&)> const& visit) const;
  // Some function has this code.
  bool uses(Digest const&) const;
  AccountUsage usage(std::string_view account) const;
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
