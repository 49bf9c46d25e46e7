// Published versions: $LATEST as it was, for good.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "registry/json.hpp"
#include "registry/packed.hpp"
#include "registry/state.hpp"

namespace faas::inline v0::registry {
namespace {

using store::Row;
using store::Transaction;

struct Newest {
  FunctionInfo info;
  RevisionId source{};  // the $LATEST it was made from
};

Result<std::optional<Newest>> newest_version(Transaction& t, Secrets const& secrets,
                                             FunctionName const& name) {
  std::optional<Newest> out;
  auto r = t.query(
      "SELECT info, source, version, revision FROM versions WHERE account = ? AND name = ?"
      " ORDER BY version DESC LIMIT 1",
      {name.account, name.name}, [&](Row const& row) -> Result<void> {
        auto const version = std::to_string(row.integer(2));
        auto info = read_function(row.text(0), secrets, name, version, row.integer(3));
        if (!info) return {};  // damaged: there is nothing to compare with
        out = Newest{std::move(*info), RevisionId{static_cast<std::uint64_t>(row.integer(1))}};
        return {};
      });
  if (!r) return r.error();
  return out;
}

// Lambda makes no version of what has not changed since the last one.
bool same(Newest const& newest, FunctionInfo const& latest, std::string const& description) {
  if (newest.source == latest.revision) return true;
  auto would_be = latest.function;
  would_be.description = description;
  return newest.info.function == would_be;
}

Result<void> check_expected(Publish const& wish, FunctionInfo const& latest) {
  if (wish.expected_revision && *wish.expected_revision != latest.revision_uuid) {
    return Error{Errc::conflict,
                 fmt::format("The Revision Id provided ({}) does not match the latest Revision Id "
                             "({}) of function {}: read it again, then retry",
                             *wish.expected_revision, latest.revision_uuid, wish.function.name),
                 "PreconditionFailedException", "registry"};
  }
  if (wish.code_sha256 && *wish.code_sha256 != latest.code_sha256) {
    return Error{Errc::invalid_argument,
                 fmt::format("CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST "
                             "({}). Please try again with the CodeSHA256 in $LATEST.",
                             *wish.code_sha256, latest.code_sha256),
                 "InvalidParameterValueException", "registry"};
  }
  return {};
}

// Also after the function was removed and made anew: numbers are never given twice.
Result<VersionNumber> next_version(Transaction& t, FunctionName const& name) {
  return next_number(t, fmt::format("version/{}/{}", name.account, name.name));
}

Result<FunctionInfo> publish_latest(Transaction& t, Secrets const& secrets, Publish const& wish) {
  auto latest = stored_function(t, secrets, wish.function);
  if (!latest) return latest.error();
  if (auto r = check_expected(wish, *latest); !r) return r.error();
  auto newest = newest_version(t, secrets, wish.function);
  if (!newest) return newest.error();
  auto const source = latest->revision;
  auto const description = wish.description.value_or(latest->function.description);
  if (*newest && same(**newest, *latest, description)) return std::move((*newest)->info);

  auto const number = next_version(t, wish.function);
  if (!number) return number.error();
  auto const revision = next_number(t, "revision");
  if (!revision) return revision.error();
  auto info = std::move(*latest);
  info.function.description = description;
  info.version = std::to_string(*number);
  info.revision = RevisionId{*revision};
  info.revision_uuid = wish.revision_uuid;
  info.last_modified = wish.now;
  auto const& name = wish.function;
  auto r = t.execute(
      "INSERT INTO versions (account, name, version, revision, source, info)"
      " VALUES (?, ?, ?, ?, ?, ?)",
      {name.account, name.name, *number, *revision, static_cast<std::uint64_t>(source),
       to_json(info, secrets)});
  if (!r) return r.error();
  return info;
}

Result<void> check_unaliased(Transaction& t, FunctionName const& name, std::string const& version) {
  auto const aliases = stored_aliases(t, name);
  if (!aliases) return aliases.error();
  std::vector<std::string> pointing;
  for (auto const& alias : *aliases)
    if (alias.version == version || alias.weights.contains(version)) pointing.push_back(alias.name);
  if (pointing.empty()) return {};
  return Error{Errc::conflict,
               fmt::format("Version {} cannot be deleted while aliases point to it: {}. Point them "
                           "to another version first.",
                           version, fmt::join(pointing, ", ")),
               "ResourceConflictException", "registry"};
}

Result<FunctionInfo> erase_version(Transaction& t, FunctionName const& name, VersionNumber number) {
  auto const version = std::to_string(number);
  auto const exists = version_exists(t, name, number);
  if (!exists) return exists.error();
  if (!*exists) return no_version(name, version);
  if (auto r = check_unaliased(t, name, version); !r) return r.error();
  FunctionInfo was;
  was.function.name = name;
  was.version = version;
  auto r = t.execute("DELETE FROM versions WHERE account = ? AND name = ? AND version = ?",
                     {name.account, name.name, number});
  if (!r) return r.error();
  if (auto erased = erase_settings_of(t, name, version); !erased) return erased.error();
  return was;
}

void forget_settings_of(FunctionSettings& settings, std::string_view qualifier) {
  settings.provisioned.erase(std::string(qualifier));
  std::erase_if(settings.attributes,
                [&](auto const& entry) { return entry.first.qualifier == qualifier; });
}

}  // namespace

void Registry::publish(Publish wish, Done done) {
  change<FunctionInfo>(
      state_,
      [secrets = state_->secrets, wish = std::move(wish)](Transaction& t) {
        return publish_latest(t, secrets, wish);
      },
      [](State& state, FunctionInfo const& info) {
        auto& packed =
            state.families.at(info.function.name).versions[*version_number(info.version)];
        if (packed.empty()) state.catalogue.hold(info);
        packed = pack(info);
      },
      std::move(done));
}

void Registry::remove_version(FunctionName name, VersionNumber number, Done done) {
  change<FunctionInfo>(
      state_,
      [name = std::move(name), number](Transaction& t) { return erase_version(t, name, number); },
      [number](State& state, FunctionInfo const& was) {
        auto& its = state.families.at(was.function.name);
        if (auto const found = its.versions.find(number); found != its.versions.end()) {
          state.catalogue.let_go(unpack(found->second));
          its.versions.erase(found);
        }
        forget_settings_of(its.settings, was.version);
        state.families.tidy(was.function.name);
      },
      std::move(done));
}

}  // namespace faas::inline v0::registry
