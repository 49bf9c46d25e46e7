#include "invoker/jail_instance.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <limits>

#include "base/check.hpp"
#include "invoker/endings.hpp"

namespace faas::inline v0::invoker {

constexpr std::size_t kMaxLingering = 32;
// Of answers that wait for their reader when it asks for more. One answer may be larger; a client
// reads it before its next request, and an asker that does not read is not given our memory.
constexpr std::size_t kUnreadLimit = 64 * 1024;
constexpr auto kListenerRest = std::chrono::milliseconds(100);
constexpr int kAcceptTurns = 64;
constexpr int kReadTurns = 16;  // a peer that writes without end gets its turn again after others

// One connection of the runtime inside the jail. What the peer does not read waits in `out`.
struct JailInstance::Connection final : Source {
  JailInstance& owner;
  contract::ConnectionId id;
  sys::Fd fd;
  std::string out;
  bool closing =
      false;  // the contract is done with it: write `out`, then read until the peer closes
  bool given_up = false;  // it did not read: no further answer goes out
  std::uint32_t interest = EPOLLIN;

  Connection(JailInstance& o, contract::ConnectionId i, sys::Fd f)
      : owner(o), id(i), fd(std::move(f)) {}
  void on_ready(std::uint32_t events) override;
  bool flush();
};

bool JailInstance::Connection::flush() {
  while (!out.empty()) {
    auto const n = ::send(fd.get(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    out.erase(0, static_cast<std::size_t>(n));
  }
  if (closing) ::shutdown(fd.get(), SHUT_WR);
  return true;
}

void JailInstance::Connection::on_ready(std::uint32_t events) {
  auto& instance = owner;
  if ((events & EPOLLOUT) != 0 && !flush()) return instance.destroy(*this);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !instance.read_connection(*this)) return;
  instance.set_interest(*this);
}

JailInstance::JailInstance(JailContext& context, StartRequest request, Launch launch)
    : context_(context),
      request_(std::move(request)),
      launch_(std::move(launch)),
      starting_hold_(context.reactor) {
  listener_watch_.owner = output_watch_.owner = this;
  listener_watch_.ready = &JailInstance::accept_all;
  output_watch_.ready = &JailInstance::read_output;
}

JailInstance::~JailInstance() {
  context_.reactor.cancel(clock_);
  close_descriptors();
}

Result<void> JailInstance::submit() {
  ++attempt_;
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
  bool const parked = api_->idle();
  api_->invoke(std::move(invocation), request.stream ? std::numeric_limits<std::size_t>::max()
                                                     : context_.options.response_limit.count);
  // Between calls of an idle runtime nobody reads: the `next` of the last call may wait in the
  // socket. From inside the last call's end its connection is being read already, further up the
  // stack; what others hold comes with their readiness.
  if (!parked && !reading_) read_everything();
}

void JailInstance::resume() {
  api_->resume();
  for (auto& [id, connection] : connections_) set_interest(*connection);
}

void JailInstance::stop(Ending why) {
  if (phase_ == Phase::stopping) return;
  retry_init_ = false;
  bool const graceful = phase_ == Phase::idle && has_extension_;
  if (phase_ == Phase::busy) finish(why);
  if (phase_ == Phase::starting && !start_ending_) start_ending_ = std::move(why);
  begin_stop();
  if (graceful) {
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

void JailInstance::accept_all() {
  for (int turn = 0; listener_ && (gone_ || turn < kAcceptTurns); ++turn) {
    sys::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return errno == EMFILE || errno == ENFILE ? rest_listener() : void();
    auto const id = api_->open();
    if (!id) continue;  // over the cap: closed at once
    auto connection = std::make_unique<Connection>(*this, *id, std::move(fd));
    if (!context_.reactor.watch(connection->fd.get(), EPOLLIN, connection.get())) {
      api_->closed(*id);
      continue;
    }
    connections_.emplace(*id, std::move(connection));
  }
}

// The host is out of descriptors, and epoll would tell of the waiting connection without end.
void JailInstance::rest_listener() {
  if (listener_rest_ != Reactor::Timer::none) return;
  context_.reactor.forget(listener_.get(), &listener_watch_);
  listener_rest_ = context_.reactor.at(std::chrono::steady_clock::now() + kListenerRest, [this] {
    listener_rest_ = Reactor::Timer::none;
    if (!context_.reactor.watch(listener_.get(), EPOLLIN, &listener_watch_)) rest_listener();
  });
}

bool JailInstance::read_connection(Connection& connection) {
  auto const outer = std::exchange(reading_, true);
  bool const alive = read_turns(connection);
  reading_ = outer;
  return alive;
}

bool JailInstance::read_turns(Connection& connection) {
  std::array<char, 65'536> buffer;
  // What a jail that has gone left behind has an end, and is read to it.
  for (int turn = 0; gone_ || turn < kReadTurns; ++turn) {
    if (!connection.closing && !api_->wants_input(connection.id)) break;
    auto const n = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n == 0 && !connection.closing) api_->end_of_input(connection.id);
    if (n <= 0) {
      destroy(connection);
      return false;
    }
    if (!connection.closing) {
      api_->receive(connection.id, std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    }
    // A short read has emptied the socket; level-triggered epoll tells of what comes later.
    if (static_cast<std::size_t>(n) < buffer.size()) break;
  }
  return true;
}

void JailInstance::read_everything() {
  accept_all();
  std::vector<contract::ConnectionId> ids;
  for (auto const& [id, connection] : connections_) ids.push_back(id);
  for (auto const id : ids) {
    auto const found = connections_.find(id);
    if (found == connections_.end()) continue;
    auto& connection = *found->second;
    if (read_connection(connection)) set_interest(connection);
  }
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

void JailInstance::set_interest(Connection& connection) {
  std::uint32_t wanted = 0;
  if (connection.closing || api_->wants_input(connection.id)) wanted |= EPOLLIN;
  if (!connection.out.empty()) wanted |= EPOLLOUT;
  if (wanted == connection.interest) return;
  // Epoll tells of a hang-up whatever is asked for, again and again: a connection of which nothing
  // is wanted is not watched.
  auto const before = std::exchange(connection.interest, wanted);
  auto const fd = connection.fd.get();
  if (wanted == 0) return context_.reactor.forget(fd, &connection);
  if (before != 0) return context_.reactor.change(fd, wanted, &connection);
  if (!context_.reactor.watch(fd, wanted, &connection)) connection.interest = 0;
}

void JailInstance::destroy(Connection& connection) {
  context_.reactor.forget(connection.fd.get(), &connection);
  if (connection.closing) {
    std::erase_if(lingering_, [&](auto const& c) { return c.get() == &connection; });
    return;
  }
  auto const id = connection.id;
  auto const gone = std::move(connections_.find(id)->second);
  connections_.erase(id);
  api_->closed(id);
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
  read_output();
  auto const sink = std::exchange(sink_, nullptr);
  if (phase_ == Phase::busy) phase_ = Phase::idle;
  ending.reusable = ending.reusable && !gone_;
  if (sink) sink->on_end(std::move(ending));
}

void JailInstance::on_next() {
  if (phase_ != Phase::starting || retry_init_ || gone_) return;
  context_.reactor.cancel(clock_);
  clock_ = Reactor::Timer::none;
  timing_.init = std::chrono::steady_clock::now() - exec_at_;
  phase_ = Phase::idle;
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
  return !sink_ || sink_->on_chunk(bytes);
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

// One direct system call in the ordinary case; what the socket does not take waits for EPOLLOUT.
void JailInstance::send(contract::ConnectionId id, std::string_view head, std::string_view body) {
  auto const found = connections_.find(id);
  if (found == connections_.end()) return;
  auto& connection = *found->second;
  if (connection.given_up) return;
  if (connection.out.size() > kUnreadLimit) return give_up(connection);
  std::size_t sent = 0;
  if (connection.out.empty()) {
    std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                               iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = body.empty() ? 1 : 2;
    auto const n = ::sendmsg(connection.fd.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) sent = static_cast<std::size_t>(n);
  }
  if (sent < head.size()) connection.out.append(head.substr(sent));
  auto const body_sent = sent > head.size() ? sent - head.size() : 0;
  connection.out.append(body.substr(body_sent));
  if (!connection.out.empty()) set_interest(connection);
}

// What it sent is still read, then the end of it destroys the connection.
void JailInstance::give_up(Connection& connection) {
  connection.given_up = true;
  connection.out = {};
  ::shutdown(connection.fd.get(), SHUT_RDWR);
  set_interest(connection);
}

// The peer must be able to read what we wrote: closing with bytes unread would reset the
// connection.
void JailInstance::close(contract::ConnectionId id) {
  auto const found = connections_.find(id);
  if (found == connections_.end()) return;
  auto& connection = *found->second;
  connection.closing = true;
  lingering_.push_back(std::move(found->second));
  connections_.erase(found);
  if (connection.out.empty()) ::shutdown(connection.fd.get(), SHUT_WR);
  set_interest(connection);
  // A jail that never closes its side does not get to hold our descriptors.
  if (lingering_.size() > kMaxLingering) destroy(*lingering_.front());
}

}  // namespace faas::inline v0::invoker
