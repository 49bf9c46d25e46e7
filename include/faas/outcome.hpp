// What a function did. Once an event has been handed to an instance every ending is an Outcome,
// ours included; before that it is an Error (error.hpp) and nothing ran.
#pragma once

#include <faas/function.hpp>
#include <faas/units.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

// How the instance that answered came to be. Never mixed in any figure.
enum class StartLevel {
  warm,    // an idle instance
  fork,    // forked from a prepared process
  pooled,  // a booted runtime that had no code yet
  cold,    // a fresh process, code in the cache
  first,   // a fresh process, code not in the cache
};
std::string_view to_string(StartLevel);

enum class Status {
  ok,              // the function answered
  function_error,  // the function reported an error, or could not be initialised
  timed_out,       // past Limits::timeout; the jail was killed whole
  out_of_memory,   // past Limits::memory; the jail was killed whole
  killed,          // killed by policy (seccomp, memory watch); error_type says which
  crashed,         // the runtime process ended without an answer
  lost,            // ours: the spawner, the jail or the runtime ended under it (Sandbox.Failure)
  abandoned,  // the caller's deadline passed or it cancelled; the function runs on and is recorded
};
std::string_view to_string(Status);

// Where the time of one call went. Unset stages did not happen (a warm call has no init).
struct Timing {
  Duration queued{};             // arrival to dispatch or to the start of a new instance
  std::optional<Duration> code;  // waiting for the code tree
  std::optional<Duration> jail;  // asking the spawner until the jail was built
  std::optional<Duration> exec;  // the exec of its program
  std::optional<Duration> init;  // from there until the runtime's first `next`
  // dispatch until the response's first byte; unset where none came
  std::optional<Duration> first_byte;
  Duration run{};  // dispatch until the response was complete
};

struct Stage {
  std::string_view name;  // queued | code | jail | exec | init | first_byte; a literal
  Duration took{};
};
// Those that happened, in this order. One after the other they make a start: what the log's REPORT
// line, the metrics and the HTTP API show of it.
std::vector<Stage> stages(Timing const&);

// A complete call.
struct Outcome {
  Status status = Status::ok;
  std::string payload;  // the response, or Lambda's error document {"errorType","errorMessage",…}
  std::string content_type;  // as the function gave it; empty if it gave none
  std::string error_type;    // "Sandbox.Timedout", "Runtime.ExitError", …; empty if ok
  std::string request_id;
  std::string version;  // of the function, that ran: "$LATEST" or a number
  StartLevel start = StartLevel::warm;
  Timing timing;
  Bytes max_memory;      // most the instance has used so far; 0 where the host cannot tell
  std::string log_tail;  // last 4,096 bytes of this call's log, START to REPORT; if asked for
  bool ok() const { return status == Status::ok; }
};

// What is known when the first byte of a response arrives.
struct ResponseHead {
  std::string request_id;
  std::string version;  // as Outcome's
  std::string content_type;
  bool streaming = false;  // the function chose Lambda's streaming response mode
  StartLevel start = StartLevel::warm;
};

}  // namespace faas::inline v0
