#include "events/rows.hpp"

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <string_view>

namespace faas::inline v0::events {
namespace {

using std::chrono::duration_cast;
using store::Blob;
using store::Row;

// Values of event_states.state; never renumbered.
constexpr int kWaiting = 0, kLeased = 1, kDone = 2, kDead = 3, kDamaged = 4;
constexpr std::chrono::hours kKeyWindow{24};

std::int64_t in_ms(SystemTime t) {
  return duration_cast<milliseconds>(t.time_since_epoch()).count();
}
SystemTime from_ms(std::int64_t ms) { return SystemTime(milliseconds(ms)); }

EventState state_of(std::int64_t stored) {
  switch (stored) {
    case kWaiting: return EventState::waiting;
    case kLeased: return EventState::leased;
    case kDone: return EventState::done;
    case kDead: return EventState::dead;
    default: return EventState::damaged;
  }
}

using Crc64 =
    boost::crc_optimal<64, 0x42F0E1EBA9EA3693, ~std::uint64_t{0}, ~std::uint64_t{0}, true, true>;

void feed(Crc64& crc, std::string_view text) {
  auto const size = static_cast<std::uint64_t>(text.size());
  crc.process_bytes(&size, sizeof size);  // so that bytes cannot move between fields
  crc.process_bytes(text.data(), text.size());
}

// As SQLite keeps it: a signed number.
std::int64_t checksum(EventId id, Event const& e) {
  Crc64 crc;
  crc.process_bytes(&id, sizeof id);
  for (std::string_view const field :
       {std::string_view(e.function.account), std::string_view(e.function.name),
        std::string_view(e.qualifier), std::string_view(e.request_id),
        std::string_view(e.content_type), std::string_view(e.client_context),
        std::string_view(e.tenant), std::string_view(e.trace_id), std::string_view(e.payload)})
    feed(crc, field);
  return static_cast<std::int64_t>(crc.checksum());
}

std::int64_t checksum(std::string_view payload) {
  Crc64 crc;
  feed(crc, payload);
  return static_cast<std::int64_t>(crc.checksum());
}

Error not_there(std::string_view what, std::string_view request_id) {
  return {Errc::not_found, fmt::format("There is no {} with the request id {}", what, request_id),
          "EventNotFound", "events"};
}

Result<void> one_row(Result<std::uint64_t> const& changed, EventId id) {
  if (!changed) return changed.error();
  if (*changed == 1) return {};
  return Error{Errc::not_found, fmt::format("Event {} is not leased", id), "EventNotLeased",
               "events"};
}

EventStatus status_of(Row const& row) {
  EventStatus s;
  s.id = static_cast<EventId>(row.integer(0));
  s.function = {std::string(row.text(1)), std::string(row.text(2))};
  s.request_id = row.text(3);
  s.state = state_of(row.integer(4));
  s.accepted = from_ms(row.integer(5));
  s.due = from_ms(row.integer(6));
  s.attempts = static_cast<unsigned>(row.integer(7));
  s.deaths = static_cast<unsigned>(row.integer(8));
  if (!row.is_null(9)) s.condition = static_cast<Condition>(row.integer(9));
  s.result = row.text(10);
  return s;
}

}  // namespace

Result<void> void_leases(Transaction& t, SystemTime now) {
  auto const counted =
      t.execute("UPDATE event_states SET deaths = deaths + 1, state = 0 WHERE state = 1");
  if (!counted) return counted.error();
  auto const poisoned = t.execute(
      "UPDATE event_states SET state = 3, condition = ?, due_ms = ? WHERE state = 0 AND deaths >= "
      "?",
      {static_cast<int>(Condition::poisoned), in_ms(now), static_cast<int>(kMostDeaths)});
  if (!poisoned) return poisoned.error();
  return {};
}

Result<std::vector<Known>> read_known(Transaction& t) {
  std::vector<Known> known;
  auto const read =
      t.query("SELECT id, account, state, due_ms, size FROM event_states", {},
              [&](Row const& row) -> Result<void> {
                known.push_back({static_cast<EventId>(row.integer(0)), std::string(row.text(1)),
                                 state_of(row.integer(2)), from_ms(row.integer(3)),
                                 static_cast<std::uint64_t>(row.integer(4))});
                return {};
              });
  if (!read) return read.error();
  return known;
}

Result<void> insert(Transaction& t, EventId id, Event const& e, SystemTime now) {
  auto const state =
      t.execute("INSERT INTO event_states VALUES (?, ?, ?, ?, ?, 0, ?, ?, 0, 0, 0, NULL, NULL)",
                {id, e.request_id, e.function.account, e.function.name,
                 static_cast<std::uint64_t>(e.payload.size()), in_ms(now), in_ms(now)});
  if (!state && state.error().code == Errc::conflict) {
    return Error{
        Errc::conflict,
        fmt::format("Request id {} is in use: every event has one of its own", e.request_id),
        "RequestIdInUse", "events"};
  }
  if (!state) return state.error();
  auto const body =
      t.execute("INSERT INTO event_bodies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                {id, e.function.account, e.function.name, e.qualifier, e.request_id, e.content_type,
                 e.client_context, e.tenant, e.trace_id, Blob{e.payload}, checksum(id, e)});
  if (!body) return body.error();
  return {};
}

