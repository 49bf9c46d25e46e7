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
#include <string_view>
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
  // Whose code it is; several revisions (versions) of one function live at once. An empty name: a
  // function of its own, of that account, which no other event can name.
  FunctionName function;
};
// No new call will come, and what was Provisioned for it ends. Idle instances stop now, busy ones
// when they finish; queued calls still run.
struct RevisionRetired {
  RevisionId revision;
};
// Lambda's reserved concurrency: so many calls of this function, of all its revisions, wait or run
// at once, and so many are kept for it from what its account may have. 0 stops the function;
// nothing: it has none. Holds until the next one, also for a function without a revision.
struct Reserved {
  FunctionName function;
  std::optional<unsigned> concurrency;
};
// Calls of one account that wait or run at once, instead of SchedulerOptions::account_concurrency.
// 0: no limit. Nothing: as the options say.
struct AccountLimit {
  std::string account;
  std::optional<unsigned> concurrency;
};
// Lambda's provisioned concurrency: so many instances of this revision are started before any call
// and kept: neither expiry nor eviction goes below, and one that leaves is replaced. 0 ends it;
// what is too many is idle like any other from then on. They serve calls without a tenant. Where
// there is no room the rest waits for it: idle instances of others are evicted, running ones never.
struct Provisioned {
  RevisionId revision;
  unsigned instances = 0;
};
// The kernel's pressure stall information, as its owner reads it. While it is high nothing is
// started for calls of a revision that has an instance, and at most one instance a second for
// others, for a tenant that has none, and for what is provisioned. Each Pressure{true} also gives
// up one idle instance that is not provisioned, the cheapest; repeat it for as long as it is high.
struct Pressure {
  bool high = false;
};
struct Arrived {
  CallId call;
  RevisionId revision;
  // waiting past it is refused (Errc::deadline, layer "queue" or "start")
  std::optional<TimePoint> deadline;
  std::string tenant;  // instances are never shared between tenants
  std::string caller;  // whose SchedulerOptions::caller_rate this call counts for; empty: nobody's
};
// A call that waits is for another revision of the same function from now on: what it meant was
// replaced. It stays accepted, with its deadline and its patience, behind those that wait there.
// Ignored unless it is waiting and the revision is there.
struct Moved {
  CallId call;
  RevisionId revision;
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
using SchedulerEvent =
    std::variant<event::RevisionAdded, event::RevisionRetired, event::Reserved, event::AccountLimit,
                 event::Provisioned, event::Pressure, event::Arrived, event::Moved,
                 event::Cancelled, event::Ready, event::StartFailed, event::Finished, event::Exited,
                 event::Tick, event::Drain>;

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
  bool tenant = false;       // for calls of one tenant; nothing of it may pass to another instance
  bool provisioned = false;  // one of those that are kept; no call need be waiting for it
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

// A budget of 0 is none, but for max_instances.
struct SchedulerOptions {
  Bytes memory = 0_B;            // host budget of memory + tmp over all instances
  unsigned max_instances = 256;  // over all functions
  Duration idle_expiry = std::chrono::minutes(10);
  unsigned queue = 10'000;  // calls waiting over all functions

  // Host budget; an instance counts for its Limits::memory / 1,769 MiB, and at least for 1.
  double cpus = 0;
  // Host budget of processes and threads, and what one instance counts for.
  unsigned pids = 0;
  unsigned instance_pids = 1024;
  // Host budget of descriptors, and what one instance counts for.
  unsigned fds = 0;
  unsigned instance_fds = 16;

  // Calls of one account that wait or run at once; 0: no limit. Lambda's is 1,000.
  unsigned account_concurrency = 0;
  // New instances of one function: so many at once, and then so many a second; a rate of 0: no
  // limit. Lambda's are 1,000 each 10 s. A start that is over it waits.
  unsigned scaling_burst = 1000;
  unsigned scaling_rate = 100;
  // Calls of one caller: so many a second, and a burst of so many at once; a rate of 0: no limit, a
  // burst of 0: as many as the rate. A call that is refused for another reason has counted.
  unsigned caller_rate = 0;
  unsigned caller_burst = 0;
  // Callers remembered. One that has its whole burst left is forgotten when another needs its
  // place; a new one that finds no place is refused (CallerRateLimitExceeded).
  unsigned callers = 10'000;
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

// Calls are those that were accepted and have not ended: they wait or run.
struct FunctionCounts {
  std::optional<unsigned> reserved;
  std::size_t calls = 0;
  std::size_t instances = 0;    // on the host, those that are stopping too
  std::size_t provisioned = 0;  // asked for, over all revisions
};

// The unreserved pool of an account is its limit, less what its functions reserve, less what is
// provisioned for those of its functions that reserve nothing; never below 0. It is for calls of
// functions without a reservation, but for those that their revision's provisioned instances can
// take: as many at once as were asked for.
struct AccountCounts {
  unsigned limit = 0;  // 0: none
  std::size_t reserved = 0;
  std::size_t unreserved_limit = 0;  // says nothing without a limit
  std::size_t unreserved_used = 0;
};

struct ProvisionedCounts {
  unsigned requested = 0;
  unsigned allocated = 0;  // starting or standing, at most what was requested
  unsigned available = 0;  // standing, at most what was requested
  bool failing = false;    // the last start of this revision failed
};

// Not thread-safe; the owner serialises. Invariants (tests/scheduler): an instance never has more
// calls than its capacity; no budget is ever exceeded; no call is accepted beyond a limit of its
// function, account or caller; every Arrived call gets exactly one of {Dispatch then Finished by
// the caller, Refuse, Fail, Cancelled}.
//
// Policy: a call over a reservation, over the unreserved pool of its account or over the rate of
// its caller is refused (Errc::throttled) and never queued; what is accepted stays accepted when a
// limit is lowered. Then the most recently used idle instance first; else a new one within the
// function's concurrency and the host's budget, evicting idle instances if that makes room; else
// the function's queue (first in, first out); else a refusal. A call that an instance is starting
// for is not in the queue, so a queue of 0 still allows cold starts. What becomes free goes round
// the functions that wait: first those without an instance, then what is provisioned, then those
// that have some; one that has waited a second for its first instance gets the place of the next
// instance that ends a call and has served for a second. A function bigger than the whole budget is
// refused (Errc::unavailable), one bigger than what provisioned instances leave of it too
// (Errc::throttled). An event that names something unknown is ignored: late messages are ordinary.
//
// What is evicted: the idle instance that is the cheapest to make again, by GreedyDual-Size-
// Frequency over the time its start took, the calls it served and its memory.
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

  // Nothing: no revision and no reservation of it is known.
  std::optional<FunctionCounts> function(FunctionName const&) const;
  AccountCounts account(std::string_view) const;    // of an unknown one: its limit, and zeros
  ProvisionedCounts provisioned(RevisionId) const;  // of an unknown one: zeros

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace faas::inline v0
