// The queue over a store that its owner opened: what faas::EventQueue is, and what the runtime has
// in its own database.
#pragma once

#include <faas/event_queue.hpp>
#include <memory>

#include "store/store.hpp"

namespace faas::inline v0::events {

// Thread-safe; the store outlives it, and is destroyed only after it. Every member is as
// EventQueue's of that name.
class Queue {
 public:
  template <class T>
  using Done = EventQueue::Done<T>;

  static Result<std::unique_ptr<Queue>> open(store::Store&, EventQueueOptions, SystemTime now);

  void enqueue(Event, SystemTime now, Done<Accepted>);
  void lease(std::size_t most, SystemTime now, Done<std::vector<Lease>>);
  void settle(std::vector<Settlement>, SystemTime now, Done<void>);
  std::optional<SystemTime> next_due() const;
  void on_due(std::function<void()>);
  EventQueueStats stats() const;
  void find(std::string request_id, Done<EventStatus>);
  void dead_letters(std::string account, std::uint64_t after, std::size_t most,
                    Done<std::vector<EventStatus>>);
  void dead_letter(std::string request_id, Done<Event>);
  void redrive(std::string request_id, SystemTime now, Done<void>);
  void purge(std::string request_id, Done<void>);

  // Leases that were not settled wait again. Blocks; not on the store's thread.
  ~Queue();
  Queue(Queue const&) = delete;

 private:
  struct State;
  explicit Queue(std::shared_ptr<State>);
  std::shared_ptr<State> state_;
};

}  // namespace faas::inline v0::events