Result<std::optional<Event>> body(Transaction& t, EventId id) {
  std::optional<Event> found;
  auto const read = t.query(
      "SELECT account, name, qualifier, request_id, content_type, client_context, tenant,"
      " trace_id, payload, crc FROM event_bodies WHERE id = ?",
      {id}, [&](Row const& row) -> Result<void> {
        int column = 0;
        auto const text = [&] { return std::string(row.text(column++)); };
        Event e;
        e.function.account = text();
        e.function.name = text();
        for (auto* field : {&e.qualifier, &e.request_id, &e.content_type, &e.client_context,
                            &e.tenant, &e.trace_id, &e.payload})
          *field = text();
        if (checksum(id, e) == row.integer(9)) found = std::move(e);
        return {};
      });
  if (!read) return read.error();
  return found;
}

Result<LeasedRow> mark_leased(Transaction& t, EventId id) {
  auto event = body(t, id);
  if (!event) return event.error();
  int const state = *event ? kLeased : kDamaged;
  auto const changed = t.execute("UPDATE event_states SET state = ? WHERE id = ?", {state, id});
  if (!changed) return changed.error();
  if (!*event) return LeasedRow{};
  Lease lease;
  lease.id = id;
  lease.event = std::move(**event);
  auto const read =
      t.query("SELECT accepted_ms, attempts, throttles FROM event_states WHERE id = ?", {id},
              [&](Row const& row) -> Result<void> {
                lease.accepted = from_ms(row.integer(0));
                lease.attempts = static_cast<unsigned>(row.integer(1));
                lease.throttles = static_cast<unsigned>(row.integer(2));
                return {};
              });
  if (!read) return read.error();
  return LeasedRow{std::move(lease)};
}

namespace {

Result<void> settle_done(Transaction& t, Settlement const& s, SystemTime now,
                         std::string_view result) {
  auto const state =
      one_row(t.execute("UPDATE event_states SET state = 2, attempts = ?, due_ms = ?, result = ?"
                        " WHERE id = ? AND state = 1",
                        {static_cast<int>(s.attempts), in_ms(now), Blob{result}, s.id}),
              s.id);
  if (!state) return state;
  auto const gone = t.execute("DELETE FROM event_bodies WHERE id = ?", {s.id});
  if (!gone) return gone.error();
  return {};
}

}  // namespace

Result<void> settle(Transaction& t, Settlement const& s, SystemTime now, std::size_t max_result) {
  auto const result = std::string_view(s.result).substr(0, max_result);
  switch (s.what) {
    case Settlement::What::done: return settle_done(t, s, now, result);
    case Settlement::What::release: return release(t, s.id);
    case Settlement::What::retry:
      return one_row(t.execute("UPDATE event_states SET state = 0, attempts = ?, throttles = ?,"
                               " due_ms = ? WHERE id = ? AND state = 1",
                               {static_cast<int>(s.attempts), static_cast<int>(s.throttles),
                                in_ms(s.due), s.id}),
                     s.id);
    case Settlement::What::dead: break;
  }
  return one_row(t.execute("UPDATE event_states SET state = 3, attempts = ?, condition = ?,"
                           " due_ms = ?, result = ? WHERE id = ? AND state = 1",
                           {static_cast<int>(s.attempts), static_cast<int>(s.condition), in_ms(now),
                            Blob{result}, s.id}),
                 s.id);
}

