#include "events/queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "events/rows.hpp"

namespace faas::inline v0::events {
namespace {

constexpr std::size_t kMostSwept = 64;  // of old results, with one change

Error full(std::string_view what, std::size_t limit, std::string_view option) {
  return {Errc::throttled,
          fmt::format("The event queue holds {} {} ({}): wait until some are delivered, purge dead "
                      "letters, or raise the limit",
                      limit, what, option),
          "EventQueueFull", "events"};
}

Result<void> check(Event const& event, EventQueueOptions const& options) {
  auto const invalid = [](std::string_view what) {
    return Error{Errc::invalid_argument, std::string(what), {}, "events"};
  };
  if (event.request_id.empty() || event.request_id.size() > 128)
    return invalid("An event's request id has 1 to 128 bytes");
  if (event.idempotency_key.size() > 256)
    return invalid("An idempotency key has at most 256 bytes");
  if (event.function.name.empty()) return invalid("An event names a function");
  if (event.payload.size() <= options.max_payload.count) return {};
  return Error{Errc::too_large,
               fmt::format("An asynchronous payload has at most {} bytes; this one has {}",
                           options.max_payload.count, event.payload.size()),
               "RequestEntityTooLargeException", "events"};
}

using Results = std::deque<std::pair<SystemTime, EventId>>;  // done, the oldest first

}  // namespace

struct Queue::State {
  State(store::Store& s, EventQueueOptions o) : store(s), options(std::move(o)) {}

  // --- with the mutex ---
  Result<void> reserve(Event const&);
  void account_for(Known const&);
  void forget_size(EventId);
  void leave(EventId, EventState);
  Results too_old(SystemTime now);

  void waiting_again(std::vector<EventId> const&, SystemTime due);
  void added(EventId, Event const&, SystemTime now);
  void settled(std::vector<Settlement> const&, SystemTime now);
  void tell_due() const;

  store::Store& store;
  EventQueueOptions const options;

