#include "invoker/jail_instance.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>

#include "base/check.hpp"
#include "invoker/endings.hpp"
#include "invoker/jail_connection.hpp"

namespace faas::inline v0::invoker {

constexpr unsigned kChatterBurst = 1000;
constexpr std::uint64_t kStreamBurst = 6 << 20;  // Lambda's: what a buffered response may have

JailInstance::JailInstance(JailContext& context, StartRequest request, Launch launch)
    : context_(context),
      request_(std::move(request)),
      launch_(std::move(launch)),
      starting_hold_(context.reactor),
      chatter_pace_(kChatterBurst, context.options.chatter_rate) {
  listener_watch_.owner = output_watch_.owner = this;
  listener_watch_.ready = &JailInstance::accept_all;
  output_watch_.ready = &JailInstance::read_output;
}

JailInstance::~JailInstance() {
  context_.reactor.cancel(clock_);
  context_.reactor.cancel(stream_timer_);
  close_descriptors();
}

Result<void> JailInstance::submit() {
  ++attempt_;
  chatter_ = 0;
  auto const& function = request_.function->function;
  contract::RuntimeApi::Options api_options;
  api_options.function_name = function.name.name;
  api_options.handler = function.handler;
  api_options.account_id = function.name.account;
  api_.emplace(static_cast<contract::RuntimeApiEvents&>(*this), std::move(api_options));

  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return sys::errno_error("pipe2", errno);
  output_.reset(pipe[0]);
  sys::Fd writer(pipe[1]);
  // Only our end: the function's own end blocks, as a program expects of its stdout.
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  if (auto watched = context_.reactor.watch(output_.get(), EPOLLIN, &output_watch_); !watched)
    return watched.error();

  auto spec = make_spec(*request_.function, launch_, request_.code.path(), context_.options.region,
                        fmt::format("i{}-{}", static_cast<std::uint64_t>(id()), attempt_));
  if (spec.argv.front().empty()) {
    start_ending_ = invalid_entrypoint_ending();
    return Error{Errc::invalid_argument, start_ending_->message, "Runtime.InvalidEntrypoint",
                 "start"};
  }
  spec.output_fd = spec.error_fd = writer.get();
  auto ticket = context_.sandbox.submit(spec);
  if (!ticket) return ticket.error();
  ticket_ = *ticket;
  killed_ = false;
  return {};
}

void JailInstance::on_started(Started const& started) {
  listener_.reset(started.listener);
  timing_.jail = started.jail;
  exec_at_ = std::chrono::steady_clock::now();
  if (phase_ != Phase::starting || retry_init_)
    return;  // stopped meanwhile: its Exited is on the way
  auto const limit = attempt_ == 1 ? context_.options.init_timeout
                                   : Duration(request_.function->function.limits.timeout);
  set_clock(limit);
  ::fcntl(listener_.get(), F_SETFL, O_NONBLOCK);
  if (auto watched = context_.reactor.watch(listener_.get(), EPOLLIN, &listener_watch_); !watched) {
    stop(lost_ending(watched.error().message));
  }
}

void JailInstance::call(CallRequest request, std::shared_ptr<CallSink> sink) {
  FAAS_CHECK(phase_ == Phase::idle);
  bool const awake = thaw();
  phase_ = Phase::busy;
  sink_ = std::move(sink);
  auto const timeout = request_.function->function.limits.timeout;
  set_clock(timeout);
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
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline.time_since_epoch()).count();
  auto const& options = context_.options;
  sink_full_ = false;
  stream_pace_.reset();
  if (request.stream) stream_pace_.emplace(kStreamBurst, options.stream_rate.count);
  bool const parked = api_->idle();
  api_->invoke(std::move(invocation),
               (request.stream ? options.stream_limit : options.response_limit).count);
  // Between calls of an idle runtime nobody reads: the `next` of the last call may wait in the
  // socket. From inside the last call's end its connection is being read already, further up the
  // stack; what others hold comes with their readiness.
  if (!parked && !reading_) read_everything();
  // What was sent behind `next` may be half a head.
  for (auto& [id, connection] : connections_) time_head(*connection);
  if (!awake) stop(lost_ending("the sandbox stands still and cannot be woken"));
}

