#include <faas/invoker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.hpp"
#include "invoker/completion.hpp"
#include "invoker/endings.hpp"
#include "invoker/jail_backend.hpp"
#include "invoker/launch.hpp"
#include "invoker/reactor.hpp"
#include "sys/random.hpp"

namespace faas::inline v0 {

using invoker::Completion;
using invoker::Hold;

// Everything is done with `mutex` held; handlers are posted.
struct Invoker::Impl final : BackendEvents {
  struct Instance;
  // A whole response for one caller.
  struct Collector final : CallSink {
    Completion<Result<Outcome>> done;
    Outcome outcome;
    Instance* instance = nullptr;

    void on_head(ResponseHead const& head) override { outcome.content_type = head.content_type; }
    bool on_chunk(std::string_view bytes) override {
      outcome.payload += bytes;
      return true;
    }
    void on_end(Ending ending) override;
  };
  struct Instance {
    Completion<Result<InstanceId>> started;
    std::vector<Completion<bool>> stopped;
    unsigned capacity = 1;
    bool ready = false;                             // takes calls
    std::vector<std::shared_ptr<Collector>> calls;  // running on it
    bool called = false;
  };

  Impl(asio::any_io_executor e, InvokerOptions const& o)
      : executor(std::move(e)),
        mutex(std::make_shared<std::mutex>()),
        runtimes(o.runtimes),
        options(o) {}

  void on_ready(InstanceId id, Timing const&) override {
    auto& instance = instances[id];
    instance.ready = true;
    instance.started(id);
  }
  void on_start_failed(InstanceId id, Ending ending) override {
    auto const text = ending.error_payload.empty() ? ending.message : ending.error_payload;
    instances[id].started(
        Error{Errc::internal, ending.error_type + ": " + text, ending.error_type, "start"});
  }
  void on_exited(InstanceId id) override {
    auto gone = instances.extract(id);
    if (gone.empty()) return;
    for (auto& waiter : gone.mapped().stopped) waiter(true);
  }
  void end_waiting();
  void on_output(InstanceId, std::string_view) override {}  // a host that wants it takes Runtime

