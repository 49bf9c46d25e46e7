#include "registry/family.hpp"

#include <charconv>

namespace faas::inline v0::registry {

std::optional<VersionNumber> version_number(std::string_view text) {
  VersionNumber number = 0;
  auto const* const end = text.data() + text.size();
  auto const [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || at != end || text.front() == '0') return std::nullopt;
  return number;
}

std::string_view routed_version(AliasInfo const& alias, double random) {
  for (auto const& [version, share] : alias.weights) {
    if (random < share) return version;
    random -= share;
  }
  return alias.version;
}

Family const* Families::find(FunctionName const& name) const {
  auto const found = families_.find(name);
  return found == families_.end() ? nullptr : &found->second;
}

void Families::tidy(FunctionName const& name) {
  auto const found = families_.find(name);
  if (found != families_.end() && found->second.empty()) families_.erase(found);
}

}  // namespace faas::inline v0::registry