void JailInstance::resume() {
  sink_full_ = false;
  read_on();
}

void JailInstance::read_on() {
  if (sink_full_ || stream_timer_ != Reactor::Timer::none) return;
  api_->resume();
  for (auto& [id, connection] : connections_) set_interest(*connection);
}

// R7. True: the stream is ahead of its pace, and is read on when it is not.
bool JailInstance::stream_waits(std::size_t bytes) {
  if (!stream_pace_) return false;
  auto const now = std::chrono::steady_clock::now();
  auto const wait = stream_pace_->take(bytes, now);
  if (wait == Duration{}) return false;
  stream_timer_ = context_.reactor.at(now + wait, [this] {
    stream_timer_ = Reactor::Timer::none;
    read_on();
  });
  return true;
}

void JailInstance::end_stream_pace() {
  context_.reactor.cancel(std::exchange(stream_timer_, Reactor::Timer::none));
  stream_pace_.reset();
}

void JailInstance::stop(Ending why) {
  if (phase_ == Phase::stopping) return;
  retry_init_ = false;
  bool const graceful = phase_ == Phase::idle && has_extension_;
  if (phase_ == Phase::busy) finish(why);
  if (phase_ == Phase::starting && !start_ending_) start_ending_ = std::move(why);
  begin_stop();
  if (graceful) {
    thaw();
    context_.sandbox.terminate(ticket_);
    set_clock(context_.options.shutdown_grace);
  } else {
    killed_ = true;
    context_.sandbox.kill(ticket_);
  }
}

Bytes JailInstance::max_memory() const {
  auto const now = std::chrono::steady_clock::now();
  if (now - max_memory_at_ < std::chrono::milliseconds(100)) return max_memory_;
  max_memory_at_ = now;
  // An instance that is ending says nothing more: keep what is known.
  max_memory_ = std::max(max_memory_, context_.sandbox.max_memory(ticket_));
  return max_memory_;
}

bool JailInstance::on_gone(Ending how) {
  gone_ = true;
  context_.reactor.cancel(clock_);
  end_stream_pace();
  if (phase_ == Phase::busy) read_on();
  if (phase_ != Phase::stopping) read_everything();  // a last answer may still be in the sockets
  read_output();
  close_descriptors();
  ticket_ = 0;
  if (retry_init_) {
    retry_init_ = gone_ = false;
    return true;
  }
  if (phase_ == Phase::busy) finish(how);
  if (timing_.init == std::nullopt) {
    context_.events.on_start_failed(id(), start_ending_ ? *start_ending_ : std::move(how));
  }
  phase_ = Phase::stopping;
  return false;
}

