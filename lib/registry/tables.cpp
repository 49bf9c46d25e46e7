// What the tables hold of one function, as the changes read it.
#include <fmt/format.h>

#include "registry/json.hpp"
#include "registry/state.hpp"

namespace faas::inline v0::registry {

using store::Row;
using store::Transaction;

Error not_there(FunctionName const& name) {
  return {Errc::not_found,
          fmt::format("Function not found: {} (account {})", name.name, name.account),
          "ResourceNotFoundException", "registry"};
}

Error no_version(FunctionName const& name, std::string_view version) {
  return {Errc::not_found,
          fmt::format("Function not found: {}:{} (account {})", name.name, version, name.account),
          "ResourceNotFoundException", "registry"};
}

Result<FunctionInfo> read_function(std::string_view json, Secrets const& secrets,
                                   FunctionName const& name, std::string_view version,
                                   std::int64_t revision) {
  auto info = from_json(json, secrets);
  if (!info) return info;
  bool const same = info->function.name == name && info->version == version &&
                    info->revision == RevisionId{static_cast<std::uint64_t>(revision)};
  if (same) return std::move(*info);
  return Error{Errc::corrupt,
               fmt::format("stored function {}:{}: its row belongs to another", name.name, version),
               "StateCorrupt", "registry"};
}

Result<AliasInfo> read_alias(std::string_view json, FunctionName const& function,
                             std::string_view name) {
  auto alias = alias_from_json(json);
  if (!alias) return alias;
  if (alias->function == function && alias->name == name) return std::move(*alias);
  return Error{Errc::corrupt,
               fmt::format("stored alias {}:{}: its row belongs to another", function.name, name),
               "StateCorrupt", "registry"};
}

Result<FunctionInfo> stored_function(Transaction& t, Secrets const& secrets,
                                     FunctionName const& name) {
  Result<FunctionInfo> out = not_there(name);
  auto r = t.query("SELECT info, revision FROM functions WHERE account = ? AND name = ?",
                   {name.account, name.name}, [&](Row const& row) -> Result<void> {
                     out = read_function(row.text(0), secrets, name, kLatest, row.integer(1));
                     return {};
                   });
  if (!r) return r.error();
  return out;
}

Result<bool> function_exists(Transaction& t, FunctionName const& name) {
  bool exists = false;
  auto r = t.query("SELECT 1 FROM functions WHERE account = ? AND name = ?",
                   {name.account, name.name}, [&](Row const&) -> Result<void> {
                     exists = true;
                     return {};
                   });
  if (!r) return r.error();
  return exists;
}

Result<bool> version_exists(Transaction& t, FunctionName const& name, VersionNumber version) {
  bool exists = false;
  auto r = t.query("SELECT 1 FROM versions WHERE account = ? AND name = ? AND version = ?",
                   {name.account, name.name, version}, [&](Row const&) -> Result<void> {
                     exists = true;
                     return {};
                   });
  if (!r) return r.error();
  return exists;
}

Result<std::vector<AliasInfo>> stored_aliases(Transaction& t, FunctionName const& name) {
  std::vector<AliasInfo> out;
  auto r = t.query("SELECT info, alias FROM aliases WHERE account = ? AND name = ? ORDER BY alias",
                   {name.account, name.name}, [&](Row const& row) -> Result<void> {
                     auto alias = read_alias(row.text(0), name, row.text(1));
                     if (!alias) return alias.error();
                     out.push_back(std::move(*alias));
                     return {};
                   });
  if (!r) return r.error();
  return out;
}

Result<std::optional<AliasInfo>> stored_alias(Transaction& t, FunctionName const& function,
                                              std::string_view name) {
  std::optional<AliasInfo> out;
  auto r = t.query("SELECT info FROM aliases WHERE account = ? AND name = ? AND alias = ?",
                   {function.account, function.name, name}, [&](Row const& row) -> Result<void> {
                     auto alias = read_alias(row.text(0), function, name);
                     if (!alias) return alias.error();
                     out = std::move(*alias);
                     return {};
                   });
  if (!r) return r.error();
  return out;
}

Result<FunctionSettings> stored_settings(Transaction& t, FunctionName const& name) {
  FunctionSettings out;
  auto r = t.query("SELECT reserved FROM settings WHERE account = ? AND name = ?",
                   {name.account, name.name}, [&](Row const& row) -> Result<void> {
                     out.reserved = static_cast<unsigned>(row.integer(0));
                     return {};
                   });
  if (!r) return r.error();
  r = t.query(
      "SELECT qualifier, instances, modified_ns FROM provisioned WHERE account = ? AND name = ?",
      {name.account, name.name}, [&](Row const& row) -> Result<void> {
        out.provisioned[std::string(row.text(0))] = {
            static_cast<unsigned>(row.integer(1)),
            SystemTime(std::chrono::nanoseconds(row.integer(2)))};
        return {};
      });
  if (!r) return r.error();
  r = t.query("SELECT attribute, qualifier, value FROM attributes WHERE account = ? AND name = ?",
              {name.account, name.name}, [&](Row const& row) -> Result<void> {
                out.attributes[{std::string(row.text(0)), std::string(row.text(1))}] = row.text(2);
                return {};
              });
  if (!r) return r.error();
  return out;
}

Result<std::uint64_t> next_number(Transaction& t, std::string const& counter) {
  std::uint64_t number = 0;
  auto r = t.query(
      "INSERT INTO counters (name, value) VALUES (?, 1)"
      " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
      {counter}, [&](Row const& row) -> Result<void> {
        number = static_cast<std::uint64_t>(row.integer(0));
        return {};
      });
  if (!r) return r.error();
  return number;
}

Result<void> erase_settings_of(Transaction& t, FunctionName const& name,
                               std::string_view qualifier) {
  auto r = t.execute("DELETE FROM provisioned WHERE account = ? AND name = ? AND qualifier = ?",
                     {name.account, name.name, qualifier});
  if (!r) return r.error();
  r = t.execute("DELETE FROM attributes WHERE account = ? AND name = ? AND qualifier = ?",
                {name.account, name.name, qualifier});
  if (!r) return r.error();
  return {};
}

}  // namespace faas::inline v0::registry
