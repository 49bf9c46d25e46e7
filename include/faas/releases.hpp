// Versions, aliases, concurrency and limits of the functions of a running daemon. Blocking, with
// the errors of Client; the words are Lambda's.
#pragma once

#include <cstdint>
#include <faas/control.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

// `json` of each reply is what the daemon said, for programs.
struct VersionSummary {
  std::string version;  // "$LATEST" or a number
  std::string description, runtime, handler, code_sha256, last_modified;
  std::uint64_t code_size = 0;  // bytes
  std::string json;
};
struct VersionList {
  std::vector<VersionSummary> versions;  // $LATEST first
  std::string json;
};
// All of them, however many pages that takes.
Result<VersionList> list_versions(Client const&, std::string_view name);
// Fixes what $LATEST is as a version that never changes. Not an error if nothing changed since the
// last one: that one is returned.
Result<VersionSummary> publish_version(Client const&, std::string_view name,
                                       std::optional<std::string> const& description = {});

// Further versions that get a share of an alias's calls: percent, 0 to 100.
using Weights = std::map<std::string, double>;
struct AliasSummary {
  std::string name, version, description;
  Weights weights;
  std::string json;
};
struct AliasList {
  std::vector<AliasSummary> aliases;
  std::string json;
};
Result<AliasList> list_aliases(Client const&, std::string_view name);
Result<AliasSummary> find_alias(Client const&, std::string_view name, std::string_view alias);

// What is unset stays as it is; a new alias needs a version. Empty weights take away those it had.
struct AliasRequest {
  std::optional<std::string> version;
  std::optional<Weights> weights;
  std::optional<std::string> description;
};
// Creates or updates. The next call goes by the new state.
Result<AliasSummary> set_alias(Client const&, std::string_view name, std::string_view alias,
                               AliasRequest const&);
// Not an error if there is none.
Result<void> remove_alias(Client const&, std::string_view name, std::string_view alias);

// Instances that are initialised before any call, for one version or alias.
struct ProvisionedSummary {
  std::string qualifier;
  std::uint64_t requested = 0, available = 0, allocated = 0;
  std::string status;  // IN_PROGRESS | READY | FAILED
  std::string reason;  // of FAILED
  std::string json;
};
struct ConcurrencySummary {
  std::optional<std::uint64_t> reserved;  // 0: the function is stopped; none: the account's pool
  std::vector<ProvisionedSummary> provisioned;
};
Result<ConcurrencySummary> concurrency_of(Client const&, std::string_view name);
// None: gives back what was reserved.
Result<void> reserve_concurrency(Client const&, std::string_view name,
                                 std::optional<std::uint64_t>);
Result<ProvisionedSummary> provisioned_of(Client const&, std::string_view name,
                                          std::string_view qualifier);
// Returns at once, IN_PROGRESS. `count` is at least 1.
Result<ProvisionedSummary> provision(Client const&, std::string_view name,
                                     std::string_view qualifier, std::uint64_t count);
Result<void> unprovision(Client const&, std::string_view name, std::string_view qualifier);

// What bounds a function, how much of it is used now, and where it was set.
struct LimitSummary {
  std::string name;
  std::string value;  // as text; empty: no limit
  std::string used;   // as text; empty: not counted
  std::string unit, source;
};
struct LimitList {
  std::vector<LimitSummary> limits;
  std::string json;
};
Result<LimitList> effective_limits(Client const&, std::string_view name,
                                   std::string_view qualifier = {});

}  // namespace faas::inline v0
