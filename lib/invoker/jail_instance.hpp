// One instance in one jail, from submit until the jail is gone. Turns readable sockets into the
// contract's state machine and the contract's events into endings; holds the three clocks of an
// instance.
#pragma once

#include <faas/invoker.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "contract/runtime_api.hpp"
#include "invoker/jail_backend.hpp"
#include "invoker/launch.hpp"
#include "invoker/native_channel.hpp"
#include "invoker/pace.hpp"
#include "invoker/reactor.hpp"
#include "sys/fd.hpp"

namespace faas::inline v0::invoker {

class JailInstance final : private contract::RuntimeApiEvents {
 public:
  // Why no further answer can come from the jail.
  enum class Phase {
    starting,
    idle,
    busy,      // one call runs, or several where the function declares it
    draining,  // one of several has timed out: the others run to their end, then the jail is killed
    stopping
  };

  JailInstance(JailContext&, StartRequest, Launch);
  ~JailInstance();

  InstanceId id() const { return request_.instance; }
  Ticket ticket() const { return ticket_; }
  bool takes_calls() const;

  // A new jail for this instance; again after an init that was too slow.
  Result<void> submit();
  void on_started(Started const&);
  void call(CallRequest, std::shared_ptr<CallSink>);
  void resume(std::string_view request_id);
  void detach(std::string_view request_id);
  // Ends the jail; its running calls end as `why`.
  void stop(Ending why);
  // Stands still (G18) if it has been idle for long enough. When to look again, or never.
  TimePoint rest(TimePoint now);
  bool frozen() const { return frozen_; }
  // Most memory it has used; looked at again after 100 ms, because looking costs more than a warm
  // call.
  Bytes max_memory() const;
  // The jail is gone. True: a new one must be submitted (the second try of a slow init).
  bool on_gone(Ending how);

 private:
  struct Connection;
  struct Call;
  // Watches one descriptor and calls a member.
  struct Watch final : Source {
    JailInstance* owner = nullptr;
    void (JailInstance::*ready)() = nullptr;
    void on_ready(std::uint32_t) override { (owner->*ready)(); }
  };

  Result<sys::Fd> open_channel();
  Result<void> watch_function();
  bool waits() const;  // for work, and does nothing else
  void accept_all();
  void rest_listener();
  void read_output();
  bool read_connection(Connection&);  // false: it is destroyed
  bool read_turns(Connection&);
  void read_connections();
  void read_everything();  // also of those not accepted yet
  bool may_read(Connection const&) const;
  void keep_pace(Connection&);
  void time_head(Connection&);
  Call* find_call(std::string_view request_id) const;
  void begin_call(CallRequest const&, std::shared_ptr<CallSink>);
  void hand_over(contract::Invocation, std::size_t limit);
  void read_on(Call&);
  bool stream_waits(Call&, std::size_t bytes);
  void end_stream_pace(Call&);
  void expire_call(Call&);
  void finish(std::string_view request_id, Ending);
  void finish(Call&, Ending);
  void end_calls(Ending const&);
  void read_last_answers();
  void set_interest(Connection&);
  void give_up(Connection&);
  void destroy(Connection&);
  void close_descriptors();
  void expire();
  void become_idle();
  bool thaw();  // false: it still stands still
  void set_clock(TimePoint end);
  void stop_clock() { clock_end_ = TimePoint::max(); }
  void arm_clock();
  void on_clock();
  void begin_stop();

  void on_next() override;
  void on_init_error(contract::FunctionFailure) override;
  void on_response_head(std::string_view, std::string_view content_type, bool streaming) override;
  bool on_response_chunk(std::string_view, std::string_view bytes) override;
  void on_response_end(std::string_view, std::optional<contract::FunctionFailure>) override;
  void on_response_failed(std::string_view, contract::FunctionFailure) override;
  void on_invocation_error(std::string_view, contract::FunctionFailure) override;
  void on_extension_registered(std::string_view) override { has_extension_ = true; }
  void on_extension_failed(std::string_view name, contract::FunctionFailure) override;
  void send(contract::ConnectionId, std::string_view head, std::string_view body) override;
  void close(contract::ConnectionId) override;

  JailContext& context_;
  StartRequest request_;
  Launch launch_;
  Phase phase_ = Phase::starting;
  Ticket ticket_ = 0;
  int attempt_ = 0;
  bool retry_init_ = false;     // the first init was too slow: this jail dies, another is started
  bool has_extension_ = false;  // asked for SIGTERM and its grace
  bool killed_ = false;
  std::uint64_t reads_ = 0;  // of connections, EAGAIN not counted
  bool reading_ = false;     // a connection is being read: none may be destroyed but by its reader
  bool gone_ =
      false;  // the jail has ended; what its sockets still hold may complete a call, not start one
  std::optional<Ending> start_ending_;  // how the start failed, once known
  Hold starting_hold_, busy_hold_, stopping_hold_;
  Timing timing_;
  mutable Bytes max_memory_;
  mutable TimePoint max_memory_at_{};
  TimePoint submitted_at_{}, exec_at_{};
  TimePoint idle_since_{};
  bool frozen_ = false;
  Reactor::Timer clock_ = Reactor::Timer::none;  // comes at clock_set_, which may be too early
  TimePoint clock_set_{};
  // Of the phase we are in, of its oldest call where some run; max: it has none.
  TimePoint clock_end_ = TimePoint::max();
  // One of these, as the function's runtime says.
  std::optional<contract::RuntimeApi> api_;
  std::unique_ptr<NativeChannel> native_;
  sys::Fd listener_, output_;
  Reactor::Timer listener_rest_ = Reactor::Timer::none;  // until it is watched again
  Pace chatter_pace_;                                    // of requests that move no call
  std::uint64_t chatter_ = 0;                            // such requests, as far as charged
  Watch listener_watch_, output_watch_;
  std::unordered_map<contract::ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>>
      lingering_;                             // closed by us, read until the peer has seen it
  std::vector<std::unique_ptr<Call>> calls_;  // that run, oldest first
};

}  // namespace faas::inline v0::invoker
