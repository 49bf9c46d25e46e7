// The durable queue behind asynchronous calls: what it accepted is on disk, and is delivered at
// least once or kept as a dead letter with its reason. Usable alone.
#pragma once

#include <cstdint>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/units.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

// One asynchronous call.
struct Event {
  FunctionName function;
  std::string qualifier;   // a version, an alias, or empty: $LATEST
  std::string request_id;  // 1..128 bytes; the caller's, given once: conflict (RequestIdInUse)
  std::string payload;     // at most EventQueueOptions::max_payload
  std::string content_type, client_context, tenant, trace_id;
  // Of the same function and key, within a day, only the first is accepted; empty: no key.
  std::string idempotency_key;
  friend bool operator==(Event const&, Event const&) = default;
};

struct Accepted {
  std::string request_id;  // of the first event with that idempotency key
  bool repeated = false;   // it was accepted before; nothing was added
};

// How often and how long a failed event is tried again. Lambda's defaults and ranges.
struct RetryPolicy {
  unsigned retries = 2;                  // after function errors, 0..2: one minute, then two
  std::chrono::seconds max_age{21'600};  // 60..21,600 from acceptance
};

// Why an event is a dead letter, in Lambda's words; the last two are ours.
enum class Condition {
  retries_exhausted,  // RetriesExhausted
  event_age,          // EventAgeExceeded
  zero_concurrency,   // ZeroReservedConcurrency: the function is stopped
  poisoned,           // Poisoned: the daemon died three times while it was being delivered
  gone,               // FunctionNotFound: removed after the event was accepted
};
std::string_view to_string(Condition);

// An event to be delivered. The lease has no clock, so none can end before the function does: it
// holds until settle, or until the process ends.
struct Lease {
  std::uint64_t id = 0;
  Event event;  // idempotency_key is empty
  SystemTime accepted{};
  unsigned attempts = 0;   // that ended in a function error before this one
  unsigned throttles = 0;  // refusals since, for the backoff
};

// What became of a lease.
struct Settlement {
  enum class What {
    done,     // delivered; `result` is kept for result_age
    retry,    // again, at `due`
    dead,     // a dead letter, for `condition`
    release,  // as if it had not been leased
  };
  std::uint64_t id = 0;
  What what = What::done;
  unsigned attempts = 0;
  unsigned throttles = 0;
  SystemTime due{};
  Condition condition = Condition::retries_exhausted;
  std::string result;  // opaque; at most max_result
};

// What a failed attempt leads to: Lambda's rules. `random` is uniform in 0..1, for the jitter.
// Function errors wait 60 s, then 120 s; refusals 1 s, doubled up to 300 s, each a random part of
// it. What would be tried again after max_age is dead at once.
enum class Failure { function_error, refused };
Settlement after_failure(Lease const&, Failure, RetryPolicy const&, SystemTime now, double random);

enum class EventState { waiting, leased, done, dead, damaged };
std::string_view to_string(EventState);

// An event as it stands. The payload is there while it waits and of a dead letter.
struct EventStatus {
  std::uint64_t id = 0;
  FunctionName function;
  std::string request_id;
  EventState state = EventState::waiting;
  SystemTime accepted{};
  SystemTime due{};       // waiting: the next attempt; done and dead: when it ended
  unsigned attempts = 0;  // that ended in a function error
  unsigned deaths = 0;    // of the daemon, while it was leased
  std::optional<Condition> condition;
  std::string result;
};

struct EventQueueOptions {
  std::string directory;  // made by the caller; empty: in memory, nothing is durable
  Bytes max_payload = 1_MiB;
  Bytes max_result = 256_KiB;  // a longer one is cut
  // Events that wait, are leased or dead: in all, and of one account. One more is refused.
  std::size_t max_events = 1'000'000;
  std::size_t max_account_events = 500'000;
  Bytes max_bytes = 4_GiB;  // of their payloads
  // Results are kept this long, and at most so many.
  std::chrono::seconds result_age{86'400};
  std::size_t max_results = 100'000;
};

struct EventQueueStats {
  std::size_t waiting = 0, leased = 0, dead = 0, done = 0;
  std::size_t damaged = 0;  // quarantined: their checksum is wrong. Never delivered, never removed
  Bytes bytes;              // of payloads that are kept
};

// Thread-safe. Callbacks run on the queue's own thread and must not block or throw; they may call
// the queue. Events, leases and settlements that come together share one transaction and one fsync.
class EventQueue {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  // Leases of a process that died are void: their events wait again, and are dead letters
  // (Poisoned) after the third such death. Errors: as of a store: conflict (another process has it
  // open), corrupt, unsupported, io, denied, not_found.
  static Result<EventQueue> open(EventQueueOptions);

  // Success: it is on disk. Errors: invalid_argument, too_large; throttled (EventQueueFull); io
  // (DiskFull: nothing was accepted, room makes it work again); conflict (RequestIdInUse,
  // IdempotencyKeyReused: the same key with another payload).
  void enqueue(Event, SystemTime now, Done<Accepted>);
  // At most `most` events that are due, in turn from each account that has any; none is no error.
  // Damaged ones are put aside, and never in the answer.
  void lease(std::size_t most, SystemTime now, Done<std::vector<Lease>>);
  // Together or not at all. Errors: not_found (one is not leased), io.
  void settle(std::vector<Settlement>, SystemTime now, Done<void>);

  // When the next event is due; nothing while none waits.
  std::optional<SystemTime> next_due() const;
  // Told when an event may have become due sooner than next_due said; one listener.
  void on_due(std::function<void()>);
  EventQueueStats stats() const;

  // By request id. Errors: not_found.
  void find(std::string request_id, Done<EventStatus>);
  // Dead letters of an account whose id follows `after`, the oldest first.
  void dead_letters(std::string account, std::uint64_t after, std::size_t most,
                    Done<std::vector<EventStatus>>);
  // The event of a dead letter. Errors: not_found; corrupt (its checksum is wrong).
  void dead_letter(std::string request_id, Done<Event>);
  // Waits again, as if it had just been accepted. Errors: not_found (no such dead letter).
  void redrive(std::string request_id, SystemTime now, Done<void>);
  // For good. Errors: not_found.
  void purge(std::string request_id, Done<void>);

  // Releases what is leased and finishes what was asked.
  ~EventQueue();
  EventQueue(EventQueue&&) noexcept;
  EventQueue& operator=(EventQueue&&) noexcept;

 private:
  struct Impl;
  explicit EventQueue(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace faas::inline v0
