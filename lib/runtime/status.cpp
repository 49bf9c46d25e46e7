// Questions about the engine, and its waiters.
#include <algorithm>

#include "runtime/core.hpp"

namespace faas::inline v0::runtime {
namespace {

std::string_view phase_name(InstanceState::Phase phase) {
  switch (phase) {
    case InstanceState::Phase::starting: return "starting";
    case InstanceState::Phase::idle: return "idle";
    case InstanceState::Phase::busy: return "busy";
    case InstanceState::Phase::stopping: return "stopping";
  }
  return "stopping";
}

}  // namespace

std::vector<InstanceInfo> Core::instances() const {
  std::vector<InstanceInfo> out;
  std::vector<std::size_t> lanes;
  {
    std::lock_guard lock(mutex_);
    for (auto const& state : scheduler_.instances()) {
      auto const found = instances_.find(state.instance);
      if (found == instances_.end()) continue;
      auto const& instance = found->second;
      InstanceInfo info;
      info.instance = state.instance;
      info.function = instance.revision->info->function.name;
      info.revision = state.revision;
      info.phase = phase_name(state.phase);
      info.started = instance.started;
      info.calls = instance.calls;
      info.level = instance.level;
      info.start = instance.start;
      out.push_back(std::move(info));
      lanes.push_back(instance.lane);
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].max_memory = lanes_[lanes[i]]->max_memory(out[i].instance);
  return out;
}

RuntimeStatus Core::status() const {
  std::lock_guard lock(mutex_);
  RuntimeStatus status;
  status.runtime_id = state_dir_.runtime_id();
  status.secrets_key_id = secrets_key_id_;
  status.draining = draining_ || closed_;
  if (closed_) return status;
  status.degraded = lanes_.front()->degraded();
  status.privilege = lanes_.front()->privilege();
  status.functions = registry_->size();
  status.scheduler = scheduler_.stats();
  return status;
}

AccountUsage Core::usage(std::string_view account) const {
  auto usage = registry_->usage(account);
  usage.code.count += layers_->usage(account).count;
  std::lock_guard lock(mutex_);
  auto const counts = scheduler_.account(account);
  usage.concurrency = counts.limit;
  usage.unreserved = counts.unreserved_limit;
  return usage;
}

void Core::when_idle(Duration patience, Completion<bool> done) {
  Deciding const deciding(*this);
  if (closed_) return done(true);
  if (!std::exchange(draining_, true)) tell(event::Drain{});
  if (calls_.empty()) return done(true);
  auto timer = std::make_unique<asio::steady_timer>(executor, patience);
  auto* const its = timer.get();
  timer->async_wait([weak = weak_from_this(), its](boost::system::error_code cancelled) {
    auto const self = weak.lock();
    if (self && !cancelled) self->stop_waiting(its);
  });
  idle_waiters_.push_back({std::move(done), std::move(timer)});
}

// Its patience is over, unless its answer came first.
void Core::stop_waiting(asio::steady_timer const* timer) {
  std::lock_guard lock(mutex_);
  auto const found = std::find_if(idle_waiters_.begin(), idle_waiters_.end(),
                                  [&](Waiter const& w) { return w.timer.get() == timer; });
  if (found == idle_waiters_.end()) return;
  found->done(false);
  idle_waiters_.erase(found);
}

void Core::when_stopped(Completion<bool> done) {
  Deciding const deciding(*this);
  if (closed_) return done(true);
  stopping_ = true;
  for (auto const& [id, instance] : instances_) push(instance.lane, task::Stop{id});
  if (instances_.empty()) return done(true);
  stop_waiters_.push_back({std::move(done), nullptr});
}

void Core::when_observed(Completion<bool> done) {
  if (options.observer == nullptr) return done(true);
  asio::post(observer_strand_, [told = std::move(done)]() mutable { told(true); });
}

void Core::check_waiters() {
  auto answer = [](std::list<Waiter>& waiters) {
    for (auto& waiter : std::exchange(waiters, {})) waiter.done(true);
  };
  if (calls_.empty()) answer(idle_waiters_);
  if (instances_.empty()) answer(stop_waiters_);
}

// A function that was removed has no log any more, though a call of it still runs. What is current
// is not removed: removal retires it.
bool Core::has_log(Revision const& revision) const {
  return !revision.retired || registry_->find(revision.info->function.name) != nullptr;
}

void Core::read_logs(FunctionName const& name, std::uint64_t position, std::uint64_t tail,
                     Duration wait, Completion<Result<LogPage>> done) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return done(closed_error());
  }
  if (!registry_->revision(name)) return done(not_found(name));
  logs_->read(name, position, tail, wait, std::move(done));
}

}  // namespace faas::inline v0::runtime
