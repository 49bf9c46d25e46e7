#include "control/manifest_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "control/document.hpp"

namespace faas::inline v0::control {
namespace {

using Kind = AppliedStep::Kind;
using Action = Step::Action;
using Differences = std::vector<Difference>;

constexpr auto kHidden = "(hidden)";

std::string joined(std::vector<std::string> const& items) {
  std::string out;
  for (auto const& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::string shown(ReservedCalls const& r) {
  return r.calls ? std::to_string(*r.calls) : std::string(kNone);
}

std::string shown(ManifestAlias const& alias) {
  auto out = alias.version;
  for (auto const& [version, percent] : alias.weights)
    out += fmt::format(", {:.6g} % to {}", percent, version);
  if (!alias.description.empty()) out += fmt::format(" ({})", alias.description);
  return out;
}

void differ(Differences& out, std::string field, std::string from, std::string to) {
  if (from != to) out.push_back({std::move(field), std::move(from), std::move(to)});
}

void differ(Differences& out, std::string field, std::uint64_t from, std::uint64_t to) {
  differ(out, std::move(field), std::to_string(from), std::to_string(to));
}

// A value may be a password: that it is another is all that is told.
void differ_environment(Differences& out, std::map<std::string, std::string> const& from,
                        std::map<std::string, std::string> const& to) {
  for (auto const& [name, value] : from) {
    if (!to.contains(name)) out.push_back({"environment." + name, kHidden, ""});
  }
  for (auto const& [name, value] : to) {
    auto const found = from.find(name);
    if (found != from.end() && found->second == value) continue;
    out.push_back({"environment." + name, found == from.end() ? "" : kHidden, kHidden});
  }
}

// A function that is not there has none of anything.
Differences configuration(WantedFunction const& wanted, ExistingFunction const* there) {
  auto const& to = *wanted.function;
  ManifestFunction nothing;
  nothing.memory = nothing.timeout = nothing.tmp = nothing.capacity = 0;
  auto const& from = there != nullptr ? there->state : nothing;
  Differences out;
  if (!to.runtime.empty()) differ(out, "runtime", from.runtime, to.runtime);
  if (!to.handler.empty()) differ(out, "handler", from.handler, to.handler);
  if (!wanted.code_sha256.empty()) {
    auto const sha = there != nullptr ? there->code_sha256 : std::string();
    differ(out, "code", sha.substr(0, 12), wanted.code_sha256.substr(0, 12));
  }
  differ(out, "memory", from.memory, to.memory);
  differ(out, "timeout", from.timeout, to.timeout);
  differ(out, "tmp", from.tmp, to.tmp);
  differ(out, "capacity", from.capacity, to.capacity);
  differ(out, "description", from.description, to.description);
  differ_environment(out, from.environment, to.environment);
  differ(out, "layers", joined(from.layers), joined(to.layers));
  // From nothing to nothing is no difference that anybody wants to read.
  std::erase_if(out, [](Difference const& d) { return d.from == "0" && d.to == "0"; });
  for (auto& d : out) {
    if (there == nullptr && d.from == "0") d.from.clear();
  }
  return out;
}

// The steps of one function, in the order in which they are possible: what stands on an alias goes
// before it and comes after it.
class Planner {
 public:
  Planner(WantedFunction const& wanted, ExistingFunction const* there)
      : wanted_(wanted), to_(*wanted.function), there_(there) {}

  std::vector<Step> steps(std::string_view stack) {
    put(stack);
    tag(stack);
    reserve();
    unprovision();
    aliases();
    provision();
    return std::move(steps_);
  }

 private:
  Step& add(Action action, Kind kind, Differences differences) {
    Step step;
    step.action = action;
    step.shown = {kind, to_.name, std::move(differences)};
    step.function = &to_;
    if (there_ != nullptr) step.arn = there_->arn;
    steps_.push_back(std::move(step));
    return steps_.back();
  }

  void put(std::string_view stack) {
    auto differences = configuration(wanted_, there_);
    if (differences.empty()) return;
    put_ = true;
    bool const code =
        std::ranges::any_of(differences, [](Difference const& d) { return d.field == "code"; });
    if (there_ == nullptr) {
      for (auto const& [key, value] : to_.tags) differences.push_back({"tags." + key, "", value});
    }
    auto& step =
        add(Action::put, there_ == nullptr ? Kind::create : Kind::update, std::move(differences));
    step.with_code = code;
    step.with_layers = !to_.layers.empty() || (there_ != nullptr && !there_->state.layers.empty());
    step.with_capacity = to_.capacity != 1 || (there_ != nullptr && there_->state.capacity != 1);
    if (there_ != nullptr) return;
    step.tags = to_.tags;
    step.tags[std::string(kAppliedTag)] = stack;
  }

  void tag(std::string_view stack) {
    if (there_ == nullptr) return;
    Differences differences;
    std::map<std::string, std::string> changed;
    // It moves here: the other stack's prune leaves it alone from now on.
    if (!there_->stack.empty() && there_->stack != stack) {
      differences.push_back({"stack", there_->stack, std::string(stack)});
      changed[std::string(kAppliedTag)] = stack;
    }
    for (auto const& [key, value] : to_.tags) {
      auto const found = there_->state.tags.find(key);
      auto const before = found == there_->state.tags.end() ? std::string() : found->second;
      if (found != there_->state.tags.end() && before == value) continue;
      differences.push_back({"tags." + key, before, value});
      changed[key] = value;
    }
    if (changed.empty()) return;
    add(Action::tag, Kind::update, std::move(differences)).tags = std::move(changed);
  }

  void reserve() {
    if (!to_.reserved) return;
    auto const before =
        there_ != nullptr ? there_->state.reserved.value_or(ReservedCalls{}) : ReservedCalls{};
    if (before == *to_.reserved) return;
    add(Action::reserve, Kind::update,
        {{"reserved_concurrency", shown(before), shown(*to_.reserved)}})
        .reserved = *to_.reserved;
  }

  std::uint64_t provisioned_now(std::string const& qualifier) const {
    if (there_ == nullptr) return 0;
    auto const found = there_->state.provisioned.find(qualifier);
    return found == there_->state.provisioned.end() ? 0 : found->second;
  }

  void unprovision() {
    for (auto const& [qualifier, count] : to_.provisioned) {
      auto const before = provisioned_now(qualifier);
      if (count != 0 || before == 0) continue;
      add(Action::unprovision, Kind::remove,
          {{"provisioned." + qualifier, std::to_string(before), ""}})
          .subject = qualifier;
    }
  }

  void provision() {
    for (auto const& [qualifier, count] : to_.provisioned) {
      auto const before = provisioned_now(qualifier);
      if (count == 0 || before == count) continue;
      auto& step = add(Action::provision, before == 0 ? Kind::create : Kind::update,
                       {{"provisioned." + qualifier, before == 0 ? "" : std::to_string(before),
                         std::to_string(count)}});
      step.subject = qualifier;
      step.count = count;
    }
  }

  // A version that is what the function will be, or nothing where that one has to be published.
  std::optional<std::string> current_version() const {
    if (put_ || there_ == nullptr || !there_->newest_is_current) return std::nullopt;
    return there_->newest;
  }

  void aliases() {
    bool const publishes = std::ranges::any_of(
        to_.aliases, [](auto const& a) { return a.second.version == kPublished; });
    auto const current = current_version();
    if (publishes && !current) {
      auto const newest = there_ != nullptr ? there_->newest : std::string();
      add(Action::publish, Kind::create, {{"version", newest, std::string(kPublished)}});
    }
    for (auto [name, alias] : to_.aliases) {
      if (alias.version == kPublished && current) alias.version = *current;
      set_alias(name, alias);
    }
  }

  void set_alias(std::string const& name, ManifestAlias const& alias) {
    ManifestAlias const* before = nullptr;
    if (there_ != nullptr) {
      auto const found = there_->state.aliases.find(name);
      if (found != there_->state.aliases.end()) before = &found->second;
    }
    if (alias.version == kNone) {
      if (before == nullptr) return;
      add(Action::remove_alias, Kind::remove, {{"aliases." + name, shown(*before), ""}}).subject =
          name;
      return;
    }
    if (before != nullptr && *before == alias) return;
    auto& step = add(Action::set_alias, before == nullptr ? Kind::create : Kind::update,
                     {{"aliases." + name, before == nullptr ? "" : shown(*before), shown(alias)}});
    step.subject = name;
    step.alias = alias;
  }

  WantedFunction const& wanted_;
  ManifestFunction const& to_;
  ExistingFunction const* there_;
  std::vector<Step> steps_;
  bool put_ = false;
};

}  // namespace

Result<std::vector<Step>> plan_function(WantedFunction const& wanted,
                                        ExistingFunction const* existing, std::string_view origin,
                                        std::string_view stack) {
  auto const& f = *wanted.function;
  if (existing == nullptr && (f.runtime.empty() || wanted.code_sha256.empty())) {
    return complaint_at(
        origin, f.line,
        fmt::format("{} is not deployed, and to create it the file must name its {}", f.name,
                    f.runtime.empty() ? "runtime" : "code"));
  }
  return Planner(wanted, existing).steps(stack);
}

std::vector<Step> plan_prune(Manifest const& manifest,
                             std::vector<ExistingFunction> const& existing) {
  std::vector<Step> steps;
  for (auto const& there : existing) {
    auto const& name = there.state.name;
    bool const wanted = std::ranges::find(manifest.functions, name, &ManifestFunction::name) !=
                        manifest.functions.end();
    if (wanted || there.stack.empty() || there.stack != manifest.stack) continue;
    Step step;
    step.action = Action::remove;
    step.shown = {Kind::remove, name, {}};
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace faas::inline v0::control
