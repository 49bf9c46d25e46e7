// What hangs on a function beside $LATEST: its published versions, its aliases and its settings, in
// memory. Most functions have none of them.
#pragma once

#include <cstdint>
#include <faas/function.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "registry/catalogue.hpp"

namespace faas::inline v0::registry {

using VersionNumber = std::uint64_t;

// "17"; nothing: no number of a version ("0", "017", "$LATEST", an alias).
std::optional<VersionNumber> version_number(std::string_view);

struct Family {
  std::map<VersionNumber, std::string> versions;  // as pack returned them
  std::map<std::string, AliasInfo, std::less<>> aliases;
  FunctionSettings settings;

  bool empty() const {
    return versions.empty() && aliases.empty() && settings == FunctionSettings{};
  }
};

// Which version a call of this alias runs; `random` is uniform in [0, 1).
std::string_view routed_version(AliasInfo const&, double random);

// Not thread-safe.
class Families {
 public:
  Family const* find(FunctionName const&) const;
  // Made if there is none; tidy() after a change that may have left it empty.
  Family& at(FunctionName const& name) { return families_[name]; }
  void tidy(FunctionName const&);
  void drop(FunctionName const& name) { families_.erase(name); }

  // Until `visit` returns false; by account and name, those after `after`.
  template <class Visit>
  void each(Visit visit) const {
    for (auto const& [name, family] : families_)
      if (!visit(name, family)) return;
  }

 private:
  std::map<FunctionName, Family> families_;
};

}  // namespace faas::inline v0::registry
