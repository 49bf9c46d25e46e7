// What a lane does: the engine's tasks, and the life of a call from its dispatch to its record.
#include "runtime/lane.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "invoker/endings.hpp"
#include "metering/billing.hpp"
#include "runtime/core.hpp"

namespace faas::inline v0::runtime {
namespace {

// Done by one who came for his own, before the executor takes over.
constexpr int kRoundsForOthers = 8;
// What dies in between may have died as well while the call was on its way.
constexpr Duration kLookAgain = std::chrono::milliseconds(1);

TimePoint now() { return std::chrono::steady_clock::now(); }

std::string error_text(Ending const& ending, std::string_view request_id) {
  return ending.error_payload.empty()
             ? error_document(ending.error_type,
                              fmt::format("RequestId: {} Error: {}", request_id, ending.message))
             : ending.error_payload;
}

bool untouched(StartRequest const& request) {
  return request.code.untouched() && (!request.layers || request.layers.untouched());
}

CallRequest request_of(Call& call) {
  CallRequest request;
  request.request_id = call.input.request_id;
  request.payload = std::move(call.input.payload);
  request.client_context = std::move(call.input.client_context);
  request.tenant = call.input.tenant;
  request.function_arn = call.revision->arn;
  if (!call.input.qualifier.empty()) request.function_arn += ":" + call.input.qualifier;
  request.content_type = std::move(call.input.content_type);
  request.trace_id = std::move(call.input.trace_id);
  request.stream = call.stream != nullptr;
  return request;
}

}  // namespace

class Lane::Inside {
 public:
  explicit Inside(Lane& lane) : lane_(lane), lock_(*lane.mutex_) {}
  ~Inside() { lane_.leave(lock_); }
  Inside(Inside const&) = delete;

