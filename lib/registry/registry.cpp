// Opening and reading.
#include "registry/registry.hpp"

#include <fmt/format.h>

#include <iterator>
#include <mutex>
#include <utility>

#include "registry/json.hpp"
#include "registry/packed.hpp"
#include "registry/sealing.hpp"
#include "registry/state.hpp"

namespace faas::inline v0::registry {
namespace {

using store::Row;
using store::Transaction;

FunctionName name_of(Row const& row) {
  return {std::string(row.text(0)), std::string(row.text(1))};
}

// A row that another key sealed is no damage: without the key nothing is served.
Result<void> skip(Registry::State& state, FunctionName name, Error error) {
  if (error.code == Errc::denied) return error;
  state.damaged.push_back({std::move(name), std::move(error)});
  return {};
}

using Each = Result<void> (*)(Registry::State&, Row const&);

Result<void> load_function(Registry::State& state, Row const& row) {
  auto name = name_of(row);
  auto const info = read_function(row.text(3), state.secrets, name, kLatest, row.integer(2));
  if (!info) return skip(state, std::move(name), info.error());
  state.catalogue.set(*info);
  return {};
}

Result<void> load_version(Registry::State& state, Row const& row) {
  auto name = name_of(row);
  auto const number = static_cast<VersionNumber>(row.integer(4));
  auto const info =
      read_function(row.text(3), state.secrets, name, std::to_string(number), row.integer(2));
  if (!info) return skip(state, std::move(name), info.error());
  state.catalogue.hold(*info);
  state.families.at(name).versions[number] = pack(*info);
  return {};
}

Result<void> load_alias(Registry::State& state, Row const& row) {
  auto name = name_of(row);
  auto alias = read_alias(row.text(2), name, row.text(3));
  if (!alias) return skip(state, std::move(name), alias.error());
  state.families.at(name).aliases[alias->name] = std::move(*alias);
  return {};
}

Result<void> load_reserved(Registry::State& state, Row const& row) {
  state.families.at(name_of(row)).settings.reserved = static_cast<unsigned>(row.integer(2));
  return {};
}

Result<void> load_provisioned(Registry::State& state, Row const& row) {
  state.families.at(name_of(row)).settings.provisioned[std::string(row.text(2))] = {
      static_cast<unsigned>(row.integer(3)), SystemTime(std::chrono::nanoseconds(row.integer(4)))};
  return {};
}

Result<void> load_attribute(Registry::State& state, Row const& row) {
  AttributeKey key{std::string(row.text(2)), std::string(row.text(3))};
  state.families.at(name_of(row)).settings.attributes[std::move(key)] = row.text(4);
  return {};
}

struct Table {
  std::string_view query;
  Each load;
};
constexpr Table kTables[] = {
    {"SELECT account, name, revision, info FROM functions ORDER BY account, name", load_function},
    {"SELECT account, name, revision, info, version FROM versions", load_version},
    {"SELECT account, name, info, alias FROM aliases", load_alias},
    {"SELECT account, name, reserved FROM settings", load_reserved},
    {"SELECT account, name, qualifier, instances, modified_ns FROM provisioned", load_provisioned},
    {"SELECT account, name, attribute, qualifier, value FROM attributes", load_attribute},
};

// What hung on functions of one process goes with them.
Result<void> forget_other_processes(Transaction& t) {
  for (auto const* table : {"versions", "aliases", "settings", "provisioned", "attributes"}) {
    auto r =
        t.execute(fmt::format("DELETE FROM {} WHERE (account, name) IN"
                              " (SELECT account, name FROM functions WHERE kept = 0)",
                              table));
    if (!r) return r.error();
  }
  if (auto r = t.execute("DELETE FROM functions WHERE kept = 0"); !r) return r.error();
  return {};
}

}  // namespace

// Row by row, in the catalogue's order.
Result<void> Registry::State::load(Transaction& t) {
  if (auto r = forget_other_processes(t); !r) return r;
  for (auto const& table : kTables) {
    auto r = t.query(table.query, {}, [&](Row const& row) { return table.load(*this, row); });
    if (!r) return r;
  }
  return {};
}

std::string Registry::State::packed(FunctionName const& name, std::string_view version) const {
  if (version == kLatest) return std::string(catalogue.find(name));
  auto const number = version_number(version);
  auto const* const its = families.find(name);
  if (!number || its == nullptr) return {};
  auto const found = its->versions.find(*number);
  return found == its->versions.end() ? std::string() : found->second;
}

Registry::Registry(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<Registry> Registry::open(store::Store& store, Secrets secrets) {
  auto state = std::make_shared<State>(store, std::move(secrets));
  auto loaded = store.run([&](Transaction& t) { return state->load(t); });
  if (!loaded) return loaded.error();
  if (auto sealed = seal_what_is_clear(store, state->secrets); !sealed) return sealed.error();
  return Registry(std::move(state));
}

std::optional<RevisionId> Registry::revision(FunctionName const& name,
                                             std::string_view version) const {
  std::lock_guard lock(state_->mutex);
  if (version == kLatest) return state_->catalogue.revision(name);
  auto const packed = state_->packed(name, version);
  if (packed.empty()) return std::nullopt;
  return packed_revision(packed);
}

std::optional<Target> Registry::resolve(FunctionName const& name, std::string_view qualifier,
                                        double random) const {
  std::lock_guard lock(state_->mutex);
  auto const as_version = [&](std::string_view version) -> std::optional<Target> {
    auto const id = version == kLatest ? state_->catalogue.revision(name) : [&] {
      auto const packed = state_->packed(name, version);
      return packed.empty() ? std::nullopt : std::optional(packed_revision(packed));
    }();
    if (!id) return std::nullopt;
    return Target{*id, std::string(version)};
  };
  if (qualifier.empty()) return as_version(kLatest);
  auto const* const its = state_->family(name);
  if (its == nullptr) return qualifier == kLatest ? as_version(kLatest) : std::nullopt;
  auto const alias = its->aliases.find(qualifier);
  if (alias == its->aliases.end()) return as_version(qualifier);
  return as_version(routed_version(alias->second, random));
}

Result<FunctionInfo> Registry::get(FunctionName const& name, std::string_view qualifier) const {
  constexpr double kNoWeight = 1;  // beyond every share
  auto const target = resolve(name, qualifier, kNoWeight);
  auto const entry = target ? find(name, target->version) : nullptr;
  if (entry) return *entry;
  return qualifier.empty() ? not_there(name) : no_version(name, qualifier);
}

Entry Registry::find(FunctionName const& name, std::string_view version) const {
  std::string packed;
  {
    std::lock_guard lock(state_->mutex);
    packed = state_->packed(name, version);
  }
  return packed.empty() ? nullptr : std::make_shared<FunctionInfo const>(unpack(packed));
}

std::vector<FunctionInfo> Registry::page(std::string_view account, std::string_view after,
                                         std::size_t most) const {
  std::vector<std::string> packed;
  {
    std::lock_guard lock(state_->mutex);
    packed = state_->catalogue.page(account, after, most);
  }
  std::vector<FunctionInfo> out;
  out.reserve(packed.size());
  for (auto const& one : packed) out.push_back(unpack(one));
  return out;
}

std::vector<FunctionInfo> Registry::list(std::string_view account) const {
  constexpr std::size_t kPage = 256;  // so that calls wait for one page at most
  std::vector<FunctionInfo> out;
  for (std::size_t had = 0;; had = out.size()) {
    auto next = page(account, out.empty() ? "" : out.back().function.name.name, kPage);
    std::move(next.begin(), next.end(), std::back_inserter(out));
    if (out.size() - had < kPage) return out;
  }
}

std::vector<FunctionInfo> Registry::versions(FunctionName const& name, VersionNumber after,
                                             std::size_t most) const {
  std::vector<std::string> packed;
  {
    std::lock_guard lock(state_->mutex);
    auto const* const its = state_->family(name);
    if (its == nullptr) return {};
    auto at = its->versions.upper_bound(after);
    for (; at != its->versions.end() && packed.size() < most; ++at) packed.push_back(at->second);
  }
  std::vector<FunctionInfo> out;
  out.reserve(packed.size());
  for (auto const& one : packed) out.push_back(unpack(one));
  return out;
}

Result<AliasInfo> Registry::alias(FunctionName const& function, std::string_view name) const {
  std::lock_guard lock(state_->mutex);
  if (!state_->catalogue.revision(function)) return not_there(function);
  auto const* const its = state_->family(function);
  if (its != nullptr) {
    if (auto const found = its->aliases.find(name); found != its->aliases.end())
      return found->second;
  }
  return Error{Errc::not_found, fmt::format("Cannot find alias {} of {}", name, function.name),
               "ResourceNotFoundException", "registry"};
}

std::vector<AliasInfo> Registry::aliases(FunctionName const& name, std::string_view after,
                                         std::size_t most) const {
  std::lock_guard lock(state_->mutex);
  std::vector<AliasInfo> out;
  auto const* const its = state_->family(name);
  if (its == nullptr) return out;
  auto at = its->aliases.upper_bound(after);
  for (; at != its->aliases.end() && out.size() < most; ++at) out.push_back(at->second);
  return out;
}

FunctionSettings Registry::settings(FunctionName const& name) const {
  std::lock_guard lock(state_->mutex);
  auto const* const its = state_->family(name);
  return its != nullptr ? its->settings : FunctionSettings{};
}

void Registry::each_settings(
    std::function<bool(FunctionName const&, FunctionSettings const&)> const& visit) const {
  std::lock_guard lock(state_->mutex);
  state_->families.each([&](FunctionName const& name, Family const& family) {
    return family.settings == FunctionSettings{} || visit(name, family.settings);
  });
}

void Registry::each_name(std::function<bool(FunctionName const&)> const& visit) const {
  std::lock_guard lock(state_->mutex);
  state_->catalogue.each_name(visit);
}

std::size_t Registry::size() const {
  std::lock_guard lock(state_->mutex);
  return state_->catalogue.size();
}

bool Registry::uses(Digest const& digest) const {
  std::lock_guard lock(state_->mutex);
  return state_->catalogue.uses(digest);
}

AccountUsage Registry::usage(std::string_view account) const {
  std::lock_guard lock(state_->mutex);
  return state_->catalogue.usage(account);
}

std::vector<Damage> const& Registry::damaged() const { return state_->damaged; }

}  // namespace faas::inline v0::registry
