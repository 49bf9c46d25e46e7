// Live instances: start one, call it, stop it. `Backend` is the seam where other ways to run a
// function plug in; `Invoker` is a backend for hosts that do their own scheduling.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <faas/code_cache.hpp>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/outcome.hpp>
#include <faas/sandbox.hpp>
#include <faas/scheduler.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace faas::inline v0 {

namespace asio = boost::asio;

// One invocation on its way to an instance.
struct CallRequest {
  std::string request_id;      // a UUID in text; of the running ones no other has it
  std::string payload;         // given to the function verbatim
  std::string client_context;  // decoded JSON, may be empty
  std::string tenant;          // may be empty
  std::string function_arn;
  std::string content_type = "application/json";
  std::string trace_id;  // may be empty
  bool stream = false;   // the caller reads chunks: stream_limit takes response_limit's place
};

// How a call, or the start of an instance, ended.
struct Ending {
  Status status = Status::ok;
  std::string error_type;  // empty if ok
  // the function's own error document, verbatim; empty: make one of type and message
  std::string error_payload;
  std::string message;    // for error documents of ours: what follows "RequestId: <id> Error: "
  bool reusable = false;  // the instance can take another call
  // of a start that the host had no room for: nothing ran, and the call that pays for it gets this
  std::optional<Error> refused;
};

// Receives one call's response: on_head, on_chunk any number of times, on_end exactly once and
// last. A failed call may have neither head nor chunk.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void on_head(ResponseHead const&) = 0;
  // Bytes are borrowed for the call. False: stop reading from the function until Backend::resume.
  virtual bool on_chunk(std::string_view bytes) = 0;
  virtual void on_end(Ending) = 0;
};

struct StartRequest {
  InstanceId instance;
  std::shared_ptr<FunctionInfo const> function;
  Tree code;                 // held as long as the instance lives, as
  Tree layers;               // is what it sees at /opt; empty: nothing
  bool tenant = false;       // it serves one tenant: nothing of it may pass to another instance
  bool provisioned = false;  // started before any call (AWS_LAMBDA_INITIALIZATION_TYPE says so)
};

// What a backend reports of its instances: one call at a time, on any thread, also from inside a
// call of the backend's.
class BackendEvents {
 public:
  virtual ~BackendEvents() = default;
  virtual void on_ready(InstanceId, Timing const&) = 0;  // jail, exec and init are set
  // no on_ready came or will come; on_exited follows
  virtual void on_start_failed(InstanceId, Ending) = 0;
  virtual void on_exited(InstanceId) = 0;  // everything of it is gone; once, last
  // what the function wrote to stdout and stderr
  virtual void on_output(InstanceId, std::string_view text) = 0;
};

// Where functions run. One member at a time is called, on any thread: the owner serialises.
class Backend {
 public:
  virtual ~Backend() = default;  // ends every instance; no event after it
  virtual void start(StartRequest) = 0;
  // The instance is ready and has fewer than its capacity of calls. The function's timeout runs
  // from here.
  virtual void call(InstanceId, CallRequest, std::shared_ptr<CallSink>) = 0;
  // The sink of that call has room again.
  virtual void resume(InstanceId, std::string_view request_id) = 0;
  // Nobody reads that call's response any more: it is taken as fast as it comes.
  virtual void detach(InstanceId, std::string_view request_id) = 0;
  virtual void stop(InstanceId) = 0;               // running calls end as lost; on_exited follows
  virtual Bytes max_memory(InstanceId) const = 0;  // 0: cannot tell
};

// A C++ function registered beside jailed ones. It runs on the runtime's executor, in the host's
// process, with the host's rights: for trusted code only. Throwing ends the call as a function
// error (error_type "HostCallable.Exception"); past the timeout the caller gets timed_out and the
// coroutine is cancelled (terminal), not killed.
struct HostCall {
  std::string request_id;
  std::string payload;
  TimePoint deadline;
};
using HostCallable = std::function<asio::awaitable<std::string>(HostCall)>;

struct InvokerOptions {
  SandboxOptions sandbox;
  std::string runtimes = "/usr/bin";  // where interpreters are, by absolute path
  std::string region = "us-east-1";
  Duration init_timeout = std::chrono::seconds(10);
  // SIGTERM to SIGKILL, only with an internal extension
  Duration shutdown_grace = std::chrono::milliseconds(500);
  Bytes response_limit{6'291'556};
  Bytes stream_limit = 200_MiB;
  // Bytes a second of a streamed response, once its first 6 MiB are through; 0: no limit.
  Bytes stream_rate = 2_MiB;
  // For a request's head on the Runtime API. A connection between two requests may be idle.
  Duration head_timeout = std::chrono::seconds(20);
  // Requests a second that move no call (pings, what is refused, an invocation asked for again),
  // and 1,000 more at once; a connection that asks beyond it is not read for a while. 0: no limit.
  unsigned chatter_rate = 1000;
  bool upkeep = false;  // see Runtime's Options::upkeep
};

// Instances in jails, for hosts that schedule themselves. Thread-safe; work is done on `executor`.
class Invoker {
 public:
  // Errors: as Sandbox::open.
  static Result<Invoker> open(asio::any_io_executor executor, InvokerOptions);
  // Ends every instance: calls end as `lost`, starts with Errc::unavailable.
  ~Invoker();
  Invoker(Invoker&&) noexcept;
  Invoker& operator=(Invoker&&) noexcept;

  // Ready to be called, or how its start failed. Function::code is ignored: `directory` (absolute)
  // is the tree. Errors: invalid_argument, unsupported (the interpreter is not installed), internal
  // with the Ending's text.
  asio::awaitable<Result<InstanceId>> start(Function, std::string directory);
  // As many at a time for each instance as its function's Limits::capacity. Errors: not_found (no
  // such instance, or it is ending), conflict (it is busy).
  asio::awaitable<Result<Outcome>> call(InstanceId, std::string payload);
  // Not an error if it has ended. Returns when it is gone.
  asio::awaitable<void> stop(InstanceId);

 private:
  struct Impl;
  explicit Invoker(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

// The runtimes that `directory` holds interpreters for, e.g. {"native", "nodejs20.x", "provided",
// …, "python3.11"}.
std::vector<std::string> installed_runtimes(std::string const& directory);

}  // namespace faas::inline v0