Result<void> release(Transaction& t, EventId id) {
  return one_row(t.execute("UPDATE event_states SET state = 0 WHERE id = ? AND state = 1", {id}),
                 id);
}

Result<void> release_leases(Transaction& t) {
  auto const released = t.execute("UPDATE event_states SET state = 0 WHERE state = 1");
  if (!released) return released.error();
  return {};
}

Result<void> forget(Transaction& t, EventId id) {
  for (auto const* sql :
       {"DELETE FROM event_states WHERE id = ?", "DELETE FROM event_bodies WHERE id = ?"}) {
    if (auto const gone = t.execute(sql, {id}); !gone) return gone.error();
  }
  return {};
}

Result<EventStatus> find(Transaction& t, std::string const& request_id) {
  std::optional<EventStatus> found;
  auto const read = t.query(
      "SELECT id, account, name, request_id, state, accepted_ms, due_ms, attempts, deaths,"
      " condition, result FROM event_states WHERE request_id = ?",
      {request_id}, [&](Row const& row) -> Result<void> {
        found = status_of(row);
        return {};
      });
  if (!read) return read.error();
  if (!found) return not_there("event", request_id);
  return std::move(*found);
}

Result<std::vector<EventStatus>> dead_of(Transaction& t, std::string const& account, EventId after,
                                         std::size_t most) {
  std::vector<EventStatus> found;
  auto const read = t.query(
      "SELECT id, account, name, request_id, state, accepted_ms, due_ms, attempts, deaths,"
      " condition, result FROM event_states WHERE state = 3 AND account = ? AND id > ?"
      " ORDER BY id LIMIT ?",
      {account, after, static_cast<std::uint64_t>(most)}, [&](Row const& row) -> Result<void> {
        found.push_back(status_of(row));
        return {};
      });
  if (!read) return read.error();
  return found;
}

Result<void> redrive(Transaction& t, EventId id, SystemTime now) {
  auto const changed = t.execute(
      "UPDATE event_states SET state = 0, attempts = 0, throttles = 0, deaths = 0, accepted_ms = ?,"
      " due_ms = ?, condition = NULL, result = NULL WHERE id = ? AND state = 3",
      {in_ms(now), in_ms(now), id});
  if (!changed) return changed.error();
  return {};
}

Result<std::optional<Accepted>> take_key(Transaction& t, Event const& e, SystemTime now) {
  auto const crc = checksum(e.payload);
  std::optional<Accepted> first;
  bool same = false;
  auto const read =
      t.query("SELECT request_id, crc FROM event_keys WHERE account = ? AND name = ? AND key = ?",
              {e.function.account, e.function.name, e.idempotency_key},
              [&](Row const& row) -> Result<void> {
                first = Accepted{std::string(row.text(0)), true};
                same = row.integer(1) == crc;
                return {};
              });
  if (!read) return read.error();
  if (first && !same) {
    return Error{Errc::conflict,
                 fmt::format("Idempotency key {} was used for another payload, by request {}: use "
                             "a new key",
                             e.idempotency_key, first->request_id),
                 "IdempotencyKeyReused", "events"};
  }
  if (first) return first;
  auto const kept = t.execute("INSERT OR REPLACE INTO event_keys VALUES (?, ?, ?, ?, ?, ?)",
                              {e.function.account, e.function.name, e.idempotency_key, e.request_id,
                               crc, in_ms(now + kKeyWindow)});
  if (!kept) return kept.error();
  return first;
}

Result<void> drop_old_keys(Transaction& t, SystemTime now) {
  auto const gone = t.execute("DELETE FROM event_keys WHERE expires_ms <= ?", {in_ms(now)});
  if (!gone) return gone.error();
  return {};
}

}  // namespace faas::inline v0::events
