// Runs functions in jails and speaks the Lambda Runtime API with them.
#pragma once

#include <faas/invoker.hpp>
#include <memory>
#include <unordered_map>

#include "invoker/reactor.hpp"

namespace faas::inline v0::invoker {

class JailBackend;
class JailInstance;

// What every instance of one backend shares.
struct JailContext {
  InvokerOptions options;
  Reactor& reactor;
  BackendEvents& events;
  JailBackend& backend;
  Sandbox sandbox;
  Bytes read_buffer{65'536};
};

class JailBackend final : public Backend, private Source {
 public:
  // `reactor` and `events` outlive the backend. Errors: as Sandbox::open.
  static Result<std::unique_ptr<JailBackend>> open(InvokerOptions, Reactor&, BackendEvents&);
  ~JailBackend() override;

  void start(StartRequest) override;
  void call(InstanceId, CallRequest, std::shared_ptr<CallSink>) override;
  void resume(InstanceId, std::string_view request_id) override;
  void detach(InstanceId, std::string_view request_id) override;
  void stop(InstanceId) override;
  Bytes max_memory(InstanceId) const override;

  // An instance has become idle. A warm call that follows at once pays nothing for it.
  void instance_rests();

  bool degraded() const { return context_.sandbox.degraded(); }
  Privilege privilege() const { return context_.sandbox.privilege(); }

 private:
  JailBackend(InvokerOptions, Reactor&, BackendEvents&, Sandbox);
  void on_ready(std::uint32_t) override;  // the sandbox has events
  void handle(SandboxEvent);
  JailInstance* find(InstanceId) const;
  void submit(JailInstance&);
  void fail_start(JailInstance&, Ending);
  void erase(JailInstance&);
  void look_at_idle();
  void look_again(TimePoint);

  JailContext context_;
  std::unordered_map<InstanceId, std::unique_ptr<JailInstance>> instances_;
  std::unordered_map<Ticket, JailInstance*> by_ticket_;
  Reactor::Timer idle_timer_ = Reactor::Timer::none;  // one for all of them
};

}  // namespace faas::inline v0::invoker