 private:
  Lane& lane_;
  std::unique_lock<std::mutex> lock_;
};

Lane::Lane(Core& core, std::size_t index) : core_(core), executor_(core.executor), index_(index) {}

Result<std::shared_ptr<Lane>> Lane::open(Core& core, std::size_t index, InvokerOptions options) {
  std::shared_ptr<Lane> lane(new Lane(core, index));
  if (auto opened = lane->open_parts(std::move(options)); !opened) return opened.error();
  return lane;
}

Result<void> Lane::open_parts(InvokerOptions options) {
  auto reactor = invoker::Reactor::open(executor_, mutex_);
  if (!reactor) return reactor.error();
  std::lock_guard lock(*mutex_);
  reactor_ = std::move(*reactor);
  reactor_->after_turns([weak = weak_from_this()](auto& turn) {
    if (auto const self = weak.lock()) self->end_turn(turn);
  });
  auto jails = invoker::JailBackend::open(std::move(options), *reactor_, *this);
  if (!jails) return jails.error();
  jails_ = std::move(*jails);
  auto enter = [weak = weak_from_this()](std::function<void()> const& work) {
    auto const self = weak.lock();
    if (!self) return;
    Inside const inside(*self);
    work();
  };
  hosts_ = std::make_unique<invoker::HostBackend>(executor_, enter, *reactor_, *this);
  if (core_.options.upkeep) upkeep_ = invoker::Hold(*reactor_);
  return {};
}

Lane::~Lane() { close(); }

void Lane::push(Task task) {
  std::lock_guard lock(inbox_mutex_);
  inbox_.push_back(std::move(task));
  pending_ = true;
}

void Lane::run() {
  std::unique_lock lock(*mutex_, std::try_to_lock);
  if (lock) leave(lock);
}

void Lane::run_later() {
  asio::post(executor_, [self = shared_from_this()] { self->run(); });
}

// Who pushes and finds the lane taken relies on a last look at the inbox once it is free.
void Lane::leave(std::unique_lock<std::mutex>& lock) {
  for (int round = 0;; ++round) {
    do_tasks();
    lock.unlock();
    if (!pending_) return;
    if (round == kRoundsForOthers) return run_later();
    if (!lock.try_lock()) return;
  }
}

void Lane::end_turn(std::unique_lock<std::mutex>& lock) {
  auto given = std::exchange(answer_, std::nullopt);
  leave(lock);
  if (given) given->first.call_at_home(std::move(given->second));
}

void Lane::do_tasks() {
  if (!pending_) return;
  {
    std::lock_guard lock(inbox_mutex_);
    doing_.swap(inbox_);
    pending_ = false;
  }
  for (auto& task : doing_)
    if (!closed_) std::visit([this](auto& t) { perform(t); }, task);
  doing_.clear();
}

void Lane::look(TimePoint time) {
  if (reactor_->held() || time - looked_.load() < kLookAgain) return;
  looked_ = time;
  Inside const inside(*this);
  if (!closed_) reactor_->poll();
}

Bytes Lane::max_memory(InstanceId id) {
  Inside const inside(*this);
  return closed_ ? Bytes{} : jails_->max_memory(id);
}

void Lane::close() {
  std::lock_guard lock(*mutex_);
  if (std::exchange(closed_, true)) return;
  end_unstarted();
  for (auto& [id, guest] : guests_)
    for (auto const& call : guest.running) lose(*call);
  if (answer_) answer_->first(std::move(answer_->second));
  answer_.reset();
  hosts_.reset();
  jails_.reset();  // every jail is gone when it returns
  guests_.clear();
  upkeep_ = invoker::Hold();
  waiting_ = invoker::Hold();
  if (reactor_) reactor_->close();
}

void Lane::end_unstarted() {
  std::lock_guard lock(inbox_mutex_);
  for (auto& task : inbox_) {
    if (auto const* dispatch = std::get_if<task::Dispatch>(&task))
      dispatch->call->answer(closed_before_start());
    if (auto const* fail = std::get_if<task::Fail>(&task))
      fail->call->answer(closed_before_start());
  }
  inbox_.clear();
}

void Lane::lose(Call& call) {
  Outcome lost = std::move(call.outcome);
  lost.status = Status::lost;
  lost.error_type = "Sandbox.Failure";
  lost.payload = error_document(
      lost.error_type,
      fmt::format("RequestId: {} Error: the runtime was closed", call.input.request_id));
  call.answer(std::move(lost));
}

Backend& Lane::backend_of(Revision const& revision) {
  return revision.callable ? static_cast<Backend&>(*hosts_) : static_cast<Backend&>(*jails_);
}

// --- tasks ---

void Lane::perform(task::Start& start) {
  auto const& revision = start.revision;
  if (!revision->callable && !start.verified && !untouched(start.request))
    return core_.code_touched(*this, start.request.instance);
  guests_[start.request.instance].revision = revision;
  if (revision->callable) return hosts_->start(std::move(start.request), revision->callable);
  jails_->start(std::move(start.request));
}

void Lane::perform(task::Dispatch& dispatch) {
  auto const& call = dispatch.call;
  // One that has ended says so itself when it is called.
  if (auto const found = guests_.find(call->instance); found != guests_.end())
    found->second.running.push_back(call);
  watch(*call);
  log_platform(*call, start_line(call->input.request_id, call->revision->info->version),
               LogFiles::Write::with_next);
  backend_of(*call->revision).call(call->instance, request_of(*call), call);
}

// Its caller's deadline, and its reader.
void Lane::watch(Call& call) {
  if (call.input.deadline)
    call.deadline_timer = reactor_->at(*call.input.deadline, [this, &call] { abandon(call); });
  if (!call.stream) return;
  call.stream->set_listener(
      [lane = weak_from_this(), weak = call.weak_from_this()](StreamState::News news) {
        auto const self = lane.lock();
        auto const read = weak.lock();
        if (!self || !read) return;
        self->push(task::Reader{read, news});
        self->run();
      });
}

void Lane::perform(task::Fail& fail) {
  auto& call = *fail.call;
  log_platform(call, start_line(call.input.request_id, call.revision->info->version),
               LogFiles::Write::with_next);
  finish(call, std::move(fail.how));
}

void Lane::perform(task::Abandon& task) { abandon(*task.call); }

// Its caller waits no longer. The function runs on, also one that waited for its reader or its
// pace.
void Lane::abandon(Call& call) {
  auto abandoned = call.outcome;
  abandoned.status = Status::abandoned;
  abandoned.payload.clear();
  call.answer(std::move(abandoned));
  if (call.stream) backend_of(*call.revision).detach(call.instance, call.input.request_id);
}

void Lane::perform(task::Reader& reader) {
  auto const& call = *reader.call;
  auto& where = backend_of(*call.revision);
  if (reader.news == StreamState::News::room)
    return where.resume(call.instance, call.input.request_id);
  where.detach(call.instance, call.input.request_id);
}

void Lane::perform(task::Stop& stop) {
  if (auto const found = guests_.find(stop.instance); found != guests_.end())
    backend_of(*found->second.revision).stop(stop.instance);
}

void Lane::perform(task::Wake& wake) {
  reactor_->cancel(wake_);
  wake_ = reactor_->at(wake.at, [this] {
    wake_ = invoker::Reactor::Timer::none;
    core_.tick(*this);
  });
}

void Lane::perform(task::Hold& hold) {
  waiting_ = hold.held ? invoker::Hold(*reactor_) : invoker::Hold();
}

// --- what the backends say ---

void Lane::on_ready(InstanceId id, Timing const& timing) { core_.ready(*this, id, timing); }

void Lane::on_start_failed(InstanceId id, Ending ending) {
  core_.start_failed(*this, id, std::move(ending));
}

void Lane::on_exited(InstanceId id) {
  auto const found = guests_.find(id);
  if (found == guests_.end()) return;
  std::string rest;
  found->second.lines.flush(rest);
  log_function(*found->second.revision, nullptr, rest);
  guests_.erase(found);
  core_.exited(*this, id);
}

void Lane::on_output(InstanceId id, std::string_view text) {
  auto const found = guests_.find(id);
  if (found == guests_.end()) return;
  std::string lines;
  found->second.lines.feed(text, lines);
  log_function(*found->second.revision, found->second.writer(), lines);
}

// --- the end of a call ---

void Lane::finish(Call& finished, Ending ending) {
  auto const call = finished.shared_from_this();
  auto const ended = now();
  reactor_->cancel(call->deadline_timer);
  end_outcome(*call, ending, ended);
  give_back_guest(*call);
  auto const record = record_of(*call);
  log_end(*call, ending, record);
  core_.meter().record(record, ended);
  if (call->input.log_tail) call->outcome.log_tail = call->tail.text();
  // An observer's record has views into the call, which its turn keeps.
  bool const observed = core_.options.observer != nullptr;
  if (observed) core_.observe([call, record](Observer& o) { o.on_invocation(record); });
  Outcome result = observed ? call->outcome : std::move(call->outcome);
  if (call->stream && result.status == Status::ok) result.payload.clear();
  core_.finished(*this, *call, ending.reusable);
  call->answer(std::move(result));
}

void Lane::end_outcome(Call& call, Ending const& ending, TimePoint ended) {
  auto& outcome = call.outcome;
  outcome.status = ending.status;
  outcome.error_type = ending.error_type;
  outcome.timing.run = ended - call.dispatched;
  outcome.max_memory = backend_of(*call.revision).max_memory(call.instance);
  if (ending.status != Status::ok) outcome.payload = error_text(ending, call.input.request_id);
}

// What the instance writes from here on is not this call's.
void Lane::give_back_guest(Call& call) {
  auto const found = guests_.find(call.instance);
  if (found == guests_.end()) return;
  auto& guest = found->second;
  if (guest.writer() == &call) {
    std::string rest;
    guest.lines.flush(rest);
    log_function(*call.revision, &call, rest);
  }
  std::erase_if(guest.running, [&](auto const& running) { return running.get() == &call; });
}

InvocationRecord Lane::record_of(Call const& call) const {
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

void Lane::log_end(Call& call, Ending const& ending, InvocationRecord const& record) {
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

void Lane::log_function(Revision const& revision, Call* call, std::string_view text) {
  if (text.empty()) return;
  if (core_.has_log(revision)) core_.logs().append(revision.info->function.name, text);
  if (call != nullptr && call->input.log_tail) call->tail.append(text);
}

void Lane::log_platform(Call& call, std::string_view lines, LogFiles::Write when) {
  auto const& revision = *call.revision;
  if (core_.has_log(revision))
    core_.logs().append_platform(revision.info->function.name, lines, when);
  if (call.input.log_tail) call.tail.append(lines);
}

// The first answer of a turn is given at its end, from the turn itself, which saves a hop; the
// others are posted, so that no caller waits for another one's handler.
void Lane::answer(Completion<Result<Outcome>> done, Outcome outcome) {
  if (answer_ || !reactor_->in_turn()) return done(std::move(outcome));
  answer_.emplace(std::move(done), std::move(outcome));
}

}  // namespace faas::inline v0::runtime
