#include "invoker/jail_instance.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/check.hpp"
#include "invoker/endings.hpp"
#include "invoker/jail_call.hpp"
#include "invoker/jail_connection.hpp"

namespace faas::inline v0::invoker {

constexpr unsigned kChatterBurst = 1000;

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
  for (auto const& call : calls_) end_stream_pace(*call);
  close_descriptors();
}

Result<void> JailInstance::submit() {
  ++attempt_;
  chatter_ = 0;
  auto channel = open_channel();
  if (!channel) return channel.error();

  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return sys::errno_error("pipe2", errno);
  output_.reset(pipe[0]);
  sys::Fd writer(pipe[1]);
  // Only our end: the function's own end blocks, as a program expects of its stdout.
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  if (auto watched = context_.reactor.watch(output_.get(), EPOLLIN, &output_watch_); !watched)
    return watched.error();

  Directories const directories{request_.code.path(),
                                request_.layers ? request_.layers.path() : ""};
  auto spec =
      make_spec(*request_.function, launch_, directories, context_.options.region,
                fmt::format("i{}-{}", static_cast<std::uint64_t>(id()), attempt_),
                request_.provisioned ? Initialization::provisioned : Initialization::on_demand);
  if (spec.argv.front().empty()) {
    start_ending_ = invalid_entrypoint_ending();
    return Error{Errc::invalid_argument, start_ending_->message, "Runtime.InvalidEntrypoint",
                 "start"};
  }
  spec.output_fd = spec.error_fd = writer.get();
  spec.channel_fd = channel->get();
  if (request_.tenant) spec.recycle.clear();
  submitted_at_ = std::chrono::steady_clock::now();
  auto ticket = context_.sandbox.submit(spec);
  if (!ticket) return ticket.error();
  ticket_ = *ticket;
  killed_ = false;
  return {};
}

// The contract's state machine, and for a native function its end of the channel.
Result<sys::Fd> JailInstance::open_channel() {
  if (launch_.family == RuntimeFamily::native) {
    auto opened = NativeChannel::open(context_.options, context_.reactor, *this,
                                      [this](Ending how) { stop(std::move(how)); });
    if (!opened) return opened.error();
    native_ = std::move(opened->first);
    return std::move(opened->second);
  }
  auto const& function = request_.function->function;
  auto const capacity = function.limits.capacity;
  contract::RuntimeApi::Options api_options;
  api_options.capacity = capacity;
  // Besides what one worker may have, two for each: clients stream over a connection of their own.
  api_options.max_connections += 2 * (capacity - 1);
  api_options.function_name = function.name.name;
  api_options.handler = function.handler;
  api_options.account_id = function.name.account;
  api_.emplace(static_cast<contract::RuntimeApiEvents&>(*this), std::move(api_options));
  return sys::Fd();
}

Result<void> JailInstance::watch_function() {
  if (native_) return native_->watch();
  // What it accepts inherits this. The host's default may pace (bbr), a timer for each segment;
  // this peer is on the same host.
  constexpr std::string_view kPlain = "reno";
  static_cast<void>(::setsockopt(listener_.get(), IPPROTO_TCP, TCP_CONGESTION, kPlain.data(),
                                 static_cast<socklen_t>(kPlain.size())));
  ::fcntl(listener_.get(), F_SETFL, O_NONBLOCK);
  return context_.reactor.watch(listener_.get(), EPOLLIN, &listener_watch_);
}

bool JailInstance::waits() const { return native_ ? native_->idle() : api_->idle(); }

void JailInstance::on_started(Started const& started) {
  listener_.reset(started.listener);
  timing_.jail = started.jail;
  if (started.exec > Duration{}) timing_.exec = started.exec;
  exec_at_ = submitted_at_ + started.jail + started.exec;
  if (phase_ != Phase::starting || retry_init_)
    return;  // stopped meanwhile: its Exited is on the way
  auto const limit = attempt_ == 1 ? context_.options.init_timeout
                                   : Duration(request_.function->function.limits.timeout);
  set_clock(exec_at_ + limit);
  if (auto watched = watch_function(); !watched) stop(lost_ending(watched.error().message));
}

void JailInstance::stop(Ending why) {
  if (phase_ == Phase::stopping) return;
  retry_init_ = false;
  bool const graceful = phase_ == Phase::idle && has_extension_;
  if (phase_ == Phase::starting && !start_ending_) start_ending_ = why;
  begin_stop();
  end_calls(why);
  if (graceful) {
    thaw();
    context_.sandbox.terminate(ticket_);
    set_clock(std::chrono::steady_clock::now() + context_.options.shutdown_grace);
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
  context_.reactor.cancel(std::exchange(clock_, Reactor::Timer::none));
  stop_clock();
  if (phase_ != Phase::stopping) read_last_answers();
  read_output();
  close_descriptors();
  ticket_ = 0;
  if (retry_init_) {
    retry_init_ = gone_ = false;
    return true;
  }
  end_calls(how);
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
  native_.reset();
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

// A timer that comes too early is moved on then; moving it with every call would cost every call.
void JailInstance::set_clock(TimePoint end) {
  clock_end_ = end;
  if (clock_ == Reactor::Timer::none || clock_set_ > clock_end_) arm_clock();
}

void JailInstance::arm_clock() {
  context_.reactor.cancel(clock_);
  clock_set_ = clock_end_;
  clock_ = context_.reactor.at(clock_set_, [this] { on_clock(); });
}

void JailInstance::on_clock() {
  clock_ = Reactor::Timer::none;
  if (clock_end_ == TimePoint::max()) return;
  if (std::chrono::steady_clock::now() < clock_end_) return arm_clock();
  stop_clock();
  expire();
}

// The clock of the phase we are in has run out.
void JailInstance::expire() {
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
    case Phase::stopping:
      if (!killed_) context_.sandbox.kill(ticket_);
      killed_ = true;
      break;
    case Phase::busy:
    case Phase::draining: expire_call(*calls_.front()); break;
    case Phase::idle: break;
  }
}

void JailInstance::begin_stop() {
  stop_clock();
  starting_hold_ = Hold();
  stopping_hold_ = Hold(context_.reactor);
  phase_ = Phase::stopping;
}

void JailInstance::on_next() {
  if (phase_ != Phase::starting || retry_init_ || gone_) return;
  stop_clock();
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
  // Runtimes exit by themselves after reporting.
  set_clock(std::chrono::steady_clock::now() + context_.options.shutdown_grace);
}

void JailInstance::on_extension_failed(std::string_view name, contract::FunctionFailure failure) {
  stop({.status = Status::function_error,
        .error_type = std::move(failure.type),
        .error_payload = std::move(failure.payload),
        .message = fmt::format("extension {} failed", name)});
}

}  // namespace faas::inline v0::invoker
