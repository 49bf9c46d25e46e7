// What holds for a function whatever its version: reserved and provisioned concurrency, attributes.
#include <fmt/format.h>

#include <chrono>

#include "registry/json.hpp"
#include "registry/state.hpp"

namespace faas::inline v0::registry {
namespace {

using store::Row;
using store::Transaction;

constexpr std::size_t kMaxAttribute = 64 << 10;
constexpr std::size_t kMaxAttributes = 256;
constexpr std::size_t kMaxAttributeName = 64;

Error invalid(std::string message) {
  return {Errc::invalid_argument, std::move(message), "InvalidParameterValueException", "registry"};
}

Error conflict(std::string message) {
  return {Errc::conflict, std::move(message), "ResourceConflictException", "registry"};
}

Result<void> check_function(Transaction& t, FunctionName const& name) {
  auto const exists = function_exists(t, name);
  if (!exists) return exists.error();
  if (!*exists) return not_there(name);
  return {};
}

// A version or an alias of it, or what is there instead.
Result<void> check_qualifier(Transaction& t, FunctionName const& name, std::string_view qualifier) {
  if (auto const number = version_number(qualifier)) {
    auto const exists = version_exists(t, name, *number);
    if (!exists) return exists.error();
    if (*exists) return {};
    return no_version(name, qualifier);
  }
  auto const alias = stored_alias(t, name, qualifier);
  if (!alias) return alias.error();
  if (!*alias) return no_version(name, qualifier);
  return {};
}

// What other functions keep for themselves: reserved, or provisioned without a reservation.
Result<std::uint64_t> kept_by_others(Transaction& t, FunctionName const& name) {
  std::uint64_t kept = 0;
  auto const add = [&](Row const& row) -> Result<void> {
    kept += static_cast<std::uint64_t>(row.integer(0));
    return {};
  };
  auto r =
      t.query("SELECT coalesce(sum(reserved), 0) FROM settings WHERE account = ? AND name <> ?",
              {name.account, name.name}, add);
  if (!r) return r.error();
  r = t.query(
      "SELECT coalesce(sum(instances), 0) FROM provisioned AS p WHERE account = ? AND name <> ?"
      " AND NOT EXISTS (SELECT 1 FROM settings AS s"
      " WHERE s.account = p.account AND s.name = p.name)",
      {name.account, name.name}, add);
  if (!r) return r.error();
  return kept;
}

std::uint64_t provisioned_instances(FunctionSettings const& settings) {
  std::uint64_t sum = 0;
  for (auto const& [qualifier, provision] : settings.provisioned) sum += provision.instances;
  return sum;
}

// `what` is Lambda's name of the member that takes it.
Result<void> check_left(Transaction& t, FunctionName const& name, std::uint64_t wanted,
                        AccountConcurrency const& account, std::string_view what) {
  if (account.limit == 0) return {};
  auto const kept = kept_by_others(t, name);
  if (!kept) return kept.error();
  if (*kept + wanted + account.unreserved_minimum <= account.limit) return {};
  return invalid(
      fmt::format("Specified {} for function decreases account's UnreservedConcurrentExecution "
                  "below its minimum value of [{}].",
                  what, account.unreserved_minimum));
}

Result<FunctionSettings> reserve_for(Transaction& t, FunctionName const& name,
                                     std::optional<unsigned> concurrency,
                                     AccountConcurrency const& account) {
  if (auto r = check_function(t, name); !r) return r.error();
  auto settings = stored_settings(t, name);
  if (!settings) return settings.error();
  settings->reserved = concurrency;
  if (!concurrency) {
    auto r =
        t.execute("DELETE FROM settings WHERE account = ? AND name = ?", {name.account, name.name});
    if (!r) return r.error();
    return settings;
  }
  if (auto const provisioned = provisioned_instances(*settings); *concurrency < provisioned) {
    return invalid(
        fmt::format("ReservedConcurrentExecutions {} should not be lower than function's total "
                    "provisioned concurrency [{}].",
                    *concurrency, provisioned));
  }
  if (auto r = check_left(t, name, *concurrency, account, "ReservedConcurrentExecutions"); !r)
    return r.error();
  auto r = t.execute(
      "INSERT INTO settings (account, name, reserved) VALUES (?, ?, ?)"
      " ON CONFLICT (account, name) DO UPDATE SET reserved = excluded.reserved",
      {name.account, name.name, std::uint64_t{*concurrency}});
  if (!r) return r.error();
  return settings;
}

// An alias and the version behind it would provision the same instances twice.
Result<void> check_not_twice(Transaction& t, FunctionName const& name, std::string const& qualifier,
                             FunctionSettings const& settings) {
  auto const aliases = stored_aliases(t, name);
  if (!aliases) return aliases.error();
  for (auto const& alias : *aliases) {
    if (alias.name == qualifier && settings.provisioned.contains(alias.version)) {
      return conflict(
          "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned "
          "version");
    }
    if (alias.version == qualifier && settings.provisioned.contains(alias.name))
      return conflict("Version is pointed by a Provisioned Concurrency alias");
  }
  return {};
}

Result<void> check_room(Transaction& t, FunctionName const& name, FunctionSettings const& settings,
                        AccountConcurrency const& account) {
  auto const wanted = provisioned_instances(settings);
  if (!settings.reserved) return check_left(t, name, wanted, account, "ConcurrentExecutions");
  if (wanted <= *settings.reserved) return {};
  return invalid(
      "Requested Provisioned Concurrency should not be greater than the "
      "reservedConcurrentExecution for function");
}

Result<FunctionSettings> provision_for(Transaction& t, FunctionName const& name,
                                       std::string const& qualifier,
                                       std::optional<Provision> const& provision,
                                       AccountConcurrency const& account) {
  if (auto r = check_function(t, name); !r) return r.error();
  auto settings = stored_settings(t, name);
  if (!settings) return settings.error();
  settings->provisioned.erase(qualifier);
  if (!provision) {
    auto r = t.execute("DELETE FROM provisioned WHERE account = ? AND name = ? AND qualifier = ?",
                       {name.account, name.name, qualifier});
    if (!r) return r.error();
    return settings;
  }
  if (auto r = check_qualifier(t, name, qualifier); !r) return r.error();
  if (auto r = check_not_twice(t, name, qualifier, *settings); !r) return r.error();
  settings->provisioned[qualifier] = *provision;
  if (auto r = check_room(t, name, *settings, account); !r) return r.error();
  auto const modified =
      std::chrono::nanoseconds(provision->last_modified.time_since_epoch()).count();
  auto r = t.execute(
      "INSERT INTO provisioned (account, name, qualifier, instances, modified_ns)"
      " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, name, qualifier)"
      " DO UPDATE SET instances = excluded.instances, modified_ns = excluded.modified_ns",
      {name.account, name.name, qualifier, std::uint64_t{provision->instances},
       std::int64_t{modified}});
  if (!r) return r.error();
  return settings;
}

struct AttributeWish {
  FunctionName function;
  AttributeKey key;
  std::optional<std::string> value, expected;
};

Result<void> check_attribute(AttributeWish const& wish, FunctionSettings const& settings) {
  auto const found = settings.attributes.find(wish.key);
  bool const there = found != settings.attributes.end();
  if (wish.expected && (there ? found->second : std::string()) != *wish.expected) {
    return Error{Errc::conflict,
                 fmt::format("The {} of {} was changed meanwhile: read it again, then retry",
                             wish.key.name, wish.function.name),
                 "PreconditionFailedException", "registry"};
  }
  if (!wish.value) return {};
  if (wish.key.name.empty() || wish.key.name.size() > kMaxAttributeName) {
    return invalid(fmt::format("The name of an attribute has {} characters; 1 to {}",
                               wish.key.name.size(), kMaxAttributeName));
  }
  if (wish.value->size() > kMaxAttribute) {
    return Error{Errc::too_large,
                 fmt::format("The {} of {} would have {} bytes; {} at most", wish.key.name,
                             wish.function.name, wish.value->size(), kMaxAttribute),
                 "RequestEntityTooLargeException", "registry"};
  }
  if (!there && settings.attributes.size() >= kMaxAttributes)
    return invalid(fmt::format("A function has at most {} attributes.", kMaxAttributes));
  return {};
}

Result<FunctionSettings> set_attribute_of(Transaction& t, AttributeWish const& wish) {
  auto const& [name, key, value, expected] = wish;
  if (auto r = check_function(t, name); !r) return r.error();
  if (!key.qualifier.empty() && key.qualifier != kLatest && value) {
    if (auto r = check_qualifier(t, name, key.qualifier); !r) return r.error();
  }
  auto settings = stored_settings(t, name);
  if (!settings) return settings.error();
  if (auto r = check_attribute(wish, *settings); !r) return r.error();
  if (!value) {
    settings->attributes.erase(key);
    auto r = t.execute(
        "DELETE FROM attributes WHERE account = ? AND name = ? AND attribute = ? AND qualifier = ?",
        {name.account, name.name, key.name, key.qualifier});
    if (!r) return r.error();
    return settings;
  }
  settings->attributes[key] = *value;
  auto r = t.execute(
      "INSERT INTO attributes (account, name, attribute, qualifier, value) VALUES (?, ?, ?, ?, ?)"
      " ON CONFLICT (account, name, attribute, qualifier) DO UPDATE SET value = excluded.value",
      {name.account, name.name, key.name, key.qualifier, *value});
  if (!r) return r.error();
  return settings;
}

}  // namespace

Result<void> insert_settings(Transaction& t, FunctionName const& name,
                             FunctionSettings const& settings) {
  if (settings.reserved || !settings.provisioned.empty()) {
    return invalid(
        fmt::format("{} is deployed with attributes only: reserve and provision it once "
                    "it is there",
                    name.name));
  }
  for (auto const& [key, value] : settings.attributes)
    if (auto r = set_attribute_of(t, {name, key, value, {}}); !r) return r.error();
  return {};
}

namespace {

auto show(FunctionName name) {
  return [name = std::move(name)](Registry::State& state, FunctionSettings const& settings) {
    state.families.at(name).settings = settings;
    state.families.tidy(name);
  };
}

}  // namespace

void Registry::reserve(FunctionName name, std::optional<unsigned> concurrency,
                       AccountConcurrency account, DoneOf<FunctionSettings> done) {
  change<FunctionSettings>(
      state_, [=](Transaction& t) { return reserve_for(t, name, concurrency, account); },
      show(name), std::move(done));
}

void Registry::provision(FunctionName name, std::string qualifier,
                         std::optional<Provision> provision, AccountConcurrency account,
                         DoneOf<FunctionSettings> done) {
  change<FunctionSettings>(
      state_, [=](Transaction& t) { return provision_for(t, name, qualifier, provision, account); },
      show(name), std::move(done));
}

void Registry::set_attribute(FunctionName name, AttributeKey key, std::optional<std::string> value,
                             std::optional<std::string> expected, DoneOf<FunctionSettings> done) {
  AttributeWish wish{name, std::move(key), std::move(value), std::move(expected)};
  change<FunctionSettings>(
      state_, [wish = std::move(wish)](Transaction& t) { return set_attribute_of(t, wish); },
      show(name), std::move(done));
}

}  // namespace faas::inline v0::registry
