// Changes of $LATEST.
#include <fmt/format.h>

#include "registry/json.hpp"
#include "registry/packed.hpp"
#include "registry/state.hpp"

namespace faas::inline v0::registry {
namespace {

using store::Row;
using store::Transaction;

Result<FunctionInfo> insert(Transaction& t, Secrets const& secrets, FunctionInfo& info,
                            FunctionSettings const& settings, Keep keep) {
  auto const& name = info.function.name;
  auto const exists = function_exists(t, name);
  if (!exists) return exists.error();
  if (*exists) {
    return Error{Errc::conflict, fmt::format("Function already exist: {}", name.name),
                 "ResourceConflictException", "registry"};
  }
  auto const revision = next_number(t, "revision");
  if (!revision) return revision.error();
  info.revision = RevisionId{*revision};
  auto r = t.execute(
      "INSERT INTO functions (account, name, revision, kept, info) VALUES (?, ?, ?, ?, ?)",
      {name.account, name.name, *revision, keep == Keep::durable ? 1 : 0, to_json(info, secrets)});
  if (!r) return r.error();
  if (auto added = insert_settings(t, name, settings); !added) return added.error();
  return info;
}

// A row that cannot be read has no uuid: only an unconditional change replaces it.
Result<void> check_expected(Transaction& t, Secrets const& secrets, FunctionName const& name,
                            std::optional<std::string> const& expected) {
  auto const stored = stored_function(t, secrets, name);
  if (!stored && stored.error().code != Errc::corrupt) return stored.error();
  if (!expected || (stored && stored->revision_uuid == *expected)) return {};
  return Error{
      Errc::conflict,
      fmt::format("The Revision Id provided ({}) does not match the latest Revision Id ({}) of "
                  "function {}: read it again, then retry",
                  *expected, stored ? stored->revision_uuid : "unreadable", name.name),
      "PreconditionFailedException", "registry"};
}

Result<FunctionInfo> replace(Transaction& t, Secrets const& secrets, FunctionInfo& info,
                             std::optional<std::string> const& expected) {
  auto const& name = info.function.name;
  if (auto r = check_expected(t, secrets, name, expected); !r) return r.error();
  auto const revision = next_number(t, "revision");
  if (!revision) return revision.error();
  info.revision = RevisionId{*revision};
  auto r = t.execute("UPDATE functions SET revision = ?, info = ? WHERE account = ? AND name = ?",
                     {*revision, to_json(info, secrets), name.account, name.name});
  if (!r) return r.error();
  return info;
}

Result<FunctionInfo> erase(Transaction& t, Secrets const& secrets, FunctionName const& name) {
  FunctionInfo was;
  was.function.name = name;
  auto stored = stored_function(t, secrets, name);
  if (!stored && stored.error().code != Errc::corrupt) return stored.error();
  // A damaged row may bear another's name: the one asked for stays.
  if (stored && stored->function.name == name) was = std::move(*stored);
  for (auto const* statement : {"DELETE FROM functions WHERE account = ? AND name = ?",
                                "DELETE FROM versions WHERE account = ? AND name = ?",
                                "DELETE FROM aliases WHERE account = ? AND name = ?",
                                "DELETE FROM settings WHERE account = ? AND name = ?",
                                "DELETE FROM provisioned WHERE account = ? AND name = ?",
                                "DELETE FROM attributes WHERE account = ? AND name = ?"}) {
    if (auto r = t.execute(statement, {name.account, name.name}); !r) return r.error();
  }
  return was;
}

}  // namespace

void Registry::add(FunctionInfo info, Keep keep, Done done, FunctionSettings settings) {
  auto const work = [secrets = state_->secrets, info = std::move(info), settings,
                     keep](Transaction& t) mutable {
    return insert(t, secrets, info, settings, keep);
  };
  auto const apply = [settings](State& state, FunctionInfo const& added) {
    state.catalogue.set(added);
    if (settings != FunctionSettings{}) state.families.at(added.function.name).settings = settings;
  };
  change<FunctionInfo>(state_, work, apply, std::move(done));
}

void Registry::put(FunctionInfo info, std::optional<std::string> expected_uuid, Done done) {
  change<FunctionInfo>(
      state_,
      [secrets = state_->secrets, info = std::move(info), expected = std::move(expected_uuid)](
          Transaction& t) mutable { return replace(t, secrets, info, expected); },
      [](State& state, FunctionInfo const& stored) { state.catalogue.set(stored); },
      std::move(done));
}

void Registry::remove(FunctionName name, Done done) {
  change<FunctionInfo>(
      state_,
      [secrets = state_->secrets, name = std::move(name)](Transaction& t) {
        return erase(t, secrets, name);
      },
      [](State& state, FunctionInfo const& was) {
        auto const& gone = was.function.name;
        if (auto const* its = state.family(gone)) {
          for (auto const& [number, packed] : its->versions) state.catalogue.let_go(unpack(packed));
        }
        state.families.drop(gone);
        state.catalogue.drop(gone);
      },
      std::move(done));
}

}  // namespace faas::inline v0::registry
