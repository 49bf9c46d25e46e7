// What is deployed: functions by (account, name), in memory for reading, in the store for keeping.
#pragma once

#include <cstddef>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/family.hpp"
#include "registry/secrets.hpp"
#include "store/store.hpp"

namespace faas::inline v0::registry {

inline constexpr std::string_view kLatest = "$LATEST";

// One stored state of a function, decoded; immutable.
using Entry = std::shared_ptr<FunctionInfo const>;

// A row that could not be read: not served, kept in the database until it is replaced or removed.
struct Damage {
  FunctionName function;
  Error error;
};

// What a name and a qualifier mean in this moment.
struct Target {
  RevisionId revision;
  std::string version;  // "$LATEST" or a number
};

// A published version, as publish asks for it. What is unset is as $LATEST has it.
struct Publish {
  FunctionName function;
  std::optional<std::string> description;
  std::optional<std::string> code_sha256;        // refused if $LATEST has another
  std::optional<std::string> expected_revision;  // likewise
  std::string revision_uuid;                     // of the new version; the caller's
  SystemTime now;
};

struct AliasChange {
  FunctionName function;
  std::string name;
  std::optional<std::string> version, description;  // unset: as it is
  std::optional<std::map<std::string, double>> weights;
  std::optional<std::string> expected_revision;
  std::string revision_uuid;  // the new one
};

// The concurrency of an account, against which reservations are checked; 0: without limit.
struct AccountConcurrency {
  unsigned limit = 0;
  unsigned unreserved_minimum = 100;  // Lambda's: what no reservation may take
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
  template <class T>
  using DoneOf = std::function<void(Result<T>)>;
  using Done = DoneOf<FunctionInfo>;

  // With a key, environments are sealed in every row, and the first time what was stored in clear
  // before is sealed, too, and gone from the file when this returns. Errors: denied
  // (SecretsKeyWrong: rows are sealed with another key), and the store's.
  static Result<Registry> open(store::Store&, Secrets = {});

  // What is current. For every call: allocates nothing, and costs the same however many there are.
  std::optional<RevisionId> revision(FunctionName const&, std::string_view version = kLatest) const;
  // What `qualifier` means: empty and "$LATEST", a version's number, an alias. `random` is uniform
  // in [0, 1), for an alias with weights. Nothing: not there.
  std::optional<Target> resolve(FunctionName const&, std::string_view qualifier,
                                double random) const;
  // Decoded anew each time, as are get, list and page; null: not there. Who uses it often keeps it.
  Entry find(FunctionName const&, std::string_view version = kLatest) const;
  // Of an alias: the version it points at, weights aside. Errors: not_found
  // (ResourceNotFoundException).
  Result<FunctionInfo> get(FunctionName const&, std::string_view qualifier = {}) const;
  // At most `most` of one account whose name follows `after`, by name.
  std::vector<FunctionInfo> page(std::string_view account, std::string_view after,
                                 std::size_t most) const;
  // Of one account, by name. What comes or goes meanwhile is in it or not.
  std::vector<FunctionInfo> list(std::string_view account = kDefaultAccount) const;
  // At most `most` published versions whose number follows `after`, by number.
  std::vector<FunctionInfo> versions(FunctionName const&, VersionNumber after,
                                     std::size_t most) const;
  // Errors: not_found (ResourceNotFoundException), of function or alias.
  Result<AliasInfo> alias(FunctionName const&, std::string_view name) const;
  // At most `most` whose name follows `after`, by name.
  std::vector<AliasInfo> aliases(FunctionName const&, std::string_view after,
                                 std::size_t most) const;
  FunctionSettings settings(FunctionName const&) const;  // empty ones if it has none
  // Until `visit` returns false; it must not call back. Functions that have settings.
  void each_settings(
      std::function<bool(FunctionName const&, FunctionSettings const&)> const& visit) const;
  // Until `visit` returns false; it must not call back. For opening: everybody else waits.
  void each_name(std::function<bool(FunctionName const&)> const& visit) const;
  // Some function has it as its code or as a layer.
  bool uses(Digest const&) const;
  AccountUsage usage(std::string_view account) const;
  std::size_t size() const;
  std::vector<Damage> const& damaged() const;

  // The caller brings revision_uuid and last_modified; `revision` is given here: larger than any
  // before it, also across restarts. The caller has validated the function. New only. Errors:
  // conflict (ResourceConflictException), and the store's.
  void add(FunctionInfo, Keep, Done, FunctionSettings = {});
  // Replaces one that exists. `expected_uuid`: refused if the stored one is another
  // (conflict, PreconditionFailedException). Errors: not_found (ResourceNotFoundException), and the
  // store's.
  void put(FunctionInfo, std::optional<std::string> expected_uuid, Done);
  // With its versions, aliases and settings. Done gets what $LATEST was. Errors: as put.
  void remove(FunctionName, Done);

  // $LATEST as a version that never changes. Nothing has changed since the newest one: that one,
  // again. Errors: not_found, conflict (PreconditionFailedException), invalid_argument (another
  // code_sha256).
  void publish(Publish, Done);
  // Done gets what it was. Errors: not_found; conflict (an alias points at it: it names them).
  void remove_version(FunctionName, VersionNumber, Done);

  // Aliases. Errors: not_found (function or version), conflict (exists;
  // PreconditionFailedException), invalid_argument (weights). A removed alias takes its settings
  // along; removing what is not there is no error.
  void add_alias(AliasInfo, DoneOf<AliasInfo>);
  void put_alias(AliasChange, DoneOf<AliasInfo>);
  void remove_alias(FunctionName, std::string name, DoneOf<FunctionSettings>);

  // Settings; Done gets all of them as they are then. Errors: not_found (function, version or
  // alias); invalid_argument in Lambda's words (what would be left to others is too little).
  void reserve(FunctionName, std::optional<unsigned> concurrency, AccountConcurrency,
               DoneOf<FunctionSettings>);
  // No instances: not provisioned any more. Errors: also conflict (an alias and the version it
  // points at cannot both be).
  void provision(FunctionName, std::string qualifier, std::optional<Provision>, AccountConcurrency,
                 DoneOf<FunctionSettings>);
  // No value: removed. `expected`: what it must be before, empty if it must not be there; else
  // conflict. Errors: also too_large.
  void set_attribute(FunctionName, AttributeKey, std::optional<std::string> value,
                     std::optional<std::string> expected, DoneOf<FunctionSettings>);

  struct State;

 private:
  explicit Registry(std::shared_ptr<State>);
  std::shared_ptr<State> state_;
};

}  // namespace faas::inline v0::registry
