#include "invoker/host_backend.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include "invoker/endings.hpp"

namespace faas::inline v0::invoker {

// One call of one callable. The strand keeps the coroutine and its cancellation apart.
struct HostBackend::Running {
  explicit Running(asio::any_io_executor const& executor) : strand(asio::make_strand(executor)) {}
  asio::strand<asio::any_io_executor> strand;
  asio::cancellation_signal cancel;
  std::shared_ptr<CallSink> sink;  // null once the call has ended
  std::string request_id;
  Reactor::Timer clock = Reactor::Timer::none;
};

namespace {

// A coroutine of its own, so that callable and call live as long as it runs.
asio::awaitable<std::string> run(std::shared_ptr<HostCallable const> callable, HostCall call) {
  co_return co_await (*callable)(std::move(call));
}

Ending exception_ending(std::exception_ptr const& failure) {
  Ending ending{
      .status = Status::function_error, .error_type = "HostCallable.Exception", .reusable = true};
  try {
    std::rethrow_exception(failure);
  } catch (std::exception const& e) {
    ending.message = e.what();
  } catch (...) {
    ending.message = "an exception that is no std::exception";
  }
  return ending;
}

}  // namespace

HostBackend::HostBackend(asio::any_io_executor executor, Enter enter, Reactor& reactor,
                         BackendEvents& events)
    : executor_(std::move(executor)),
      reactor_(reactor),
      events_(events),
      shared_(std::make_shared<Shared>(Shared{std::move(enter), this})) {}

HostBackend::~HostBackend() {
  shared_->backend = nullptr;
  for (auto& [id, instance] : instances_) {
    if (!instance.running) continue;
    reactor_.cancel(instance.running->clock);
    asio::post(instance.running->strand, [running = instance.running] {
      running->cancel.emit(asio::cancellation_type::terminal);
    });
  }
}

void HostBackend::start(StartRequest request) {
  events_.on_start_failed(request.instance, lost_ending("the host has no such callable"));
  events_.on_exited(request.instance);
}

void HostBackend::start(StartRequest request, std::shared_ptr<HostCallable const> callable) {
  auto const id = request.instance;
  instances_.emplace(id, Instance{std::move(request.function), std::move(callable), nullptr, {}});
  events_.on_ready(id, Timing{.jail = Duration::zero(), .init = Duration::zero()});
}

void HostBackend::call(InstanceId id, CallRequest request, std::shared_ptr<CallSink> sink) {
  auto const found = instances_.find(id);
  if (found == instances_.end())
    return sink->on_end(lost_ending("the instance ended before the call reached it"));
  auto& instance = found->second;
  auto const timeout = instance.function->function.limits.timeout;
  auto running = std::make_shared<Running>(executor_);
  running->sink = std::move(sink);
  running->request_id = request.request_id;
  instance.running = running;
  instance.hold = Hold(reactor_);
  auto const deadline = std::chrono::steady_clock::now() + timeout;
  running->clock = reactor_.at(deadline, [this, id, running, timeout] {
    // The coroutine may be anywhere: it is told to end, and what it returns later is nobody's.
    asio::post(running->strand,
               [running] { running->cancel.emit(asio::cancellation_type::terminal); });
    end(id, *running, timed_out_ending(timeout), {});
  });
  HostCall host_call{std::move(request.request_id), std::move(request.payload), deadline};
  // Posted: the callable must not run under the owner's lock.
  asio::post(running->strand, [shared = shared_, id, running, callable = instance.callable,
                               c = std::move(host_call)]() mutable {
    asio::co_spawn(running->strand, run(callable, std::move(c)),
                   asio::bind_cancellation_slot(
                       running->cancel.slot(),
                       [shared, id, running](std::exception_ptr e, std::string const& result) {
                         // Here, for what() is the host's.
                         auto const ending = e ? exception_ending(e) : Ending{.reusable = true};
                         shared->enter([&] {
                           if (shared->backend) shared->backend->end(id, *running, ending, result);
                         });
                       }));
  });
}

void HostBackend::end(InstanceId id, Running& running, Ending ending, std::string_view payload) {
  auto const sink = std::exchange(running.sink, nullptr);
  if (!sink) return;  // it had timed out, or was stopped
  reactor_.cancel(running.clock);
  auto const found = instances_.find(id);
  bool const stays = ending.reusable;
  if (found != instances_.end()) {
    found->second.running = nullptr;
    found->second.hold = Hold();
  }
  if (ending.status == Status::ok) {
    sink->on_head({.request_id = running.request_id, .content_type = "application/json"});
    sink->on_chunk(payload);
  }
  sink->on_end(std::move(ending));
  if (!stays && instances_.erase(id) > 0) events_.on_exited(id);
}

void HostBackend::stop(InstanceId id) {
  auto const found = instances_.find(id);
  if (found == instances_.end()) return;
  if (auto const running = found->second.running) {
    asio::post(running->strand,
               [running] { running->cancel.emit(asio::cancellation_type::terminal); });
    return end(id, *running, lost_ending("the runtime stopped the instance"), {});
  }
  instances_.erase(found);
  events_.on_exited(id);
}

}  // namespace faas::inline v0::invoker