  struct Kept {
    std::string account;
    std::uint64_t size = 0;
    EventState state = EventState::waiting;
  };
  mutable std::mutex mutex;
  Backlog backlog;
  std::unordered_map<EventId, Kept> kept;                   // all but done
  std::unordered_map<std::string, std::size_t> of_account;  // with those under way
  std::size_t events = 0;                                   // likewise
  std::uint64_t bytes = 0;                                  // likewise
  std::array<std::size_t, 5> in_state{};
  Results results;
  EventId next_id = 1;
  std::function<void()> listener;
};

Result<void> Queue::State::reserve(Event const& event) {
  auto& mine = of_account[event.function.account];
  if (events >= options.max_events) return full("events", options.max_events, "max_events");
  if (mine >= options.max_account_events)
    return full("events of this account", options.max_account_events, "max_account_events");
  if (bytes + event.payload.size() > options.max_bytes.count)
    return full("bytes", options.max_bytes.count, "max_bytes");
  ++events;
  ++mine;
  bytes += event.payload.size();
  return {};
}

void Queue::State::account_for(Known const& k) {
  ++in_state[static_cast<std::size_t>(k.state)];
  next_id = std::max(next_id, k.id + 1);
  if (k.state == EventState::done) return results.emplace_back(k.due, k.id), void();
  ++events;
  ++of_account[k.account];
  bytes += k.size;
  kept.emplace(k.id, Kept{k.account, k.size, k.state});
  if (k.state == EventState::waiting) backlog.add(k.id, k.account, k.due);
}

void Queue::State::forget_size(EventId id) {
  auto const found = kept.find(id);
  --events;
  --of_account[found->second.account];
  bytes -= found->second.size;
  kept.erase(found);
}

// From one state to another of those that are kept.
void Queue::State::leave(EventId id, EventState to) {
  auto& entry = kept.at(id);
  --in_state[static_cast<std::size_t>(entry.state)];
  ++in_state[static_cast<std::size_t>(to)];
  entry.state = to;
}

Results Queue::State::too_old(SystemTime now) {
  Results old;
  while (
      old.size() < kMostSwept && !results.empty() &&
      (results.size() > options.max_results || results.front().first + options.result_age <= now)) {
    old.push_back(results.front());
    results.pop_front();
  }
  return old;
}

void Queue::State::added(EventId id, Event const& event, SystemTime now) {
  std::lock_guard lock(mutex);
  kept.emplace(id, Kept{event.function.account, event.payload.size(), EventState::waiting});
  ++in_state[static_cast<std::size_t>(EventState::waiting)];
  backlog.add(id, event.function.account, now);
}

void Queue::State::waiting_again(std::vector<EventId> const& ids, SystemTime due) {
  std::lock_guard lock(mutex);
  for (auto const id : ids) {
    leave(id, EventState::waiting);
    backlog.add(id, kept.at(id).account, due);
  }
}

void Queue::State::settled(std::vector<Settlement> const& all, SystemTime now) {
  std::lock_guard lock(mutex);
  for (auto const& s : all) {
    switch (s.what) {
      case Settlement::What::done:
        leave(s.id, EventState::done);
        forget_size(s.id);
        results.emplace_back(now, s.id);
        break;
      case Settlement::What::dead: leave(s.id, EventState::dead); break;
      case Settlement::What::retry:
      case Settlement::What::release:
        leave(s.id, EventState::waiting);
        backlog.add(s.id, kept.at(s.id).account, s.what == Settlement::What::retry ? s.due : now);
        break;
    }
  }
}

void Queue::State::tell_due() const {
  std::function<void()> told;
  {
    std::lock_guard lock(mutex);
    told = listener;
  }
  if (told) told();
}

Result<std::unique_ptr<Queue>> Queue::open(store::Store& store, EventQueueOptions options,
                                           SystemTime now) {
  auto state = std::make_shared<State>(store, std::move(options));
  auto const read = store.run([&](Transaction& t) -> Result<void> {
    if (auto r = void_leases(t, now); !r) return r;
    if (auto r = drop_old_keys(t, now); !r) return r;
    auto known = read_known(t);
    if (!known) return known.error();
    for (auto const& k : *known) state->account_for(k);
    return {};
  });
  if (!read) return read.error();
  std::sort(state->results.begin(), state->results.end());
  return std::unique_ptr<Queue>(new Queue(std::move(state)));
}

Queue::Queue(std::shared_ptr<State> s) : state_(std::move(s)) {}

Queue::~Queue() {
  on_due({});
  // After everything that was submitted before, so that what was settled is not released.
  (void)state_->store.run([](Transaction& t) { return release_leases(t); });
}

void Queue::enqueue(Event event, SystemTime now, Done<Accepted> done) {
  if (auto valid = check(event, state_->options); !valid) return done(valid.error());
  EventId id = 0;
  Results swept;
  {
    std::unique_lock lock(state_->mutex);
    if (auto room = state_->reserve(event); !room) {
      lock.unlock();
      return done(room.error());
    }
    id = state_->next_id++;
    swept = state_->too_old(now);
  }
  auto const old = std::make_shared<Results const>(std::move(swept));
  auto const shared = std::make_shared<Event>(std::move(event));
  auto const before = std::make_shared<std::optional<Accepted>>();
  state_->store.submit(
      [=](Transaction& t) -> Result<void> {
        for (auto const& [ended, gone] : *old)
          if (auto r = forget(t, gone); !r) return r;
        if (!shared->idempotency_key.empty()) {
          if (auto r = drop_old_keys(t, now); !r) return r;
          auto first = take_key(t, *shared, now);
          if (!first) return first.error();
          *before = std::move(*first);
          if (*before) return {};
        }
        return insert(t, id, *shared, now);
      },
      [=, s = state_, done = std::move(done)](Result<void> committed) {
        bool const fresh = committed.has_value() && !*before;
        if (fresh) {
          s->added(id, *shared, now);
        } else {
          std::lock_guard lock(s->mutex);
          --s->events;
          --s->of_account[shared->function.account];
          s->bytes -= shared->payload.size();
          // They are still in the database: the next one sweeps them.
          if (!committed) s->results.insert(s->results.begin(), old->begin(), old->end());
        }
        if (!committed) return done(committed.error());
        done(fresh ? Accepted{shared->request_id, false} : **before);
        if (fresh) s->tell_due();
      });
}

void Queue::lease(std::size_t most, SystemTime now, Done<std::vector<Lease>> done) {
  std::vector<EventId> ids;
  {
    std::lock_guard lock(state_->mutex);
    while (ids.size() < most) {
      auto const id = state_->backlog.take(now);
      if (!id) break;
      state_->leave(*id, EventState::leased);
      ids.push_back(*id);
    }
  }
  if (ids.empty()) return done(std::vector<Lease>());
  auto const rows = std::make_shared<std::vector<LeasedRow>>();
  auto const shared = std::make_shared<std::vector<EventId> const>(std::move(ids));
  state_->store.submit(
      [=](Transaction& t) -> Result<void> {
        for (auto const id : *shared) {
          auto row = mark_leased(t, id);
          if (!row) return row.error();
          rows->push_back(std::move(*row));
        }
        return {};
      },
      [=, s = state_, done = std::move(done)](Result<void> committed) {
        if (!committed) {
          s->waiting_again(*shared, now);
          return done(committed.error());
        }
        std::vector<Lease> leases;
        for (std::size_t i = 0; i < rows->size(); ++i) {
          auto& row = (*rows)[i];
          if (row.lease) {
            leases.push_back(std::move(*row.lease));
          } else {
            std::lock_guard lock(s->mutex);
            s->leave((*shared)[i], EventState::damaged);
          }
        }
        done(std::move(leases));
      });
}

void Queue::settle(std::vector<Settlement> all, SystemTime now, Done<void> done) {
  auto const shared = std::make_shared<std::vector<Settlement> const>(std::move(all));
  auto const max_result = state_->options.max_result.count;
  state_->store.submit(
      [=](Transaction& t) -> Result<void> {
        for (auto const& s : *shared)
          if (auto r = events::settle(t, s, now, max_result); !r) return r;
        return {};
      },
      [=, s = state_, done = std::move(done)](Result<void> committed) {
        if (!committed) return done(committed.error());
        s->settled(*shared, now);
        done(Result<void>());
        s->tell_due();
      });
}

std::optional<SystemTime> Queue::next_due() const {
  std::lock_guard lock(state_->mutex);
  return state_->backlog.next_due();
}

void Queue::on_due(std::function<void()> listener) {
  std::lock_guard lock(state_->mutex);
  state_->listener = std::move(listener);
}

EventQueueStats Queue::stats() const {
  std::lock_guard lock(state_->mutex);
  auto const count = [&](EventState s) { return state_->in_state[static_cast<std::size_t>(s)]; };
  EventQueueStats stats;
  stats.waiting = count(EventState::waiting);
  stats.leased = count(EventState::leased);
  stats.dead = count(EventState::dead);
  stats.done = state_->results.size();
  stats.damaged = count(EventState::damaged);
  stats.bytes = Bytes{state_->bytes};
  return stats;
}

namespace {

// A question to the database: `ask` gives Result<T>.
template <class T, class Ask>
void answer(store::Store& store, EventQueue::Done<T> done, Ask ask) {
  auto const found = std::make_shared<std::optional<T>>();
  store.submit(
      [found, ask = std::move(ask)](Transaction& t) -> Result<void> {
        Result<T> value = ask(t);
        if (!value) return value.error();
        *found = std::move(*value);
        return {};
      },
      [found, done = std::move(done)](Result<void> read) {
        if (!read) return done(read.error());
        done(std::move(**found));
      });
}

Result<EventStatus> find_dead(Transaction& t, std::string const& request_id) {
  auto found = find(t, request_id);
  if (!found || found->state == EventState::dead) return found;
  return Error{
      Errc::not_found,
      fmt::format("Event {} is no dead letter: it is {}", request_id, to_string(found->state)),
      "EventNotFound", "events"};
}

}  // namespace

void Queue::find(std::string request_id, Done<EventStatus> done) {
  answer<EventStatus>(
      state_->store, std::move(done),
      [request_id = std::move(request_id)](Transaction& t) { return events::find(t, request_id); });
}

void Queue::dead_letters(std::string account, std::uint64_t after, std::size_t most,
                         Done<std::vector<EventStatus>> done) {
  answer<std::vector<EventStatus>>(state_->store, std::move(done),
                                   [account = std::move(account), after, most](Transaction& t) {
                                     return dead_of(t, account, after, most);
                                   });
}

void Queue::dead_letter(std::string request_id, Done<Event> done) {
  answer<Event>(state_->store, std::move(done),
                [request_id = std::move(request_id)](Transaction& t) -> Result<Event> {
                  auto const found = find_dead(t, request_id);
                  if (!found) return found.error();
                  auto event = body(t, found->id);
                  if (!event) return event.error();
                  if (*event) return std::move(**event);
                  return Error{Errc::corrupt,
                               fmt::format("The stored event {} is damaged: its checksum is wrong",
                                           request_id),
                               "EventDamaged", "events"};
                });
}

void Queue::redrive(std::string request_id, SystemTime now, Done<void> done) {
  auto const id = std::make_shared<EventId>(0);
  state_->store.submit(
      [=, request_id = std::move(request_id)](Transaction& t) -> Result<void> {
        auto const found = find_dead(t, request_id);
        if (!found) return found.error();
        *id = found->id;
        return events::redrive(t, *id, now);
      },
      [=, s = state_, done = std::move(done)](Result<void> committed) {
        if (!committed) return done(committed);
        s->waiting_again({*id}, now);
        done(Result<void>());
        s->tell_due();
      });
}

void Queue::purge(std::string request_id, Done<void> done) {
  auto const id = std::make_shared<EventId>(0);
  state_->store.submit(
      [=, request_id = std::move(request_id)](Transaction& t) -> Result<void> {
        auto const found = find_dead(t, request_id);
        if (!found) return found.error();
        *id = found->id;
        return forget(t, *id);
      },
      [=, s = state_, done = std::move(done)](Result<void> committed) {
        if (committed) {
          std::lock_guard lock(s->mutex);
          --s->in_state[static_cast<std::size_t>(EventState::dead)];
          s->forget_size(*id);
        }
        done(std::move(committed));
      });
}

}  // namespace faas::inline v0::events
