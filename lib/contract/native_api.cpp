#include "contract/native_api.hpp"

#include <utility>

#include "base/check.hpp"
#include "contract/http_text.hpp"
#include "contract/replies.hpp"

namespace faas::inline v0::contract {
namespace {

constexpr std::size_t kSmallChunk = 1024;

Error broken(std::string_view how) { return {Errc::invalid_argument, std::string(how), {}, {}}; }

FunctionFailure failure_of(Frame const& frame) {
  return {known_error_type(frame.meta.empty() ? "Function." : frame.meta),
          std::string(frame.payload)};
}

}  // namespace

Result<void> NativeApi::receive(Frame const& frame) {
  if (failed_init_) return broken("a frame after the init error");
  if (frame.type == FrameType::init_error) return init_error(frame);
  if (frame.type == FrameType::ready) return next();
  if (!initialized_) return broken("an answer before it asked for an event");
  if (running(frame.call)) return answer(frame);
  ++chatter_;  // late: its call is over
  return frame.asks ? next() : Result<void>();
}

Result<void> NativeApi::init_error(Frame const& frame) {
  if (initialized_) return broken("an init error after it had asked for an event");
  failed_init_ = true;
  events_.on_init_error({known_error_type(frame.meta), std::string(frame.payload)});
  return {};
}

Result<void> NativeApi::next() {
  if (busy() && state_ != State::kept)
    return broken("a request for the next event before the answer to the last one");
  if (waiting_) ++chatter_;
  ask();
  settle();
  return {};
}

bool NativeApi::running(std::uint64_t call) const {
  return busy() && state_ != State::kept && call == call_;
}

Result<void> NativeApi::answer(Frame const& frame) {
  bool const more_of_it = frame.type == FrameType::chunk || frame.type == FrameType::end;
  if (more_of_it != (state_ == State::responding))
    return broken(more_of_it ? "more of an answer that has not begun" : "a second answer");
  bool const begins = frame.type == FrameType::response || frame.type == FrameType::head;
  if (begins && !is_field_value(frame.meta))
    return broken("a content type that is no header's value");
  asks_ = frame.asks;
  if (begins) return begin(frame), Result<void>();
  if (frame.type == FrameType::chunk) return chunk(frame.payload), Result<void>();
  if (frame.type == FrameType::error) return fail_call(failure_of(frame)), Result<void>();
  bool const failed = !frame.meta.empty() || !frame.payload.empty();
  finish_response(failed ? std::optional(failure_of(frame)) : std::nullopt);
  return {};
}

// Any event may abandon the call, and may begin another.
void NativeApi::begin(Frame const& frame) {
  state_ = State::responding;
  if (frame.payload_size > response_limit_)
    return fail_response(response_too_large(response_limit_));
  events_.on_response_head(invocation_->request_id, frame.meta, frame.streams);
  if (frame.type == FrameType::head || !running(frame.call)) return;
  if (frame.in_memfd && frame.payload_size > 0) {
    payload_left_ = frame.payload_size;
    return;
  }
  if (!frame.payload.empty()) take(frame.payload);
  if (running(frame.call)) finish_response({});
}

void NativeApi::chunk(std::string_view bytes) {
  if (bytes.size() < kSmallChunk) ++chatter_;
  if (bytes.size() > response_limit_ - received_)
    return fail_response(response_too_large(response_limit_));
  take(bytes);
}

void NativeApi::receive_payload(std::string_view bytes) {
  FAAS_CHECK(!bytes.empty() && bytes.size() <= wants_payload());
  payload_left_ -= bytes.size();
  auto const call = call_;
  take(bytes);
  if (running(call) && payload_left_ == 0) finish_response({});
}

void NativeApi::take(std::string_view bytes) {
  received_ += bytes.size();
  auto const call = call_;
  bool const room = events_.on_response_chunk(invocation_->request_id, bytes);
  // Abandoned from inside the event: nobody would resume it.
  if (running(call)) paused_ = !room;
}

// First of all it has asked, if it has: a call that comes of the events is then given at once.
Invocation NativeApi::end_invocation() {
  auto ended = std::move(*invocation_);
  invocation_.reset();
  paused_ = false;
  payload_left_ = 0;
  if (std::exchange(asks_, false)) ask();
  return ended;
}

void NativeApi::finish_response(std::optional<FunctionFailure> failure) {
  auto const ended = end_invocation();
  events_.on_response_end(ended.request_id, std::move(failure));
  settle();
}

void NativeApi::fail_response(FunctionFailure failure) {
  auto const ended = end_invocation();
  events_.on_response_failed(ended.request_id, std::move(failure));
  settle();
}

void NativeApi::fail_call(FunctionFailure failure) {
  auto const ended = end_invocation();
  events_.on_invocation_error(ended.request_id, std::move(failure));
  settle();
}

void NativeApi::ask() {
  waiting_ = true;
  wire_.take_back();
}

void NativeApi::settle() {
  if (!waiting_) return;
  if (!std::exchange(announced_, true)) {
    initialized_ = true;
    events_.on_next();
  }
  if (waiting_ && busy() && state_ == State::kept) give();
}

void NativeApi::give() {
  waiting_ = announced_ = false;
  state_ = State::given;
  received_ = 0;
  head_.clear();
  bool const in_memfd = encode_invoke(head_, *invocation_, ++call_);
  wire_.send(head_, invocation_->payload, in_memfd);
}

void NativeApi::invoke(Invocation invocation, std::size_t response_limit) {
  FAAS_CHECK(!busy());
  invocation_ = std::move(invocation);
  state_ = State::kept;
  response_limit_ = response_limit;
  settle();
}

void NativeApi::abandon() {
  if (!busy()) return;
  auto const ended = end_invocation();
  settle();
}

}  // namespace faas::inline v0::contract
