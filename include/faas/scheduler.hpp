// Decides where a call runs: a warm instance, a new one, the queue, or a refusal. Pure: no clock,
// file descriptor, thread or random source; time comes with each event and decisions go into the
// caller's buffer. The same code runs in the runtime and in a simulator.
#pragma once

#include <cstdint>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/outcome.hpp>
#include <faas/units.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace faas::inline v0 {

enum class CallId : std::uint64_t {};
enum class InstanceId : std::uint64_t {};
// Where an instance lives: 0 is this host's jail backend; the caller gives meaning to others.
enum class Place : std::uint32_t { here = 0, host_callable = 1 };

// What the scheduler is told. Every id is the caller's, but InstanceId, which the scheduler gives
// out.
namespace event {
// Before any call of it. A revision replaces no other; retire the old one yourself.
struct RevisionAdded {
  RevisionId revision;
  Limits limits;
  Place place = Place::here;
  unsigned capacity = 1;  // calls at once on one instance, at least 1
};
// No new call will come. Idle instances stop now, busy ones when they finish; queued calls still
// run.
struct RevisionRetired {
  RevisionId revision;
};
struct Arrived {
  CallId call;
  RevisionId revision;
  // waiting past it is refused (Errc::deadline, layer "queue" or "start")
  std::optional<TimePoint> deadline;
  std::string tenant;  // instances are never shared between tenants
};
struct Cancelled {
  CallId call;
};  // the caller gave up; ignored unless the call is waiting
struct Ready {
  InstanceId instance;
};  // the instance asked for work
struct StartFailed {
  InstanceId instance;
};  // it ended before Ready
// the dispatched call ended; not reusable: the instance is being destroyed
struct Finished {
  CallId call;
  bool reusable;
};
struct Exited {
  InstanceId instance;
};                // gone from the host: its budget is free again
struct Tick {};   // next_wake() has come
struct Drain {};  // refuse new calls (Errc::unavailable), go on with accepted ones
}  // namespace event
using SchedulerEvent = std::variant<event::RevisionAdded, event::RevisionRetired, event::Arrived,
                                    event::Cancelled, event::Ready, event::StartFailed,
                                    event::Finished, event::Exited, event::Tick, event::Drain>;

// What the caller must do, in order.
namespace action {
struct Dispatch {
  CallId call;
  InstanceId instance;
  StartLevel level;
  Duration waited;
};
struct Start {
  InstanceId instance;
  RevisionId revision;
  Place place;
  bool tenant = false;  // for calls of one tenant; nothing of it may pass to another instance
};
struct Stop {
  InstanceId instance;
};  // idle expiry, eviction or retirement; answer with Exited
// nothing ran; error.message names limit, value and where it was set
struct Refuse {
  CallId call;
  Error error;
};
// the start made for this call failed: the call ends with that start's failure
struct Fail {
  CallId call;
  InstanceId instance;
};
}  // namespace action
using SchedulerAction =
    std::variant<action::Dispatch, action::Start, action::Stop, action::Refuse, action::Fail>;

struct SchedulerOptions {
  Bytes memory = 0_B;            // host budget of memory + tmp over all instances; 0: none
  unsigned max_instances = 256;  // over all functions
  Duration idle_expiry = std::chrono::minutes(10);
  unsigned queue = 10'000;  // calls waiting over all functions
};

struct SchedulerStats {
  std::size_t calls_waiting = 0, calls_running = 0;
  std::size_t instances = 0, idle = 0, starting = 0;  // starting and idle are part of instances
  Bytes memory_reserved;
  std::size_t revisions = 0;  // added, and not yet retired and done with
};

struct InstanceState {
  InstanceId instance;
  RevisionId revision;
  enum class Phase { starting, idle, busy, stopping } phase;
};

// Not thread-safe; the owner serialises. Invariants (tests/scheduler): an instance never has more
// calls than its capacity; memory and instance budgets are never exceeded; every Arrived call gets
// exactly one of {Dispatch then Finished by the caller, Refuse, Fail, Cancelled}.
//
// Policy: the most recently used idle instance first; else a new one within the function's
// concurrency and the host's budget, evicting the longest idle instance of other revisions if that
// makes room; else the function's queue (first in, first out); else a refusal. A call that an
// instance is starting for is not in the queue, so a queue of 0 still allows cold starts. What
// becomes free goes round the functions that wait; one that has waited a second for its first
// instance gets the place of the next instance that ends a call and has served for a second. A
// function bigger than the whole budget is refused (Errc::unavailable). An event that names
// something unknown is ignored: late messages are ordinary.
//
// Starts that fail: while the last start of a revision has failed, no more than ten a second are
// made (those under way when the first one fails are not counted). After ten failures in a row
// there is one a second, and a call that no instance can take is refused (Errc::throttled,
// "StartsFailing") once that one has failed, or at once if it is not time yet. A start that gets
// ready ends it.
class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions);
  ~Scheduler();
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;

  // Appends to `out`. `now` never goes backwards.
  void on(SchedulerEvent, TimePoint now, std::vector<SchedulerAction>& out);

  // When to send Tick; nothing: never, until another event.
  std::optional<TimePoint> next_wake() const;

  SchedulerStats stats() const;
  std::vector<InstanceState> instances() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace faas::inline v0
