// The registry's view in memory, and how a change gets to it: through the store.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/catalogue.hpp"
#include "registry/family.hpp"
#include "registry/registry.hpp"
#include "registry/secrets.hpp"

namespace faas::inline v0::registry {

struct Registry::State {
  State(store::Store& s, Secrets key) : store(s), secrets(std::move(key)) {}

  Result<void> load(store::Transaction&);
  std::string packed(FunctionName const&, std::string_view version) const;  // empty: not there
  Family const* family(FunctionName const& name) const { return families.find(name); }

  store::Store& store;
  Secrets const secrets;
  mutable std::mutex mutex;  // held to copy packed bytes, never to decode them
  Catalogue catalogue;
  Families families;
  std::vector<Damage> damaged;
};

// Hands a change to the store; the view follows once it is committed, then `done` hears of it.
// `apply` runs under the view's mutex.
template <class T, class Work, class Apply>
void change(std::shared_ptr<Registry::State> state, Work work, Apply apply,
            Registry::DoneOf<T> done) {
  auto const result = std::make_shared<std::optional<T>>();
  auto& store = state->store;
  store.submit(
      [result, work = std::move(work)](store::Transaction& t) mutable -> Result<void> {
        Result<T> made = work(t);
        if (!made) return made.error();
        result->emplace(std::move(*made));
        return {};
      },
      [result, state = std::move(state), apply = std::move(apply),
       done = std::move(done)](Result<void> committed) {
        if (!committed) return done(committed.error());
        {
          std::lock_guard lock(state->mutex);
          apply(*state, **result);
        }
        done(std::move(**result));
      });
}

// What the changes ask of the tables.
Error not_there(FunctionName const&);
Error no_version(FunctionName const&, std::string_view version);
// What a row holds. Errors: corrupt, also if it is another's; as from_json.
Result<FunctionInfo> read_function(std::string_view json, Secrets const&, FunctionName const&,
                                   std::string_view version, std::int64_t revision);
Result<AliasInfo> read_alias(std::string_view json, FunctionName const&, std::string_view name);
// $LATEST as stored; errors: not_found, corrupt.
Result<FunctionInfo> stored_function(store::Transaction&, Secrets const&, FunctionName const&);
Result<bool> function_exists(store::Transaction&, FunctionName const&);
Result<bool> version_exists(store::Transaction&, FunctionName const&, VersionNumber);
Result<std::optional<AliasInfo>> stored_alias(store::Transaction&, FunctionName const&,
                                              std::string_view name);
Result<std::vector<AliasInfo>> stored_aliases(store::Transaction&, FunctionName const&);
Result<FunctionSettings> stored_settings(store::Transaction&, FunctionName const&);
// Never given twice, though the function that had it is long gone.
Result<std::uint64_t> next_number(store::Transaction&, std::string const& counter);
// Of a function that was just added: attributes only. Errors: as Registry::set_attribute.
Result<void> insert_settings(store::Transaction&, FunctionName const&, FunctionSettings const&);
// Of one version or alias that is removed.
Result<void> erase_settings_of(store::Transaction&, FunctionName const&,
                               std::string_view qualifier);

}  // namespace faas::inline v0::registry
