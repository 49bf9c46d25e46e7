// C++ functions of the host beside jailed ones: same seam, same records, no isolation.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <faas/invoker.hpp>
#include <functional>
#include <memory>
#include <unordered_map>

#include "invoker/reactor.hpp"

namespace faas::inline v0::invoker {

class HostBackend final : public Backend {
 public:
  // Does some work serialised with all else of the owner, or nothing if the owner has ended.
  using Enter = std::function<void(std::function<void()> const&)>;

  // `reactor` and `events` outlive the backend.
  HostBackend(asio::any_io_executor, Enter, Reactor&, BackendEvents&);
  ~HostBackend() override;

  void start(StartRequest, std::shared_ptr<HostCallable const>);
  void start(StartRequest) override;  // fails: a callable it needs
  void call(InstanceId, CallRequest, std::shared_ptr<CallSink>) override;
  void resume(InstanceId, std::string_view) override {}
  void detach(InstanceId, std::string_view) override {}
  void stop(InstanceId) override;
  Bytes max_memory(InstanceId) const override { return {}; }

 private:
  struct Running;
  struct Instance {
    std::shared_ptr<FunctionInfo const> function;
    std::shared_ptr<HostCallable const> callable;
    std::shared_ptr<Running> running;
    Hold hold;  // while it runs
  };
  // What a call that outlives the backend may still touch.
  struct Shared {
    Enter enter;
    HostBackend* backend = nullptr;  // read inside
  };

  void end(InstanceId, Running&, Ending, std::string_view payload);

  asio::any_io_executor executor_;
  Reactor& reactor_;
  BackendEvents& events_;
  std::shared_ptr<Shared> shared_;
  std::unordered_map<InstanceId, Instance> instances_;
};

}  // namespace faas::inline v0::invoker
