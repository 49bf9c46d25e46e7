// The life of an invocation: invoke -> scheduler -> dispatch -> finish.
#include "runtime/core.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/text.hpp"
#include "invoker/endings.hpp"
#include "metering/billing.hpp"
#include "runtime/call.hpp"

namespace faas::inline v0::runtime {
namespace {

constexpr std::size_t kMaxPayload = 6'291'456;

TimePoint now() { return std::chrono::steady_clock::now(); }

std::string error_text(Ending const& ending, std::string_view request_id) {
  return ending.error_payload.empty()
             ? error_document(ending.error_type,
                              fmt::format("RequestId: {} Error: {}", request_id, ending.message))
             : ending.error_payload;
}

}  // namespace

Error closed_error() {
  return {Errc::unavailable, "the runtime is closed: open another", "RuntimeClosed", "runtime"};
}

void Core::invoke(std::shared_ptr<Call> call) {
  std::lock_guard lock(*mutex_);
  auto refuse = [&](Error error) {
    observe([name = call->input.function, error](Observer& o) { o.on_refusal({name, error}); });
    call->answer(std::move(error));
  };
  if (closed_) return call->answer(closed_error());
  auto const arrived = now();
  // Between calls nobody looks: an instance that died meanwhile must not get this one.
  if (calls_.empty()) reactor_->poll();
  if (call->input.payload.size() > kMaxPayload) {
    return refuse({Errc::too_large,
                   fmt::format("Request must be smaller than {} bytes for the InvokeFunction "
                               "operation; the payload has {}",
                               kMaxPayload, call->input.payload.size()),
                   "RequestEntityTooLargeException", "runtime"});
  }
  auto const revision = revision_of(call->input.function);
  if (!revision) return refuse(not_found(call->input.function));
  if (call->input.request_id.empty()) call->input.request_id = request_ids_.next();
  call->core = this;
  call->id = CallId{next_call_++};
  call->revision = revision;
  call->arrived = arrived;
  call->hold = Hold(*reactor_);
  ++call->revision->calls;
  calls_.emplace(call->id, call);
  tell(
      event::Arrived{call->id, revision->info->revision, call->input.deadline, call->input.tenant});
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
  check_waiters();
}

void Core::perform(SchedulerAction& action) {
  if (auto const* start = std::get_if<action::Start>(&action)) return do_start(*start);
  if (auto const* dispatch = std::get_if<action::Dispatch>(&action)) return do_dispatch(*dispatch);
  if (auto const* fail = std::get_if<action::Fail>(&action)) return do_fail(*fail);
  if (auto* refuse = std::get_if<action::Refuse>(&action)) return do_refuse(*refuse);
  auto const id = std::get<action::Stop>(action).instance;
  if (auto const found = instances_.find(id); found != instances_.end()) {
    backend(found->second.revision->place).stop(id);
  }
}

void Core::set_wake() {
  auto const wake = scheduler_.next_wake();
  // A timer that comes too early costs one Tick; moving it with every call would cost every call.
  if (!wake || (wake_timer_ != Reactor::Timer::none && wake_at_ <= *wake)) return;
  reactor_->cancel(wake_timer_);
  wake_at_ = *wake;
  wake_timer_ = reactor_->at(*wake, [this] {
    wake_timer_ = Reactor::Timer::none;
    tell(event::Tick{});
    meter_->tick(now());
  });
}

void Core::do_start(action::Start const& start) {
  auto const found = revisions_.find(start.revision);
  // A call or an instance of it lives, or the scheduler would not ask.
  FAAS_CHECK(found != revisions_.end());
  auto& instance = instances_[start.instance];
  instance.revision = found->second;
  instance.tenant = start.tenant;
  instance.asked = now();
  instance.started = std::chrono::system_clock::now();
  ++instance.revision->instances;
  if (stopping_) return refuse_start(start.instance, closed_error());
  auto const& revision = instance.revision;
  if (revision->place == Place::host_callable || revision->tree.untouched())
    return start_instance(start.instance, instance);
  revision->waiting.push_back(start.instance);
  if (!revision->pinning) pin(revision);
}

// Nothing of it ran: the call that pays for it gets the Error.
void Core::refuse_start(InstanceId id, Error error) {
  instances_.at(id).start_error = std::move(error);
  tell(event::StartFailed{id});
  on_exited(id);
}

void Core::start_instance(InstanceId id, Instance& instance) {
  auto const& revision = instance.revision;
  instance.start.code = now() - instance.asked;
  bool const cached = std::exchange(revision->tree_was_cached, true);
  instance.level = cached ? StartLevel::cold : StartLevel::first;
  backend(revision->place).start({id, revision->info, revision->tree, instance.tenant});
}

void Core::on_ready(InstanceId id, Timing const& timing) {
  auto const found = instances_.find(id);
  if (found == instances_.end()) return;
  found->second.start.jail = timing.jail;
  found->second.start.exec = timing.exec;
  found->second.start.init = timing.init;
  tell(event::Ready{id});
}

void Core::on_start_failed(InstanceId id, Ending ending) {
  auto const found = instances_.find(id);
  if (found == instances_.end()) return;
  observe([text = fmt::format("{}: {}", ending.error_type, ending.message)](Observer& o) {
    o.on_event("start-failed", text);
  });
  found->second.start_error = ending.refused;
  found->second.start_ending = std::move(ending);
  tell(event::StartFailed{id});
}

void Core::on_exited(InstanceId id) {
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
  std::string rest;
  found->second.lines.flush(rest);
  log_function(*revision, nullptr, rest);
  instances_.erase(found);
  --revision->instances;
  tell(event::Exited{id});
  forget_if_done(revision);
}

void Core::on_output(InstanceId id, std::string_view text) {
  auto const found = instances_.find(id);
  if (found == instances_.end()) return;
  std::string lines;
  found->second.lines.feed(text, lines);
  log_function(*found->second.revision, found->second.writer(), lines);
}

void Core::do_dispatch(action::Dispatch const& dispatch) {
  auto const call = calls_.at(dispatch.call);
  auto& instance = instances_.at(dispatch.instance);
  call->instance = dispatch.instance;
  call->running = true;
  call->dispatched = now();
  auto& outcome = call->outcome;
  outcome.request_id = call->input.request_id;
  outcome.timing.queued = call->dispatched - call->arrived;
  outcome.start = dispatch.level;
  if (instance.calls++ == 0) {
    // The stages of the start belong to the call that waited for it; what is left is time in the
    // queue.
    outcome.timing = instance.start;
    Duration started{};
    for (auto const& stage : stages(instance.start)) started += stage.took;
    outcome.timing.queued = std::max(Duration{}, call->dispatched - call->arrived - started);
    outcome.start = instance.level;
  }
  instance.running.push_back(call);
  if (call->input.deadline) {
    call->deadline_timer = reactor_->at(*call->input.deadline, [this, id = call->id] {
      if (auto const found = calls_.find(id); found != calls_.end()) abandon(found->second);
    });
  }
  if (call->stream) {
    call->stream->set_listener([weak = weak_from_this(), id = call->id](StreamState::News news) {
      if (auto const self = weak.lock()) self->heard_of_reader(id, news);
    });
  }
  auto const& info = *call->revision->info;
  log_platform(*call, start_line(call->input.request_id, info.version), LogFiles::Write::with_next);
  CallRequest request;
  request.request_id = call->input.request_id;
  request.payload = std::move(call->input.payload);
  request.client_context = std::move(call->input.client_context);
  request.tenant = call->input.tenant;
  request.function_arn = call->revision->arn;
  request.content_type = std::move(call->input.content_type);
  request.trace_id = std::move(call->input.trace_id);
  request.stream = call->stream != nullptr;
  backend(call->revision->place).call(dispatch.instance, std::move(request), call);
}

// A start ended for good, and this call is the one that pays for it.
void Core::do_fail(action::Fail const& fail) {
  auto const call = calls_.at(fail.call);
  auto const found = instances_.find(fail.instance);
  FAAS_CHECK(found != instances_.end());
  if (found->second.start_error) {
    call->answer(*found->second.start_error);
    return drop(*call);
  }
  auto ending = found->second.start_ending.value_or(
      invoker::lost_ending("the instance ended while it started"));
  ending.reusable = false;
  call->outcome.request_id = call->input.request_id;
  call->outcome.start = found->second.level;
  call->outcome.timing = found->second.start;
  call->dispatched = now();
  log_platform(*call, start_line(call->input.request_id, call->revision->info->version),
               LogFiles::Write::with_next);
  finish(*call, std::move(ending));
}

void Core::do_refuse(action::Refuse& refuse) {
  auto const call = calls_.at(refuse.call);
  observe([name = call->input.function, error = refuse.error](Observer& o) {
    o.on_refusal({name, error});
  });
  call->answer(std::move(refuse.error));
  drop(*call);
}

void Core::finish(Call& finished, Ending ending) {
  auto const call = finished.shared_from_this();
  auto const id = call->id;
  auto const ended = now();
  bool const ran = call->running;
  reactor_->cancel(call->deadline_timer);
  end_outcome(*call, ending, ended);
  if (ran) give_back_instance(*call);
  auto const record = record_of(*call);
  log_end(*call, ending, record);
  meter_->record(record, ended);
  if (call->input.log_tail) call->outcome.log_tail = call->tail.text();
  // An observer's record has views into the call, which its turn keeps.
  if (options.observer) observe([call, record](Observer& o) { o.on_invocation(record); });
  Outcome result = options.observer ? call->outcome : std::move(call->outcome);
  drop(*call);
  if (call->stream && result.status == Status::ok) result.payload.clear();
  call->answer(std::move(result));
  if (ran) tell(event::Finished{id, ending.reusable});
}

void Core::end_outcome(Call& call, Ending const& ending, TimePoint ended) {
  auto& outcome = call.outcome;
  outcome.status = ending.status;
  outcome.error_type = ending.error_type;
  outcome.timing.run = ended - call.dispatched;
  outcome.max_memory = backend(call.revision->place).max_memory(call.instance);
  if (ending.status != Status::ok) outcome.payload = error_text(ending, call.input.request_id);
}

// What the instance writes from here on is not this call's.
void Core::give_back_instance(Call& call) {
  auto const found = instances_.find(call.instance);
  if (found == instances_.end()) return;
  auto& instance = found->second;
  if (instance.writer() == &call) {
    std::string rest;
    instance.lines.flush(rest);
    log_function(*call.revision, &call, rest);
  }
  std::erase_if(instance.running, [&](auto const& running) { return running.get() == &call; });
}

InvocationRecord Core::record_of(Call const& call) const {
  auto const& info = *call.revision->info;
  return {.function = info.function.name,
          .revision = info.revision,
          .request_id = call.input.request_id,
          .status = call.outcome.status,
          .error_type = call.outcome.error_type,
          .start = call.outcome.start,
          .timing = call.outcome.timing,
          .billed = metering::billed(call.outcome.timing, metering::InitPaid::yes),
          .memory = info.function.limits.memory,
          .max_memory = call.outcome.max_memory,
          .ended = std::chrono::system_clock::now(),
          .degraded = jails_->degraded()};
}

void Core::log_end(Call& call, Ending const& ending, InvocationRecord const& record) {
  auto const& function = call.revision->info->function;
  auto const& id = call.input.request_id;
  std::string lines;
  if (ending.status == Status::timed_out) {
    lines = timeout_line(record.ended, id, function.limits.timeout);
  } else if (ending.status != Status::ok && ending.error_payload.empty()) {
    lines = fault_line(id, ending.message, ending.error_type);
  }
  lines += end_line(id);
  lines += report_line({.request_id = id,
                        .start = record.start,
                        .timing = record.timing,
                        .billed = record.billed,
                        .memory = record.memory,
                        .max_memory = record.max_memory});
  log_platform(call, lines, LogFiles::Write::now);
}

// Out of the tables; its hold goes with it.
void Core::drop(Call& dropped) {
  auto const found = calls_.find(dropped.id);
  if (found == calls_.end()) return;
  auto const call = std::move(found->second);
  calls_.erase(found);
  call->hold = Hold();
  auto const revision = call->revision;
  --revision->calls;
  forget_if_done(revision);
}

// Its caller waits no longer. The function runs on, also one that waited for its reader or its
// pace.
void Core::abandon(std::shared_ptr<Call> call) {
  auto abandoned = call->outcome;
  abandoned.status = Status::abandoned;
  abandoned.payload.clear();
  call->answer(std::move(abandoned));
  if (call->stream) backend(call->revision->place).detach(call->instance, call->input.request_id);
}

// The first answer of a turn is given at its end, from the turn itself, which saves a hop; the
// others are posted, so that no caller waits for another one's handler.
void Core::answer(Completion<Result<Outcome>> done, Outcome outcome) {
  if (answer_ || !reactor_->in_turn()) return done(std::move(outcome));
  answer_.emplace(std::move(done), std::move(outcome));
}

void Core::give_answers(std::unique_lock<std::mutex>& lock) {
  if (!answer_) return;
  auto given = std::move(*answer_);
  answer_.reset();
  lock.unlock();
  given.first.call_at_home(std::move(given.second));
}

void Core::cancel(Call const& cancelled) {
  std::lock_guard lock(*mutex_);
  auto const id = cancelled.id;
  auto const found = calls_.find(id);
  if (closed_ || found == calls_.end()) return;
  auto const call = found->second;
  if (call->running) return abandon(call);
  call->answer(
      Error{Errc::cancelled, "the caller cancelled before the function was started", {}, "queue"});
  drop(*call);
  tell(event::Cancelled{id});
}

void Core::heard_of_reader(CallId id, StreamState::News news) {
  std::lock_guard lock(*mutex_);
  auto const found = calls_.find(id);
  if (closed_ || found == calls_.end()) return;
  auto const& call = *found->second;
  auto& where = backend(call.revision->place);
  if (news == StreamState::News::room) return where.resume(call.instance, call.input.request_id);
  where.detach(call.instance, call.input.request_id);
}

Backend& Core::backend(Place place) {
  return place == Place::host_callable ? static_cast<Backend&>(*hosts_)
                                       : static_cast<Backend&>(*jails_);
}

}  // namespace faas::inline v0::runtime
