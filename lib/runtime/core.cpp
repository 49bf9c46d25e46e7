// What the engine decides: who is called, what is started, and what of it lives.
#include "runtime/core.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "invoker/endings.hpp"

namespace faas::inline v0::runtime {
namespace {

constexpr std::size_t kMaxPayload = 6'291'456;

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

Error closed_error() {
  return {Errc::unavailable, "the runtime is closed: open another", "RuntimeClosed", "runtime"};
}

Error closed_before_start() {
  return {Errc::unavailable, "the runtime was closed before the function was started",
          "RuntimeClosed", "queue"};
}

Core::Deciding::~Deciding() {
  auto touched = std::exchange(core_.touched_, 0);
  auto const forgotten = std::exchange(core_.forgotten_, {});
  lock_.unlock();
  for (auto const& lane : core_.lanes_) {
    bool const has_tasks = (touched & 1) != 0;
    touched >>= 1;
    if (!has_tasks || lane.get() == here_) continue;
    here_ == nullptr ? lane->run() : lane->run_later();
  }
}

void Core::push(std::size_t lane, Task task) {
  lanes_[lane]->push(std::move(task));
  touched_ |= std::uint64_t{1} << lane;
}

void Core::invoke(std::shared_ptr<Call> call) {
  auto const arrived = now();
  for (auto const& lane : lanes_) lane->look(arrived);
  Deciding const deciding(*this);
  auto refuse = [&](Error error) {
    observe([name = call->input.function, error](Observer& o) { o.on_refusal({name, error}); });
    call->answer(std::move(error));
  };
  if (closed_) return call->answer(closed_error());
  if (call->input.payload.size() > kMaxPayload) {
    return refuse({Errc::too_large,
                   fmt::format("Request must be smaller than {} bytes for the InvokeFunction "
                               "operation; the payload has {}",
                               kMaxPayload, call->input.payload.size()),
                   "RequestEntityTooLargeException", "runtime"});
  }
  auto const revision = revision_of(call->input.function, call->input.qualifier);
  if (!revision) return refuse(not_found(call->input.function, call->input.qualifier));
  if (call->input.request_id.empty()) call->input.request_id = request_ids_.next();
  call->id = CallId{next_call_++};
  call->revision = revision;
  call->arrived = arrived;
  ++revision->calls;
  ++queued_;
  calls_.emplace(call->id, call);
  tell(event::Arrived{call->id, revision->info->revision, call->input.deadline, call->input.tenant,
                      call->input.caller});
}

void Core::tell(SchedulerEvent event) {
  scheduler_.on(std::move(event), now(), actions_);
  if (performing_) return;  // the loop below us goes on with what was added
  performing_ = true;
  do {
    for (std::size_t i = 0; i < actions_.size() && !closed_; ++i) {
      auto action = std::move(actions_[i]);  // doing it may make actions_ grow
      perform(action);
    }
    actions_.clear();
    // A start can fail at once, inside perform: what its instance was must be known until its Fail
    // is done.
    for (auto const id : std::exchange(exited_, {})) erase_instance(id);
  } while (!actions_.empty() && !closed_);
  performing_ = false;
  set_wake();
  set_hold();
  check_waiters();
}

void Core::perform(SchedulerAction& action) {
  if (auto const* start = std::get_if<action::Start>(&action)) return do_start(*start);
  if (auto const* dispatch = std::get_if<action::Dispatch>(&action)) return do_dispatch(*dispatch);
  if (auto const* fail = std::get_if<action::Fail>(&action)) return do_fail(*fail);
  if (auto* refuse = std::get_if<action::Refuse>(&action)) return do_refuse(*refuse);
  auto const id = std::get<action::Stop>(action).instance;
  if (auto const found = instances_.find(id); found != instances_.end())
    push(found->second.lane, task::Stop{id});
}

void Core::set_wake() {
  auto const wake = scheduler_.next_wake();
  // A timer that comes too early costs one Tick; moving it with every call would cost every call.
  if (!wake || (wake_at_ && *wake_at_ <= *wake)) return;
  wake_at_ = wake;
  push(0, task::Wake{*wake});
}

// An instance that starts or runs calls holds its lane; calls that wait for neither need the timer.
void Core::set_hold() {
  if (held_ == (queued_ > 0)) return;
  held_ = !held_;
  push(0, task::Hold{held_});
}

void Core::tick(Lane& here) {
  meter_->tick(now());
  Deciding const deciding(*this, &here);
  if (closed_) return;
  wake_at_.reset();
  tell(event::Tick{});
}

void Core::pressure(bool high) {
  Deciding const deciding(*this);
  if (!closed_) tell(event::Pressure{high});
}

std::size_t Core::emptiest_lane() const {
  auto const least = std::min_element(crowds_.begin(), crowds_.end());
  return static_cast<std::size_t>(least - crowds_.begin());
}

void Core::do_start(action::Start const& start) {
  auto const found = revisions_.find(start.revision);
  // A call or an instance of it lives, or the scheduler would not ask.
  FAAS_CHECK(found != revisions_.end());
  auto& instance = instances_[start.instance];
  instance.revision = found->second;
  instance.lane = emptiest_lane();
  ++crowds_[instance.lane];
  instance.tenant = start.tenant;
  instance.provisioned = start.provisioned;
  instance.asked = now();
  instance.started = std::chrono::system_clock::now();
  ++instance.revision->instances;
  if (stopping_) return refuse_start(start.instance, closed_error());
  // The lane looks whether the trees are still what was verified: that reads the disk.
  if (instance.revision->callable || instance.revision->trees.code)
    return start_instance(start.instance, instance, Code::pinned);
  wait_for_code(start.instance, instance);
}

void Core::wait_for_code(InstanceId id, Instance const& instance) {
  instance.revision->waiting.push_back(id);
  if (!instance.revision->pinning) pin(instance.revision);
}

void Core::code_touched(Lane& here, InstanceId id) {
  Deciding const deciding(*this, &here);
  auto const found = instances_.find(id);
  if (!closed_ && found != instances_.end()) wait_for_code(id, found->second);
}

// Nothing of it ran: the call that pays for it gets the Error.
void Core::refuse_start(InstanceId id, Error error) {
  instances_.at(id).start_error = std::move(error);
  tell(event::StartFailed{id});
  instance_gone(id);
}

void Core::start_instance(InstanceId id, Instance& instance, Code code) {
  auto const& revision = instance.revision;
  instance.start.code = now() - instance.asked;
  bool const cached = std::exchange(revision->trees_were_cached, true);
  instance.level = cached ? StartLevel::cold : StartLevel::first;
  auto const& trees = revision->trees;
  push(instance.lane, task::Start{{id, revision->info, trees.code, trees.layers, instance.tenant,
                                   instance.provisioned},
                                  revision,
                                  code == Code::verified});
}

void Core::ready(Lane& here, InstanceId id, Timing const& timing) {
  Deciding const deciding(*this, &here);
  auto const found = instances_.find(id);
  if (closed_ || found == instances_.end()) return;
  found->second.start.jail = timing.jail;
  found->second.start.exec = timing.exec;
  found->second.start.init = timing.init;
  observe([revision = found->second.revision, level = found->second.level,
           start = found->second.start](Observer& o) {
    auto const& info = *revision->info;
    o.on_start({info.function.name, info.revision, level, start});
  });
  tell(event::Ready{id});
}

void Core::start_failed(Lane& here, InstanceId id, Ending ending) {
  observe([text = fmt::format("{}: {}", ending.error_type, ending.message)](Observer& o) {
    o.on_event("start-failed", text);
  });
  Deciding const deciding(*this, &here);
  auto const found = instances_.find(id);
  if (closed_ || found == instances_.end()) return;
  found->second.start_error = ending.refused;
  found->second.start_ending = std::move(ending);
  tell(event::StartFailed{id});
}

void Core::exited(Lane& here, InstanceId id) {
  Deciding const deciding(*this, &here);
  if (!closed_) instance_gone(id);
}

void Core::instance_gone(InstanceId id) {
  if (performing_) {
    exited_.push_back(id);
  } else {
    erase_instance(id);
  }
}

void Core::erase_instance(InstanceId id) {
  auto const found = instances_.find(id);
  if (found == instances_.end()) return;
  auto const revision = found->second.revision;
  --crowds_[found->second.lane];
  instances_.erase(found);
  --revision->instances;
  tell(event::Exited{id});
  forget_if_done(revision);
}

void Core::do_dispatch(action::Dispatch const& dispatch) {
  auto const& call = calls_.at(dispatch.call);
  auto& instance = instances_.at(dispatch.instance);
  --queued_;
  call->where = Call::Where::on_instance;
  call->lane = lanes_[instance.lane].get();
  call->instance = dispatch.instance;
  call->dispatched = now();
  auto& outcome = call->outcome;
  outcome.request_id = call->input.request_id;
  outcome.version = call->revision->info->version;
  outcome.timing.queued = call->dispatched - call->arrived;
  outcome.start = dispatch.level;
  if (instance.calls++ == 0 && dispatch.level != StartLevel::warm) {
    // The stages of the start belong to the call that waited for it; what is left is time in the
    // queue.
    outcome.timing = instance.start;
    Duration started{};
    for (auto const& stage : stages(instance.start)) started += stage.took;
    outcome.timing.queued = std::max(Duration{}, call->dispatched - call->arrived - started);
    outcome.start = instance.level;
    instance.start.queued = outcome.timing.queued;
  }
  push(instance.lane, task::Dispatch{call});
}

// A start ended for good, and this call is the one that pays for it.
void Core::do_fail(action::Fail const& fail) {
  auto const call = calls_.at(fail.call);
  auto const found = instances_.find(fail.instance);
  FAAS_CHECK(found != instances_.end());
  auto const& instance = found->second;
  if (instance.start_error) {
    call->answer(*instance.start_error);
    return drop(call->id);
  }
  auto ending =
      instance.start_ending.value_or(invoker::lost_ending("the instance ended while it started"));
  --queued_;
  call->where = Call::Where::failed_start;
  call->lane = lanes_[instance.lane].get();
  call->outcome.request_id = call->input.request_id;
  call->outcome.version = call->revision->info->version;
  call->outcome.start = instance.level;
  call->outcome.timing = instance.start;
  call->dispatched = now();
  push(instance.lane, task::Fail{call, std::move(ending)});
}

void Core::do_refuse(action::Refuse& refuse) {
  auto const call = calls_.at(refuse.call);
  observe([name = call->input.function, error = refuse.error](Observer& o) {
    o.on_refusal({name, error});
  });
  call->answer(std::move(refuse.error));
  drop(call->id);
}

void Core::finished(Lane& here, Call const& call, bool reusable) {
  Deciding const deciding(*this, &here);
  if (closed_) return;
  auto const& timing = call.outcome.timing;
  if (auto const found = instances_.find(call.instance); found != instances_.end() && timing.init)
    found->second.start.first_byte = timing.first_byte;  // it waited for this start
  drop(call.id);
  if (call.where == Call::Where::on_instance) return tell(event::Finished{call.id, reusable});
  check_waiters();
}

// Out of the tables.
void Core::drop(CallId id) {
  auto const found = calls_.find(id);
  if (found == calls_.end()) return;
  auto const call = std::move(found->second);
  calls_.erase(found);
  queued_ -= call->where == Call::Where::queued;
  auto const revision = call->revision;
  --revision->calls;
  forget_if_done(revision);
}

void Core::cancel(Call const& cancelled) {
  Deciding const deciding(*this);
  auto const id = cancelled.id;
  auto const found = calls_.find(id);
  if (closed_ || found == calls_.end()) return;
  auto const call = found->second;
  if (call->where != Call::Where::queued) {
    push(call->lane->index(), task::Abandon{call});
    return;
  }
  call->answer(
      Error{Errc::cancelled, "the caller cancelled before the function was started", {}, "queue"});
  drop(id);
  tell(event::Cancelled{id});
}

}  // namespace faas::inline v0::runtime
