// The calls of one jail: each has its sink, its clock and, as a stream, its pace (row R7).
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.hpp"
#include "invoker/endings.hpp"
#include "invoker/jail_call.hpp"
#include "invoker/jail_connection.hpp"

namespace faas::inline v0::invoker {
namespace {

constexpr std::uint64_t kStreamBurst = 6 << 20;  // Lambda's: what a buffered response may have

TimePoint now() { return std::chrono::steady_clock::now(); }

contract::Invocation invocation_of(CallRequest request, Duration timeout) {
  using std::chrono::milliseconds;
  auto const deadline = std::chrono::system_clock::now() + timeout;
  contract::Invocation invocation;
  invocation.request_id = std::move(request.request_id);
  invocation.payload = std::move(request.payload);
  invocation.function_arn = std::move(request.function_arn);
  invocation.client_context = std::move(request.client_context);
  invocation.tenant = std::move(request.tenant);
  invocation.trace_id = std::move(request.trace_id);
  invocation.content_type = std::move(request.content_type);
  invocation.deadline_ms =
      std::chrono::duration_cast<milliseconds>(deadline.time_since_epoch()).count();
  return invocation;
}

Ending error_ending(contract::FunctionFailure failure) {
  return {.status = Status::function_error,
          .error_type = std::move(failure.type),
          .error_payload = std::move(failure.payload),
          .reusable = true};
}

}  // namespace

bool JailInstance::takes_calls() const {
  return phase_ == Phase::idle ||
         (phase_ == Phase::busy && calls_.size() < request_.function->function.limits.capacity);
}

JailInstance::Call* JailInstance::find_call(std::string_view request_id) const {
  for (auto const& call : calls_)
    if (call->request_id == request_id) return call.get();
  return nullptr;
}

void JailInstance::begin_call(CallRequest const& request, std::shared_ptr<CallSink> sink) {
  auto const end = now() + request_.function->function.limits.timeout;
  auto& call =
      *calls_.emplace_back(std::make_unique<Call>(request.request_id, std::move(sink), end));
  set_clock(calls_.front()->end);  // all have the same timeout: the oldest is the first
  if (request.stream) call.pace.emplace(kStreamBurst, context_.options.stream_rate.count);
}

void JailInstance::call(CallRequest request, std::shared_ptr<CallSink> sink) {
  FAAS_CHECK(takes_calls());
  // Answers are matched by it.
  if (find_call(request.request_id)) {
    auto ending = lost_ending("a call with this request id runs already; give each its own");
    ending.reusable = true;
    return sink->on_end(std::move(ending));
  }
  bool const awake = thaw();
  phase_ = Phase::busy;
  if (calls_.empty()) busy_hold_ = Hold(context_.reactor);
  begin_call(request, std::move(sink));
  auto const& options = context_.options;
  auto const limit = (request.stream ? options.stream_limit : options.response_limit).count;
  auto const timeout = request_.function->function.limits.timeout;
  hand_over(invocation_of(std::move(request), timeout), limit);
  if (!awake) stop(lost_ending("the sandbox stands still and cannot be woken"));
}

void JailInstance::hand_over(contract::Invocation invocation, std::size_t limit) {
  if (native_) return native_->invoke(std::move(invocation), limit);
  bool const awaited = api_->awaited();
  api_->invoke(std::move(invocation), limit);
  // Between calls of an idle runtime nobody reads: the `next` of the last call may wait in the
  // socket. From inside the last call's end its connection is being read already, further up the
  // stack; what others hold comes with their readiness, as all does while other calls run.
  if (!awaited && !reading_ && calls_.size() == 1) read_connections();
}

void JailInstance::resume(std::string_view request_id) {
  auto* const call = find_call(request_id);
  if (!call) return;
  call->full = false;
  read_on(*call);
}

// Its caller has left: it runs on, and nothing holds up what it sends to nobody.
void JailInstance::detach(std::string_view request_id) {
  auto* const call = find_call(request_id);
  if (!call) return;
  end_stream_pace(*call);
  call->full = false;
  read_on(*call);
}

void JailInstance::read_on(Call& call) {
  if (call.full || call.pace_timer != Reactor::Timer::none) return;
  if (native_) return native_->resume();
  api_->resume(call.request_id);  // may end it
  for (auto& [id, connection] : connections_) set_interest(*connection);
}

// What a jail that has gone left in its sockets may complete its calls.
void JailInstance::read_last_answers() {
  std::vector<std::string> ids;
  for (auto const& call : calls_) {
    end_stream_pace(*call);
    ids.push_back(call->request_id);
  }
  for (auto const& id : ids)
    if (auto* const call = find_call(id)) read_on(*call);
  native_ ? native_->drain() : read_everything();
}

// R7. True: the stream is ahead of its pace, and is read on when it is not.
bool JailInstance::stream_waits(Call& call, std::size_t bytes) {
  if (!call.pace) return false;
  auto const time = now();
  auto const wait = call.pace->take(bytes, time);
  if (wait == Duration{}) return false;
  call.pace_timer = context_.reactor.at(time + wait, [this, &call] {
    call.pace_timer = Reactor::Timer::none;
    read_on(call);
  });
  return true;
}

void JailInstance::end_stream_pace(Call& call) {
  context_.reactor.cancel(std::exchange(call.pace_timer, Reactor::Timer::none));
  call.pace.reset();
}

// Past its timeout a call takes the whole jail with it, but not before the jail's other calls have
// ended, each within its own timeout.
void JailInstance::expire_call(Call& expired) {
  auto const id = expired.request_id;
  if (calls_.size() > 1) phase_ = Phase::draining;
  native_ ? native_->abandon()
          : api_->abandon(id);  // what its connection sent behind the answer may end other calls
  auto ending = timed_out_ending(request_.function->function.limits.timeout);
  if (phase_ == Phase::busy) return stop(std::move(ending));
  finish(id, std::move(ending));
}

// The call is over. Its output comes first: what it wrote belongs to its log.
void JailInstance::finish(Call& ended, Ending ending) {
  end_stream_pace(ended);
  read_output();
  auto const found = std::find_if(calls_.begin(), calls_.end(),
                                  [&](auto const& call) { return call.get() == &ended; });
  auto const call = std::move(*found);
  calls_.erase(found);
  calls_.empty() ? stop_clock() : set_clock(calls_.front()->end);
  if (calls_.empty()) busy_hold_ = Hold();
  if (calls_.empty() && phase_ == Phase::busy) become_idle();
  ending.reusable = ending.reusable && phase_ != Phase::draining && !gone_;
  call->sink->on_end(std::move(ending));
  if (calls_.empty() && phase_ == Phase::draining)
    stop(lost_ending("another of its calls had timed out"));
}

void JailInstance::finish(std::string_view request_id, Ending ending) {
  if (auto* const call = find_call(request_id)) finish(*call, std::move(ending));
}

void JailInstance::end_calls(Ending const& how) {
  while (!calls_.empty()) finish(*calls_.front(), how);
}

void JailInstance::on_response_head(std::string_view id, std::string_view content_type,
                                    bool streaming) {
  auto* const call = find_call(id);
  if (!call) return;
  call->sink->on_head({.request_id = std::string(id),
                       .content_type = std::string(content_type),
                       .streaming = streaming});
}

bool JailInstance::on_response_chunk(std::string_view id, std::string_view bytes) {
  auto* const call = find_call(id);
  if (!call) return true;
  call->full = !call->sink->on_chunk(bytes);
  bool const waits = stream_waits(*call, bytes.size());
  return !call->full && !waits;
}

void JailInstance::on_response_end(std::string_view id,
                                   std::optional<contract::FunctionFailure> failure) {
  finish(id, failure ? error_ending(std::move(*failure)) : Ending{.reusable = true});
}

void JailInstance::on_response_failed(std::string_view id, contract::FunctionFailure failure) {
  finish(id, error_ending(std::move(failure)));
}

void JailInstance::on_invocation_error(std::string_view id, contract::FunctionFailure failure) {
  finish(id, error_ending(std::move(failure)));
}

}  // namespace faas::inline v0::invoker