void JailInstance::read_output() {
  std::array<char, 16'384> buffer;
  // Bounded: a function that writes without end gets its turn again after everybody else's.
  for (int turns = 0; turns < 16 && output_; ++turns) {
    auto const n = ::read(output_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    if (n == 0) {
      context_.reactor.forget(output_.get(), &output_watch_);
      output_.reset();
      return;
    }
    context_.events.on_output(id(), std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    if (static_cast<std::size_t>(n) < buffer.size()) return;
  }
}

void JailInstance::close_descriptors() {
  for (auto& [id, connection] : connections_)
    context_.reactor.forget(connection->fd.get(), connection.get());
  for (auto& connection : lingering_)
    context_.reactor.forget(connection->fd.get(), connection.get());
  connections_.clear();
  lingering_.clear();
  context_.reactor.cancel(std::exchange(listener_rest_, Reactor::Timer::none));
  if (listener_) context_.reactor.forget(listener_.get(), &listener_watch_);
  if (output_) context_.reactor.forget(output_.get(), &output_watch_);
  listener_.reset();
  output_.reset();
}

void JailInstance::set_clock(Duration limit) {
  context_.reactor.cancel(clock_);
  clock_ = context_.reactor.at(std::chrono::steady_clock::now() + limit, [this] { expire(); });
}

// The clock of the phase we are in has run out.
void JailInstance::expire() {
  clock_ = Reactor::Timer::none;
  switch (phase_) {
    case Phase::starting:
      if (start_ending_) {
        stop(*start_ending_);  // it reported its init error and did not exit
      } else if (attempt_ == 1) {
        // Lambda's rule: an init over its limit is repeated once, with the function's own timeout.
        retry_init_ = true;
        killed_ = true;
        context_.sandbox.kill(ticket_);
      } else {
        stop(timed_out_ending(request_.function->function.limits.timeout));
      }
      break;
    case Phase::busy:
      api_->abandon();
      stop(timed_out_ending(request_.function->function.limits.timeout));
      break;
    case Phase::stopping:
      if (!killed_) context_.sandbox.kill(ticket_);
      killed_ = true;
      break;
    case Phase::idle: break;
  }
}

void JailInstance::begin_stop() {
  context_.reactor.cancel(clock_);
  clock_ = Reactor::Timer::none;
  starting_hold_ = Hold();
  stopping_hold_ = Hold(context_.reactor);
  phase_ = Phase::stopping;
}

// The call is over. Its output comes first: what it wrote belongs to its log.
void JailInstance::finish(Ending ending) {
  context_.reactor.cancel(clock_);
  clock_ = Reactor::Timer::none;
  end_stream_pace();
  read_output();
  auto const sink = std::exchange(sink_, nullptr);
  if (phase_ == Phase::busy) become_idle();
  ending.reusable = ending.reusable && !gone_;
  if (sink) sink->on_end(std::move(ending));
}

void JailInstance::on_next() {
  if (phase_ != Phase::starting || retry_init_ || gone_) return;
  context_.reactor.cancel(clock_);
  clock_ = Reactor::Timer::none;
  timing_.init = std::chrono::steady_clock::now() - exec_at_;
  become_idle();
  read_output();
  starting_hold_ = Hold();
  context_.events.on_ready(id(), timing_);
}

void JailInstance::on_init_error(contract::FunctionFailure failure) {
  if (phase_ != Phase::starting || retry_init_) return;
  start_ending_ = Ending{.status = Status::function_error,
                         .error_type = std::move(failure.type),
                         .error_payload = std::move(failure.payload)};
  set_clock(context_.options.shutdown_grace);  // runtimes exit by themselves after reporting
}

void JailInstance::on_response_head(std::string_view id, std::string_view content_type,
                                    bool streaming) {
  if (!sink_) return;
  sink_->on_head({.request_id = std::string(id),
                  .content_type = std::string(content_type),
                  .streaming = streaming});
}

bool JailInstance::on_response_chunk(std::string_view, std::string_view bytes) {
  if (!sink_) return true;
  sink_full_ = !sink_->on_chunk(bytes);
  bool const waits = stream_waits(bytes.size());
  return !sink_full_ && !waits;
}

void JailInstance::on_response_end(std::string_view,
                                   std::optional<contract::FunctionFailure> failure) {
  if (!failure) return finish({.reusable = true});
  finish({.status = Status::function_error,
          .error_type = std::move(failure->type),
          .error_payload = std::move(failure->payload),
          .reusable = true});
}

void JailInstance::on_response_failed(std::string_view, contract::FunctionFailure failure) {
  finish({.status = Status::function_error,
          .error_type = std::move(failure.type),
          .error_payload = std::move(failure.payload),
          .reusable = true});
}

void JailInstance::on_invocation_error(std::string_view, contract::FunctionFailure failure) {
  finish({.status = Status::function_error,
          .error_type = std::move(failure.type),
          .error_payload = std::move(failure.payload),
          .reusable = true});
}

void JailInstance::on_extension_failed(std::string_view name, contract::FunctionFailure failure) {
  stop({.status = Status::function_error,
        .error_type = std::move(failure.type),
        .error_payload = std::move(failure.payload),
        .message = fmt::format("extension {} failed", name)});
}

}  // namespace faas::inline v0::invoker
