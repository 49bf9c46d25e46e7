#include "invoker/jail_backend.hpp"

#include <sys/epoll.h>

#include <limits>

#include "base/check.hpp"
#include "invoker/endings.hpp"
#include "invoker/jail_instance.hpp"

namespace faas::inline v0::invoker {

constexpr unsigned kEventsInTurn = 16;

Result<std::unique_ptr<JailBackend>> JailBackend::open(InvokerOptions options, Reactor& reactor,
                                                       BackendEvents& events) {
  auto sandbox = Sandbox::open(options.sandbox);
  if (!sandbox) return sandbox.error();
  std::unique_ptr<JailBackend> backend(
      new JailBackend(std::move(options), reactor, events, std::move(*sandbox)));
  auto watched = reactor.watch(backend->context_.sandbox.native_handle(), EPOLLIN, backend.get());
  if (!watched) return watched.error();
  return backend;
}

JailBackend::JailBackend(InvokerOptions options, Reactor& reactor, BackendEvents& events,
                         Sandbox sandbox)
    : context_{std::move(options), reactor, events, *this, std::move(sandbox)} {}

JailBackend::~JailBackend() {
  context_.reactor.cancel(idle_timer_);
  context_.reactor.forget(context_.sandbox.native_handle(), this);
}

void JailBackend::start(StartRequest request) {
  auto const id = request.instance;
  auto launch = parse_runtime(request.function->function.runtime, context_.options.runtimes);
  auto instance =
      std::make_unique<JailInstance>(context_, std::move(request), launch ? *launch : Launch{});
  auto& started = *instance;
  instances_.emplace(id, std::move(instance));
  if (!launch) return fail_start(started, lost_ending(launch.error().message));
  submit(started);
}

void JailBackend::submit(JailInstance& instance) {
  auto submitted = instance.submit();
  if (!submitted) return fail_start(instance, refused_ending(submitted.error()));
  by_ticket_.emplace(instance.ticket(), &instance);
}

// There is no jail: what on_gone says to the owner comes at once.
void JailBackend::fail_start(JailInstance& instance, Ending ending) {
  bool const again = instance.on_gone(std::move(ending));
  FAAS_CHECK(!again);
  erase(instance);
}

void JailBackend::erase(JailInstance& instance) {
  auto const id = instance.id();
  instances_.erase(id);
  context_.events.on_exited(id);
}

JailInstance* JailBackend::find(InstanceId id) const {
  auto const found = instances_.find(id);
  return found == instances_.end() ? nullptr : found->second.get();
}

void JailBackend::call(InstanceId id, CallRequest request, std::shared_ptr<CallSink> sink) {
  auto* instance = find(id);
  if (instance == nullptr || !instance->takes_calls()) {
    return sink->on_end(lost_ending("the instance ended before the call reached it"));
  }
  instance->call(std::move(request), std::move(sink));
}

void JailBackend::resume(InstanceId id, std::string_view request_id) {
  if (auto* instance = find(id)) instance->resume(request_id);
}

void JailBackend::detach(InstanceId id, std::string_view request_id) {
  if (auto* instance = find(id)) instance->detach(request_id);
}

void JailBackend::stop(InstanceId id) {
  if (auto* instance = find(id)) instance->stop(lost_ending("the runtime stopped the instance"));
}

Bytes JailBackend::max_memory(InstanceId id) const {
  auto const* instance = find(id);
  return instance == nullptr ? Bytes{} : instance->max_memory();
}

// Some, then others' turn: what is left makes the descriptor ready again. All of them where nobody
// holds the reactor, for that is the look before a call, which must know who is gone.
void JailBackend::on_ready(std::uint32_t) {
  auto left = context_.reactor.held() ? kEventsInTurn : std::numeric_limits<unsigned>::max();
  for (; left > 0; --left) {
    auto event = context_.sandbox.poll();
    if (!event) return;
    handle(std::move(*event));
  }
}

void JailBackend::handle(SandboxEvent event) {
  auto const ticket = std::visit([](auto const& e) { return e.ticket; }, event);
  auto const found = by_ticket_.find(ticket);
  if (found == by_ticket_.end()) return;
  auto& instance = *found->second;
  if (auto const* started = std::get_if<Started>(&event)) return instance.on_started(*started);
  by_ticket_.erase(found);
  auto const* failed = std::get_if<Failed>(&event);
  bool const again =
      instance.on_gone(failed ? failed_ending(*failed) : exit_ending(std::get<Exited>(event)));
  if (again) {
    submit(instance);
  } else {
    erase(instance);
  }
}

}  // namespace faas::inline v0::invoker