  asio::any_io_executor executor;
  std::shared_ptr<std::mutex> mutex;
  std::unique_ptr<invoker::Reactor> reactor;
  std::unique_ptr<invoker::JailBackend> backend;
  std::unordered_map<InstanceId, Instance> instances;
  invoker::Runtimes runtimes;
  InvokerOptions options;
  Hold upkeep;
  std::uint64_t next = 1;
};

void Invoker::Impl::Collector::on_end(Ending ending) {
  outcome.status = ending.status;
  outcome.error_type = ending.error_type;
  if (ending.status != Status::ok) {
    outcome.payload = !ending.error_payload.empty()
                          ? std::move(ending.error_payload)
                          : error_document(ending.error_type, "RequestId: " + outcome.request_id +
                                                                  " Error: " + ending.message);
  }
  instance->ready = instance->ready && ending.reusable;
  done(std::move(outcome));
  std::erase_if(instance->calls, [this](auto const& call) { return call.get() == this; });
}

// Whoever still waits is told; the jails end with the backend.
void Invoker::Impl::end_waiting() {
  for (auto& [id, instance] : instances) {
    for (auto const& call : std::vector(instance.calls))
      call->on_end(invoker::lost_ending("the invoker ended"));
    instance.started(
        Error{Errc::unavailable, "the invoker ended before the instance was ready", {}, "invoker"});
    for (auto& waiter : instance.stopped) waiter(true);
  }
}

Result<Invoker> Invoker::open(asio::any_io_executor executor, InvokerOptions options) {
  auto impl = std::make_shared<Impl>(executor, options);
  auto reactor = invoker::Reactor::open(executor, impl->mutex);
  if (!reactor) return reactor.error();
  impl->reactor = std::move(*reactor);
  auto backend = invoker::JailBackend::open(std::move(options), *impl->reactor, *impl);
  if (!backend) return backend.error();
  impl->backend = std::move(*backend);
  if (impl->options.upkeep) impl->upkeep = Hold(*impl->reactor);
  return Invoker(std::move(impl));
}

Invoker::Invoker(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Invoker::Invoker(Invoker&&) noexcept = default;

// By swap: what was here ends as the destructor ends it, under its lock and in its order.
Invoker& Invoker::operator=(Invoker&& other) noexcept {
  Invoker taken(std::move(other));
  std::swap(impl_, taken.impl_);
  return *this;
}

Invoker::~Invoker() {
  if (!impl_) return;
  std::lock_guard lock(*impl_->mutex);
  impl_->upkeep = Hold();
  impl_->end_waiting();
  impl_->backend.reset();  // ends every jail
  impl_->reactor.reset();
}

asio::awaitable<Result<InstanceId>> Invoker::start(Function function, std::string directory) {
  return asio::async_initiate<asio::use_awaitable_t<> const, void(Result<InstanceId>)>(
      [](auto handler, std::shared_ptr<Impl> impl, Function f, std::string path) {
        std::lock_guard lock(*impl->mutex);
        Completion<Result<InstanceId>> done(std::move(handler), impl->executor);
        if (auto installed = impl->runtimes.check(f.runtime); !installed) {
          return done(installed.error());
        }
        auto tree = Tree::borrow(std::move(path));
        if (!tree) return done(tree.error());
        InstanceId const id{impl->next++};
        auto& instance = impl->instances[id];
        instance.started = std::move(done);
        instance.capacity = f.limits.capacity = std::max(1u, f.limits.capacity);
        auto info = std::make_shared<FunctionInfo>();
        info->function = std::move(f);
        impl->backend->start({id, std::move(info), std::move(*tree)});
      },
      asio::use_awaitable, impl_, std::move(function), std::move(directory));
}

asio::awaitable<Result<Outcome>> Invoker::call(InstanceId id, std::string payload) {
  return asio::async_initiate<asio::use_awaitable_t<> const, void(Result<Outcome>)>(
      [](auto handler, std::shared_ptr<Impl> impl, InstanceId which, std::string body) {
        std::lock_guard lock(*impl->mutex);
        Completion<Result<Outcome>> done(std::move(handler), impl->executor);
        auto const found = impl->instances.find(which);
        if (found == impl->instances.end() || !found->second.ready) {
          return done(
              Error{Errc::not_found, "there is no such instance; start it first", {}, "invoker"});
        }
        auto& instance = found->second;
        if (instance.calls.size() == instance.capacity) {
          return done(
              Error{Errc::conflict,
                    fmt::format("the instance is busy; it takes {} at a time (Limits::capacity)",
                                instance.capacity),
                    {},
                    "invoker"});
        }
        auto sink = std::make_shared<Impl::Collector>();
        sink->done = std::move(done);
        sink->outcome.request_id = sys::random_uuid();
        sink->outcome.start =
            std::exchange(instance.called, true) ? StartLevel::warm : StartLevel::cold;
        sink->instance = &instance;
        instance.calls.push_back(sink);
        CallRequest request;
        request.request_id = sink->outcome.request_id;
        request.payload = std::move(body);
        impl->backend->call(which, std::move(request), std::move(sink));
      },
      asio::use_awaitable, impl_, id, std::move(payload));
}

asio::awaitable<void> Invoker::stop(InstanceId id) {
  auto const impl = impl_;
  co_await asio::async_initiate<asio::use_awaitable_t<> const, void(bool)>(
      [](auto handler, std::shared_ptr<Impl> i, InstanceId which) {
        std::lock_guard lock(*i->mutex);
        Completion<bool> done(std::move(handler), i->executor);
        auto const found = i->instances.find(which);
        if (found == i->instances.end()) return done(false);
        found->second.stopped.push_back(std::move(done));
        found->second.ready = false;
        i->backend->stop(which);
      },
      asio::use_awaitable, impl, id);
}

}  // namespace faas::inline v0
