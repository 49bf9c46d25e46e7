// C++ functions of the host beside jailed ones: same seam, same records, no isolation.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <faas/invoker.hpp>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "invoker/reactor.hpp"

namespace faas::inline v0::invoker {

class HostBackend final : public Backend {
 public:
  // `reactor` and `events` outlive the backend; `mutex` is the owner's.
  HostBackend(asio::any_io_executor, std::shared_ptr<std::mutex> mutex, Reactor&, BackendEvents&);
  ~HostBackend() override;

  // Before the first start of that revision.
  void add(RevisionId, HostCallable);
  void remove(RevisionId);

  void start(StartRequest) override;
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
  };
  // What a call that outlives the backend may still touch.
  struct Shared {
    std::shared_ptr<std::mutex> mutex;
    HostBackend* backend = nullptr;
  };

  void end(InstanceId, Running&, Ending, std::string_view payload);
  void finished(InstanceId, std::shared_ptr<Running> const&, std::exception_ptr, std::string);

  asio::any_io_executor executor_;
  Reactor& reactor_;
  BackendEvents& events_;
  std::shared_ptr<Shared> shared_;
  std::unordered_map<RevisionId, std::shared_ptr<HostCallable const>> callables_;
  std::unordered_map<InstanceId, Instance> instances_;
};

}  // namespace faas::inline v0::invoker
