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

// One invocation, from invoke() until it ends.
struct Work {
  enum class State : std::uint8_t {
    waiting,  // for a `next`
    running,
    responding,
    erring
  };

  Work(Invocation given, std::size_t limit) : invocation(std::move(given)), response_limit(limit) {}

  Invocation invocation;
  std::size_t response_limit;
  State state = State::waiting;
  std::optional<ConnectionId> responder;  // sends the response or the error
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
  void abandon(std::string_view request_id);
  void resume();
  void resume(std::string_view request_id);
  unsigned invocations() const { return static_cast<unsigned>(works_.size()); }
  unsigned capacity() const { return options_.capacity; }
  bool awaited() const;
  bool idle() const;
  bool initialized() const { return initialized_; }

 private:
  using Phase = Connection::Phase;
  // Of the environment. Where several invocations run at once it stays `ready`: each has a state of
  // its own.
  enum class State : std::uint8_t { started, init_error, ready, running, response_sent };

  // An invocation that was handed out and has ended.
  struct Past {
    std::string request_id;
    bool abandoned = false;
  };

  // Events may close connections whose bytes are being read further up the stack, and end
  // invocations whose id or payload an event was lent: they are swept last.
  class Scope {
   public:
    explicit Scope(Machine& machine) : machine_(machine) { ++machine_.depth_; }
    ~Scope() {
      if (--machine_.depth_ > 0) return;
      machine_.sweep();
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
  void sweep();

  // machine_calls.cpp
  void begin(Connection&, RequestHead const&, bool body_waits);
  std::optional<Reply> admit(Connection&, RequestHead const&, Route const&);
  std::optional<Reply> admit_answer(Connection&, RequestHead const&, Route const&);
  std::optional<Reply> refuse_by_state(Work const*, std::string_view id, std::string_view target);
  std::optional<Reply> refuse_by_id(Work const*, std::string_view id) const;
  std::optional<Reply> admit_response(Connection&, Work&, RequestHead const&);
  std::optional<Reply> admit_init_error(Connection&, RequestHead const&);
  std::optional<Reply> admit_extension(Connection&, RequestHead const&);
  bool expectation_met(Connection&, RequestHead const&, bool body_waits);
  void take(Connection&, std::string_view data);
  std::size_t body_limit(Connection const&) const;
  void accept(Connection&, std::string_view data);
  void turn_down(Connection&, Reply);
  void interrupted(Connection&, std::string_view why);
  void fail_answer(Connection const&, FunctionFailure);
  void finish(Connection&);
  void finish_response(Connection&);
  void finish_error(Connection&);
  void finish_init_error(Connection&);
  void finish_extension_error(Connection&);
  Reply enroll(Connection&);
  void park(Connection&);
  void park_extension(Connection&);
  void settle();
  void hand_out(Work&);
  void send_invocation(Connection&, Invocation const&);
  void notify_extensions(Work const& given);
  Invocation const& end(Work&);
  void fail_response(Work&, FunctionFailure);
  void abandon(Work&);
  void resume(Connection*);
  Work* answering(Connection const&) const;
  Work* handed_out(std::string_view request_id) const;
  Work* first_waiting() const;
  bool several() const { return options_.capacity > 1; }
  std::string_view state_name() const;

  RuntimeApiEvents& events_;
  Options options_;
  std::vector<std::unique_ptr<Connection>> connections_;
  ConnectionId last_id_ = 0;
  std::uint64_t answers_ = 0, moves_ = 0;  // of all requests, and of those that moved a call
  unsigned depth_ = 0;                     // calls under way: what is gone is swept at 0
  bool gone_ = false;                      // some connection is
  ConnectionId large_head_ = 0;  // the one connection that may hold more than 64 KiB of head

  State state_ = State::started;
  std::vector<std::unique_ptr<Work>> works_;   // given to invoke() and not ended, oldest first
  std::vector<std::unique_ptr<Work>> ended_;   // while calls are under way
  std::vector<Past> past_;                     // the last `capacity` of them, a ring
  std::size_t last_past_ = 0;                  // the newest in it
  std::optional<ConnectionId> init_reporter_;  // sends the init error
  std::vector<ConnectionId> parked_;           // on next; the newest is served
  std::size_t workers_ = 0;  // most of `next` and invocations handed out at once, up to capacity
  bool announced_ = false;   // on_next was called and no work was handed out since
  bool initialized_ = false;
  Extensions extensions_;
};

}  // namespace faas::inline v0::contract
