// Aliases: names for versions, moved in one step.
#include <fmt/format.h>

#include "registry/json.hpp"
#include "registry/state.hpp"

namespace faas::inline v0::registry {
namespace {

using store::Transaction;

Error invalid(std::string message) {
  return {Errc::invalid_argument, std::move(message), "InvalidParameterValueException", "registry"};
}

Error no_alias(FunctionName const& function, std::string_view name) {
  return {Errc::not_found, fmt::format("Cannot find alias {} of {}", name, function.name),
          "ResourceNotFoundException", "registry"};
}

Result<void> check_version(Transaction& t, FunctionName const& name, std::string const& version) {
  if (version == kLatest) return {};
  auto const number = version_number(version);
  if (!number) return no_version(name, version);
  auto const exists = version_exists(t, name, *number);
  if (!exists) return exists.error();
  if (!*exists) return no_version(name, version);
  return {};
}

Result<void> check_weights(Transaction& t, AliasInfo const& alias) {
  if (alias.weights.empty()) return {};
  if (alias.version == kLatest)
    return invalid("$LATEST is not supported for an alias pointing to more than 1 version");
  if (alias.weights.size() > 1)
    return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1");
  auto const& [version, share] = *alias.weights.begin();
  if (version == alias.version) {
    return invalid(
        fmt::format("Invalid function version {}. Function version {} is already "
                    "included in routing configuration.",
                    version, version));
  }
  if (!(share >= 0 && share <= 1))
    return invalid(fmt::format("The weight of version {} is {}: 0 to 1", version, share));
  if (!version_number(version)) return invalid("Only a version's number can have a weight.");
  return check_version(t, alias.function, version);
}

Result<void> check(Transaction& t, AliasInfo const& alias) {
  auto const exists = function_exists(t, alias.function);
  if (!exists) return exists.error();
  if (!*exists) return not_there(alias.function);
  if (auto r = check_version(t, alias.function, alias.version); !r) return r;
  return check_weights(t, alias);
}

Result<AliasInfo> insert(Transaction& t, AliasInfo const& alias) {
  if (auto r = check(t, alias); !r) return r.error();
  auto const before = stored_alias(t, alias.function, alias.name);
  if (!before) return before.error();
  if (*before) {
    return Error{Errc::conflict,
                 fmt::format("Alias already exists: {} of {}", alias.name, alias.function.name),
                 "ResourceConflictException", "registry"};
  }
  auto r = t.execute("INSERT INTO aliases (account, name, alias, info) VALUES (?, ?, ?, ?)",
                     {alias.function.account, alias.function.name, alias.name, to_json(alias)});
  if (!r) return r.error();
  return alias;
}

// An alias that has provisioned instances does not move to a version that has its own.
Result<void> check_provisioned_once(Transaction& t, AliasInfo const& alias) {
  auto const settings = stored_settings(t, alias.function);
  if (!settings) return settings.error();
  auto const& provisioned = settings->provisioned;
  if (!provisioned.contains(alias.name) || !provisioned.contains(alias.version)) return {};
  return Error{Errc::conflict,
               fmt::format("Alias {} can't point at version {}: both have provisioned concurrency. "
                           "Delete one of the two first.",
                           alias.name, alias.version),
               "ResourceConflictException", "registry"};
}

Result<AliasInfo> replace(Transaction& t, AliasChange const& wish) {
  auto before = stored_alias(t, wish.function, wish.name);
  if (!before) return before.error();
  if (!*before) return no_alias(wish.function, wish.name);
  auto alias = std::move(**before);
  if (wish.expected_revision && *wish.expected_revision != alias.revision_uuid) {
    return Error{Errc::conflict,
                 fmt::format("The Revision Id provided ({}) does not match the latest Revision Id "
                             "({}) of alias {}: read it again, then retry",
                             *wish.expected_revision, alias.revision_uuid, alias.name),
                 "PreconditionFailedException", "registry"};
  }
  if (wish.version) alias.version = *wish.version;
  if (wish.description) alias.description = *wish.description;
  if (wish.weights) alias.weights = *wish.weights;
  alias.revision_uuid = wish.revision_uuid;
  if (auto r = check(t, alias); !r) return r.error();
  if (auto r = check_provisioned_once(t, alias); !r) return r.error();
  auto r = t.execute("UPDATE aliases SET info = ? WHERE account = ? AND name = ? AND alias = ?",
                     {to_json(alias), alias.function.account, alias.function.name, alias.name});
  if (!r) return r.error();
  return alias;
}

Result<FunctionSettings> erase(Transaction& t, FunctionName const& function,
                               std::string const& name) {
  auto const exists = function_exists(t, function);
  if (!exists) return exists.error();
  if (!*exists) return not_there(function);
  auto r = t.execute("DELETE FROM aliases WHERE account = ? AND name = ? AND alias = ?",
                     {function.account, function.name, name});
  if (!r) return r.error();
  if (auto erased = erase_settings_of(t, function, name); !erased) return erased.error();
  return stored_settings(t, function);
}

void show(Registry::State& state, AliasInfo const& alias) {
  state.families.at(alias.function).aliases[alias.name] = alias;
}

}  // namespace

void Registry::add_alias(AliasInfo alias, DoneOf<AliasInfo> done) {
  change<AliasInfo>(
      state_, [alias = std::move(alias)](Transaction& t) { return insert(t, alias); }, show,
      std::move(done));
}

void Registry::put_alias(AliasChange wish, DoneOf<AliasInfo> done) {
  change<AliasInfo>(
      state_, [wish = std::move(wish)](Transaction& t) { return replace(t, wish); }, show,
      std::move(done));
}

void Registry::remove_alias(FunctionName function, std::string name,
                            DoneOf<FunctionSettings> done) {
  change<FunctionSettings>(
      state_, [function, name](Transaction& t) { return erase(t, function, name); },
      [function, name](State& state, FunctionSettings const& left) {
        auto& its = state.families.at(function);
        its.aliases.erase(name);
        its.settings = left;
        state.families.tidy(function);
      },
      std::move(done));
}

}  // namespace faas::inline v0::registry
