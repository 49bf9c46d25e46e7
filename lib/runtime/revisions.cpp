// A revision in use: its code for its starts, and how long it is remembered.
#include <algorithm>

#include "runtime/core.hpp"

namespace faas::inline v0::runtime {
namespace {

constexpr std::size_t kStartsInTurn = 8;
constexpr std::size_t kMostUnused = 1000;  // revisions kept without a call or an instance

Result<Trees> pin_trees(CodeCache& cache, Function const& function) {
  Trees trees;
  auto code = cache.pin(function.code);
  if (!code) return code.error();
  trees.code = std::move(*code);
  if (function.layers.empty()) return trees;
  auto layers = cache.pin(function.layers);
  if (!layers) return layers.error();
  trees.layers = std::move(*layers);
  return trees;
}

}  // namespace

// For every call: what is unqualified draws no lot and copies no name.
std::shared_ptr<Revision> Core::revision_of(FunctionName const& name, std::string_view qualifier) {
  if (qualifier.empty()) {
    auto const id = registry_->revision(name);
    return id ? revision_of(name, {*id, std::string(registry::kLatest)}) : nullptr;
  }
  auto const lot = std::uniform_real_distribution<double>()(weights_);
  auto const target = registry_->resolve(name, qualifier, lot);
  return target ? revision_of(name, *target) : nullptr;
}

std::shared_ptr<Revision> Core::revision_of(FunctionName const& name,
                                            registry::Target const& target) {
  if (auto const found = revisions_.find(target.revision); found != revisions_.end()) {
    auto const& revision = found->second;
    if (auto const at = std::exchange(revision->unused, {})) unused_.erase(*at);
    return revision;
  }
  auto const entry = registry_->find(name, target.version);
  return entry && can_run(*entry) ? add_revision(entry) : nullptr;
}

std::shared_ptr<Revision> Core::add_revision(registry::Entry const& entry) {
  retire_others(entry->function.name, entry->version, entry->revision);
  auto revision = std::make_shared<Revision>();
  revision->info = entry;
  revision->arn = function_arn(entry->function.name, options.region);
  if (auto const callable = callables_.find(entry->revision); callable != callables_.end()) {
    revision->callable = callable->second;
  }
  revisions_.emplace(entry->revision, revision);
  current_[{entry->function.name, entry->version}] = entry->revision;
  tell(event::RevisionAdded{entry->revision, entry->function.limits, revision->place(),
                            entry->function.limits.capacity, entry->function.name});
  return revision;
}

void Core::retire_others(FunctionName const& name, std::string_view version,
                         std::optional<RevisionId> current) {
  auto const found = current_.find({name, std::string(version)});
  if (found == current_.end() || found->second == current) return;
  auto const old = found->second;
  current_.erase(found);
  auto const revision = revisions_.at(old);
  revision->retired = true;
  revision->provisioned = 0;
  tell(event::RevisionRetired{old});
  forget_if_done(revision);
}

// After a change of the registry. Who made the change may hear of it after the next one: only the
// registry knows what is current.
void Core::retire_replaced(FunctionName const& name) {
  resolve_waiting_again(name);
  std::vector<std::string> in_use;
  auto const first = current_.lower_bound({name, {}});
  for (auto at = first; at != current_.end() && at->first.first == name; ++at)
    in_use.push_back(at->first.second);
  for (auto const& version : in_use)
    retire_others(name, version, registry_->revision(name, version));
}

// What the call's name means now, or may mean: an alias with weights means two versions.
bool Core::still_meant(Call const& call) const {
  auto const& name = call.input.function;
  auto const& qualifier = call.input.qualifier;
  auto const& its = *call.revision->info;
  auto const is = [&](std::string_view version) {
    return version == its.version && registry_->revision(name, version) == its.revision;
  };
  if (qualifier.empty()) return is(registry::kLatest);
  auto const alias = registry_->alias(name, qualifier);
  if (!alias) return is(qualifier);
  bool meant = is(alias->version);
  for (auto const& [version, share] : alias->weights) meant = meant || is(version);
  return meant;
}

// A call that waits begins with what its name means then: once a change has returned, nothing that
// it replaced begins.
void Core::resolve_waiting_again(FunctionName const& name) {
  std::map<CallId, std::shared_ptr<Call>> waiting;  // in the order of their arrival
  for (auto const& [id, call] : calls_) {
    bool const waits = call->where == Call::Where::queued && call->input.function == name;
    if (waits && !still_meant(*call)) waiting.emplace(id, call);
  }
  for (auto const& [id, call] : waiting) {
    // Telling the scheduler of another one may have ended this one: by its deadline, say.
    auto const waits = [&, call = call] {
      return call->where == Call::Where::queued && calls_.contains(call->id);
    };
    auto const revision = waits() ? revision_of(name, call->input.qualifier) : nullptr;
    if (!waits()) {
      if (revision) forget_if_done(revision);
      continue;
    }
    if (!revision) {
      refuse_gone(call);
      continue;
    }
    ++revision->calls;
    auto const before = std::exchange(call->revision, revision);
    --before->calls;
    tell(event::Moved{id, revision->info->revision});
    forget_if_done(before);
  }
}

void Core::refuse_gone(std::shared_ptr<Call> const& call) {
  tell(event::Cancelled{call->id});
  if (!calls_.contains(call->id)) return;  // its deadline had passed
  auto const& name = call->input.function;
  auto const error = not_found(name, call->input.qualifier);
  observe([name, error](Observer& o) { o.on_refusal({name, error}); });
  call->answer(error);
  drop(call->id);
}

void Core::forget_if_done(std::shared_ptr<Revision> const& revision) {
  if (revision->calls > 0 || revision->instances > 0 || revision->provisioned > 0) return;
  if (!revision->retired) return keep_unused(revision);
  auto const id = revision->info->revision;
  if (auto const at = std::exchange(revision->unused, {})) unused_.erase(*at);
  callables_.erase(id);
  forgotten_.push_back(revision);
  revisions_.erase(id);
}

// What the scheduler learned of it (how its starts failed) is worth keeping, for a while.
void Core::keep_unused(std::shared_ptr<Revision> const& revision) {
  if (revision->unused) return;
  revision->unused = unused_.insert(unused_.end(), revision->info->revision);
  if (unused_.size() <= kMostUnused) return;
  auto const oldest = unused_.front();
  unused_.pop_front();
  auto const found = revisions_.find(oldest);
  auto const& info = *found->second->info;
  current_.erase({info.function.name, info.version});
  forgotten_.push_back(std::move(found->second));
  revisions_.erase(found);
  tell(event::RevisionRetired{oldest});
}

void Core::pin(std::shared_ptr<Revision> const& revision) {
  revision->pinning = true;
  asio::post(blocking_, [weak = weak_from_this(), code = code_, revision]() mutable {
    auto const self = weak.lock();
    if (!self) return;
    auto trees = pin_trees(*std::exchange(code, nullptr), revision->info->function);
    Deciding const deciding(*self);
    if (!self->closed_) self->pinned(revision, trees);
  });
}

// The trees that are replaced go with `trees`, outside the mutex.
void Core::pinned(std::shared_ptr<Revision> const& revision, Result<Trees>& trees) {
  revision->pinning = false;
  if (trees) {
    std::swap(revision->trees, *trees);
    revision->trees_were_cached = revision->trees.were_cached();
    return start_waiting(revision);
  }
  auto error = trees.error();
  error.layer = "code";
  for (auto const id : std::exchange(revision->waiting, {}))
    if (instances_.count(id) != 0) refuse_start(id, stopping_ ? closed_error() : error);
}

// A few, then whatever else waits for the lanes or the executor: a thousand at once would keep all
// calls waiting for as long as their jails are asked for.
void Core::start_waiting(std::shared_ptr<Revision> const& revision) {
  if (closed_ || revision->pinning) return;
  auto& waiting = revision->waiting;
  auto const end =
      waiting.begin() + static_cast<std::ptrdiff_t>(std::min(waiting.size(), kStartsInTurn));
  std::vector<InstanceId> const turn(waiting.begin(), end);
  waiting.erase(waiting.begin(), end);
  for (auto const id : turn) {
    auto const found = instances_.find(id);
    if (found == instances_.end()) continue;
    if (stopping_) {
      refuse_start(id, closed_error());
    } else {
      start_instance(id, found->second, Code::verified);
    }
  }
  if (waiting.empty()) return;
  asio::post(executor, [weak = weak_from_this(), revision] {
    auto const self = weak.lock();
    if (!self) return;
    Deciding const deciding(*self);
    self->start_waiting(revision);
  });
}

}  // namespace faas::inline v0::runtime
