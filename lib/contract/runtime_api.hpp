// The Lambda Runtime API of one execution environment, as pure code: bytes of its connections in,
// events and replies out. No socket, no clock. Facts: Lambda's runtime API 2018-06-01, extensions
// API 2020-01-01.
//
// Served: /2018-06-01/runtime/{invocation/next, invocation/{id}/response, invocation/{id}/error,
// init/error}, /2018-06-01/ping; /2020-01-01/extension/{register, event/next, init/error,
// exit/error} for extensions inside the runtime's process; PUT /2022-07-01/telemetry and
// /2020-08-15/logs are answered 202 NotSupported. All else is 404, also restore/next and
// credentials: there is no SnapStart here.
//
// With a capacity above 1 it is Lambda's multi-concurrent environment: several `next` wait at once,
// each of them an idle worker, and an answer is matched by its request id only, also which worker's
// it is. What cannot be taken is answered 400: Runtime.InvalidInvokeId, Runtime.InvokeTimeout (it
// was abandoned), Runtime.InvokeResponseInProgress, Runtime.InvokeResponseWasSent,
// Runtime.TooManyIdleRuntimes (a `next` more than the capacity). No extension hears of INVOKE.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace faas::inline v0::contract {

using ConnectionId = std::uint32_t;

// Bytes of a response or an error document, as Lambda counts them: 6 MiB + 100.
inline constexpr std::size_t kPayloadLimit = 6 * 1024 * 1024 + 100;

struct Invocation {
  std::string request_id;  // opaque; visible ASCII
  std::string payload;     // verbatim
  std::string function_arn;
  std::string client_context;  // decoded JSON; may be empty, as may those below
  std::string tenant;
  std::string trace_id;
  std::string content_type;      // empty: application/json
  std::int64_t deadline_ms = 0;  // since the epoch
};

struct FunctionFailure {
  std::string type;  // ^(Runtime|Function)\.[A-Z][a-zA-Z]+$; what is not becomes Function.Unknown
                     // or Runtime.Unknown
  std::string payload;  // the function's document, verbatim; ours where the platform speaks
};

// What became of calls, under either contract. Called from inside the members of RuntimeApi or
// NativeApi; views are borrowed for the call. Any of their members may be called from here, but
// they must not be destroyed here.
class CallEvents {
 public:
  // The runtime (and every extension that listens to invocations) asked for work; the first time,
  // init is done. Not called when the runtime asks again while its invocation runs: it gets the
  // same one again; nor for a further `next` beside one that waits already.
  virtual void on_next() = 0;
  virtual void on_init_error(FunctionFailure) = 0;

  // A response: head, chunks, then one of end and failed. Every invocation that was handed out ends
  // by exactly one of on_response_end, on_response_failed, on_invocation_error and abandon().
  virtual void on_response_head(std::string_view request_id, std::string_view content_type,
                                bool streaming) = 0;
  // False: do not read from that connection until resume().
  virtual bool on_response_chunk(std::string_view request_id, std::string_view bytes) = 0;
  virtual void on_response_end(std::string_view request_id,
                               std::optional<FunctionFailure> trailer_error) = 0;
  // Too large (Function.ResponseSizeTooLarge), cut (Runtime.TruncatedResponse), malformed, or of an
  // unknown mode (Runtime.InvalidResponseModeHeader). Chunks may have come before. The environment
  // stays usable.
  virtual void on_response_failed(std::string_view request_id, FunctionFailure) = 0;
  virtual void on_invocation_error(std::string_view request_id,
                                   FunctionFailure) = 0;  // POST .../error

 protected:
  ~CallEvents() = default;
};

// What the environment did, and what to send it.
class RuntimeApiEvents : public CallEvents {
 public:
  virtual void on_extension_registered(std::string_view name) = 0;
  // An extension reported that it cannot go on; the environment is to be ended.
  virtual void on_extension_failed(std::string_view name, FunctionFailure) = 0;

  // Write head, then body, after what was sent before.
  virtual void send(ConnectionId, std::string_view head, std::string_view body) = 0;
  // Close after what was sent. The id is gone; do not call closed() for it. Bytes may still be on
  // their way in: shut down writing and read to the end, or the reply is lost to a reset.
  virtual void close(ConnectionId) = 0;

 protected:
  ~RuntimeApiEvents() = default;
};

class RuntimeApi {
 public:
  struct Options {
    std::string function_name;  // for extensions that register
    std::string function_version = "$LATEST";
    std::string handler;
    std::string account_id;
    std::size_t head_limit = 1'310'720;  // clients send up to 1 MiB of cause header
    std::size_t drain_limit =
        16 * 1024 * 1024;  // bytes of a refused body read to keep its connection
    unsigned max_connections = 32;
    unsigned capacity = 1;  // invocations at once, at least 1
  };

  // `events` outlives this.
  RuntimeApi(RuntimeApiEvents& events, Options options);
  ~RuntimeApi();
  RuntimeApi(RuntimeApi const&) = delete;
  RuntimeApi& operator=(RuntimeApi const&) = delete;

  // A connection was accepted. Nothing: there are too many, close it.
  std::optional<ConnectionId> open();
  // Bytes arrived, at any split. Ids that are gone are ignored, here and below.
  void receive(ConnectionId, std::string_view bytes);
  // The peer will send no more but may still read: answers what was cut short, then closes.
  void end_of_input(ConnectionId);
  // The connection is gone. Mid-body, its invocation has failed: Runtime.TruncatedResponse.
  void closed(ConnectionId);
  // Whether to read from it now: not while a response waits for resume(). What is received all the
  // same is kept.
  bool wants_input(ConnectionId) const;
  // Which of its requests has a head that has begun and not ended; 0: none. For a timer against
  // slow senders, which asks again later and, for the same answer, says that it is late: answered
  // 408 and closed.
  std::uint64_t unfinished_head(ConnectionId) const;
  void head_is_late(ConnectionId);

  // Precondition: fewer than `capacity` run, none of them with this request id. Answered to a
  // waiting `next`, or kept until one asks. The response may have `response_limit` bytes.
  void invoke(Invocation invocation, std::size_t response_limit = kPayloadLimit);
  void invoke(Invocation, std::same_as<bool> auto) = delete;  // a flag is not a limit
  // That invocation, or all that run, is over (it timed out): late answers get 400, no event comes
  // of it.
  void abandon(std::string_view request_id);
  void abandon();
  // The reader of that response, or of all, has room again. May call events at once.
  void resume(std::string_view request_id);
  void resume();

  bool busy() const;         // an invocation was given to invoke() and has not ended
  bool awaited() const;      // a `next` waits: one that is given now is handed out at once
  bool idle() const;         // init is done, no invocation, and every worker known waits for one
  bool initialized() const;  // on_next was called
  unsigned connections() const;
  // Answers that moved no call, since the beginning: pings, refusals, an invocation given again.
  std::uint64_t chatter() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace faas::inline v0::contract
