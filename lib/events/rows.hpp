// The queue's tables: one row that never changes (the body), one small row that does (the state).
#pragma once

#include <faas/event_queue.hpp>
#include <optional>
#include <string>
#include <vector>

#include "events/backlog.hpp"
#include "store/transaction.hpp"

namespace faas::inline v0::events {

using store::Transaction;

inline constexpr unsigned kMostDeaths = 3;  // of the daemon under one event's lease

// What is remembered of each event while the queue is open.
struct Known {
  EventId id = 0;
  std::string account;
  EventState state = EventState::waiting;
  SystemTime due{};
  std::uint64_t size = 0;  // of its payload
};

// A body whose checksum is right, with its state; none: it is damaged.
struct LeasedRow {
  std::optional<Lease> lease;
};

// Leases of a dead process are void. Safe to be killed and repeated: it counts a lease once.
Result<void> void_leases(Transaction&, SystemTime now);
Result<std::vector<Known>> read_known(Transaction&);

Result<void> insert(Transaction&, EventId, Event const&, SystemTime now);
Result<LeasedRow> mark_leased(Transaction&, EventId);
Result<void> settle(Transaction&, Settlement const&, SystemTime now, std::size_t max_result);
Result<void> release(Transaction&, EventId);
Result<void> release_leases(Transaction&);  // all: a database has one owner
Result<void> forget(Transaction&, EventId);

Result<EventStatus> find(Transaction&, std::string const& request_id);
Result<std::vector<EventStatus>> dead_of(Transaction&, std::string const& account, EventId after,
                                         std::size_t most);
// Nothing: damaged.
Result<std::optional<Event>> body(Transaction&, EventId);
Result<void> redrive(Transaction&, EventId, SystemTime now);

// Nothing if the key is free, and then it is taken. Old ones were dropped before.
Result<std::optional<Accepted>> take_key(Transaction&, Event const&, SystemTime now);
Result<void> drop_old_keys(Transaction&, SystemTime now);

}  // namespace faas::inline v0::events
