// The two halves of RuntimeApi: connections (bytes to requests: machine.cpp) and calls (requests to
// events: machine_calls.cpp). States and transitions are those of Lambda's own runtime interface.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/body_decoder.hpp"
#include "contract/extensions.hpp"
#include "contract/head_scanner.hpp"
#include "contract/replies.hpp"
#include "contract/routes.hpp"
#include "contract/runtime_api.hpp"

namespace faas::inline v0::contract {

struct Connection {
  enum class Phase : std::uint8_t {
    head,
    body,
    parked,  // its request waits: the runtime's `next` or an extension's
    gone     // closed; swept when no call is under way
  };

  Connection(ConnectionId number, HeadLimits limits) : id(number), scanner(limits) {}

  ConnectionId id;
  Phase phase = Phase::head;
  HeadScanner scanner;
  BodyDecoder body;
  std::string input;     // received and not yet read
  bool working = false;  // its input is being read further up the stack
  bool paused = false;   // its response's reader has no room

  // The request being read.
  Endpoint endpoint = Endpoint::unknown;
  std::uint64_t request = 1;  // its number among the connection's requests
  bool keep_alive = true;
  std::uint64_t received = 0;
  std::optional<Reply>
      verdict;  // it is refused: the rest of its body is read, then this is answered
  std::string error_type;
  std::string extension;
  std::string document;  // an error's or a registration's body
};

class RuntimeApi::Machine {
 public:
  Machine(RuntimeApiEvents& events, Options options);

  std::optional<ConnectionId> open();
  void receive(ConnectionId, std::string_view bytes);
  void end_of_input(ConnectionId);
  void closed(ConnectionId);
  bool wants_input(ConnectionId) const;
  std::uint64_t unfinished_head(ConnectionId) const;
  void head_is_late(ConnectionId);
  std::uint64_t chatter() const { return answers_ - moves_; }
  unsigned connections() const;

  void invoke(Invocation, std::size_t response_limit);
  void abandon();
  void resume();
  bool busy() const { return invocation_ != nullptr; }
  bool idle() const;
  bool initialized() const { return initialized_; }

 private:
  using Phase = Connection::Phase;
  enum class State : std::uint8_t {
    started,
    init_error,
    ready,
    running,
    responding,
    erring,
    response_sent
  };

  // Events may close connections whose bytes are being read further up the stack, and end
  // invocations whose id or payload an event was lent: they are swept last.
  class Scope {
   public:
    explicit Scope(Machine& machine) : machine_(machine) { ++machine_.depth_; }
    ~Scope() {
      if (--machine_.depth_ > 0) return;
      std::erase_if(machine_.connections_, [](auto const& c) { return c->phase == Phase::gone; });
      machine_.ended_.clear();
    }
    Scope(Scope const&) = delete;
    Scope& operator=(Scope const&) = delete;

   private:
    Machine& machine_;
  };

  // machine.cpp
  Connection* find(ConnectionId) const;
  void run(Connection&);
  std::size_t feed(Connection&, std::string_view bytes);
  bool advance(Connection&, std::string_view& rest);
  bool read_head(Connection&, std::string_view& rest);
  bool read_body(Connection&, std::string_view& rest);
  bool may_hold_head(Connection const&, std::size_t size);
  void reply(Connection&, Reply const&, std::string_view content_type = "application/json");
  void refuse_and_close(Connection&, Reply const&);
  void close(Connection&);
  void drop(Connection&);

  // machine_calls.cpp
  void begin(Connection&, RequestHead const&, bool body_waits);
  std::optional<Reply> admit(Connection&, RequestHead const&, Route const&);
  std::optional<Reply> admit_answer(Connection&, RequestHead const&, Route const&);
  std::optional<Reply> admit_response(Connection&, RequestHead const&);
  std::optional<Reply> admit_init_error(Connection&, RequestHead const&);
  std::optional<Reply> admit_extension(Connection&, RequestHead const&);
  bool expectation_met(Connection&, RequestHead const&, bool body_waits);
  void take(Connection&, std::string_view data);
  std::size_t body_limit(Connection const&) const;
  void accept(Connection&, std::string_view data);
  void report_too_large(Connection const&, std::size_t limit);
  void turn_down(Connection&, Reply);
  void interrupted(Connection&, std::string_view why);
  void finish(Connection&);
  void finish_response(Connection&);
  void finish_error(Connection&);
  void finish_init_error(Connection&);
  void finish_extension_error(Connection&);
  Reply enroll(Connection&);
  void park(Connection&);
  void park_extension(Connection&);
  void settle();
  void hand_out();
  void send_invocation(Connection&);
  void notify_extensions(Invocation const* given);
  std::string end_invocation();
  void fail_response(FunctionFailure);
  std::string_view state_name() const;
  bool handed_out() const;

  RuntimeApiEvents& events_;
  Options options_;
  std::vector<std::unique_ptr<Connection>> connections_;
  ConnectionId last_id_ = 0;
  std::uint64_t answers_ = 0, moves_ = 0;  // of all requests, and of those that moved a call
  unsigned depth_ = 0;                     // calls under way: what is gone is swept at 0
  ConnectionId large_head_ = 0;  // the one connection that may hold more than 64 KiB of head

  State state_ = State::started;
  std::unique_ptr<Invocation> invocation_;          // given to invoke() and not ended
  std::vector<std::unique_ptr<Invocation>> ended_;  // while calls are under way
  std::size_t response_limit_ = kPayloadLimit;
  std::string answered_id_;                // in response_sent: what was answered
  std::optional<ConnectionId> responder_;  // sends the response or the error
  std::vector<ConnectionId> parked_;       // on next; the newest is served
  bool announced_ = false;                 // on_next was called and no work was handed out since
  bool initialized_ = false;
  Extensions extensions_;
};

}  // namespace faas::inline v0::contract
