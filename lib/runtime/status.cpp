// Questions about the engine, its waiters, and its logs.
#include "runtime/call.hpp"
#include "runtime/core.hpp"

namespace faas::inline v0::runtime {
namespace {

constexpr std::size_t kLogPage = 256 << 10;

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
  std::lock_guard lock(*mutex_);
  std::vector<InstanceInfo> out;
  for (auto const& state : scheduler_.instances()) {
    auto const found = instances_.find(state.instance);
    if (found == instances_.end()) continue;
    auto const& instance = found->second;
    auto const& revision = *instance.revision;
    InstanceInfo info;
    info.instance = state.instance;
    info.function = revision.info->function.name;
    info.revision = state.revision;
    info.phase = phase_name(state.phase);
    info.started = instance.started;
    if (revision.place == Place::here) info.max_memory = jails_->max_memory(state.instance);
    info.calls = instance.calls;
    info.level = instance.level;
    info.start = instance.start;
    out.push_back(std::move(info));
  }
  return out;
}

RuntimeStatus Core::status() const {
  std::lock_guard lock(*mutex_);
  RuntimeStatus status;
  status.runtime_id = state_dir_.runtime_id();
  status.draining = draining_ || closed_;
  if (closed_) return status;
  status.degraded = jails_->degraded();
  status.privilege = jails_->privilege();
  status.functions = registry_->size();
  status.scheduler = scheduler_.stats();
  return status;
}

void Core::when_idle(Duration patience, Completion<bool> done) {
  std::lock_guard lock(*mutex_);
  if (closed_) return done(true);
  if (!std::exchange(draining_, true)) tell(event::Drain{});
  if (calls_.empty()) return done(true);
  idle_waiters_.push_front({std::move(done), Reactor::Timer::none, Hold(*reactor_)});
  auto const waiter = idle_waiters_.begin();
  waiter->timer = reactor_->at(std::chrono::steady_clock::now() + patience, [this, waiter] {
    waiter->done(false);
    idle_waiters_.erase(waiter);
  });
}

void Core::when_stopped(Completion<bool> done) {
  std::lock_guard lock(*mutex_);
  if (closed_) return done(true);
  stopping_ = true;
  std::vector<std::pair<InstanceId, Place>> all;
  for (auto const& [id, instance] : instances_) all.emplace_back(id, instance.revision->place);
  for (auto const& [id, place] : all) backend(place).stop(id);
  if (instances_.empty()) return done(true);
  stop_waiters_.push_back({std::move(done), Reactor::Timer::none, Hold(*reactor_)});
}

void Core::when_observed(Completion<bool> done) {
  if (options.observer == nullptr) return done(true);
  asio::post(observer_strand_, [told = std::move(done)]() mutable { told(true); });
}

void Core::check_waiters() {
  auto answer = [this](std::list<IdleWaiter>& waiters) {
    for (auto& waiter : std::exchange(waiters, {})) {
      reactor_->cancel(waiter.timer);
      waiter.done(true);
    }
  };
  if (calls_.empty()) answer(idle_waiters_);
  if (instances_.empty()) answer(stop_waiters_);
}

// A function that was removed has no log any more, though a call of it still runs. What is current
// is not removed: removal retires it.
bool Core::has_log(Revision const& revision) const {
  return !revision.retired || registry_->find(revision.info->function.name) != nullptr;
}

void Core::log_function(Revision const& revision, Call* call, std::string_view text) {
  if (text.empty()) return;
  auto const& name = revision.info->function.name;
  if (has_log(revision)) logs_->append(name, text, std::chrono::steady_clock::now());
  if (call != nullptr && call->input.log_tail) call->tail.append(text);
  wake_log_readers(name);
}

void Core::log_platform(Call& call, std::string_view lines, LogFiles::Write when) {
  auto const& name = call.revision->info->function.name;
  if (has_log(*call.revision)) logs_->append_platform(name, lines, when);
  if (call.input.log_tail) call.tail.append(lines);
  wake_log_readers(name);
}

void Core::wake_log_readers(FunctionName const& name) {
  if (log_readers_.empty()) return;
  auto const found = log_readers_.find(name);
  if (found == log_readers_.end()) return;
  auto readers = std::move(found->second);
  log_readers_.erase(found);
  for (auto& reader : readers) {
    reactor_->cancel(reader.timer);
    auto chunk = logs_->read(name, reader.position, kLogPage);
    reader.done(LogPage{std::move(chunk.text), chunk.next});
  }
}

void Core::read_logs(FunctionName name, std::uint64_t position, std::uint64_t tail, Duration wait,
                     Completion<Result<LogPage>> done) {
  std::lock_guard lock(*mutex_);
  if (closed_) return done(closed_error());
  if (!registry_->revision(name)) return done(not_found(name));
  auto chunk = tail > 0 ? logs_->tail(name, tail) : logs_->read(name, position, kLogPage);
  if (!chunk.text.empty() || wait <= Duration::zero() || tail > 0) {
    return done(LogPage{std::move(chunk.text), chunk.next});
  }
  LogReader reader{chunk.next, std::move(done), Reactor::Timer::none, Hold(*reactor_)};
  // The time-out answers everybody who waits for this log: an empty page costs its reader one more
  // question.
  reader.timer = reactor_->at(std::chrono::steady_clock::now() + wait,
                              [this, name] { wake_log_readers(name); });
  log_readers_[name].push_back(std::move(reader));
}

}  // namespace faas::inline v0::runtime
