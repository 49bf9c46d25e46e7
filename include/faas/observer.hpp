// Tells a host what happens. Metrics, billing and dashboards are observers.
#pragma once

#include <faas/error.hpp>
#include <faas/outcome.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0 {

// One per invocation that reached an instance, whatever its end. The usage record and the log's
// REPORT line are made from the same values. Borrowed for the call.
struct InvocationRecord {
  FunctionName const& function;
  RevisionId revision;
  std::string_view request_id;
  Status status;
  std::string_view error_type;
  StartLevel start;
  Timing timing;
  Duration billed;   // run (and init, when this call paid for it), rounded up to 1 ms
  Bytes memory;      // Limits::memory
  Bytes max_memory;  // 0 where the host cannot tell
  SystemTime ended;
  bool degraded;  // the host lacks cgroup v2 controllers (see host.hpp)
};

// One per instance that became ready, whether a call waits for it or not.
struct StartRecord {
  FunctionName const& function;
  RevisionId revision;
  StartLevel level;
  Timing timing;  // its stages from code to init
};

// One per call that was refused before anything ran.
struct RefusalRecord {
  FunctionName const& function;
  Error const& error;
};

// Calls come on the runtime's executor, one at a time, and must not block. The observer outlives
// the runtime: close() ends when it was told of all that ended, and once the last handle is gone it
// is told nothing more. Every function has an empty default, so that an observer names only what it
// wants.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_invocation(InvocationRecord const&) {}
  virtual void on_refusal(RefusalRecord const&) {}
  virtual void on_start(StartRecord const&) {}
  // "start-failed": an instance ended before it was ready; the message is the Ending's text
  virtual void on_event(std::string_view /*kind*/, std::string_view /*message*/) {}
};

}  // namespace faas::inline v0
