// The queue with a database of its own, for a host that uses it alone.
#include <faas/event_queue.hpp>

#include "events/queue.hpp"

namespace faas::inline v0 {

struct EventQueue::Impl {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<events::Queue> queue;  // goes first
};

Result<EventQueue> EventQueue::open(EventQueueOptions options) {
  auto const path = options.directory.empty() ? "" : options.directory + "/events.db";
  auto store = store::Store::open({.path = path});
  if (!store) return store.error();
  auto queue = events::Queue::open(**store, std::move(options), std::chrono::system_clock::now());
  if (!queue) return queue.error();
  return EventQueue(std::make_unique<Impl>(Impl{std::move(*store), std::move(*queue)}));
}

EventQueue::EventQueue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventQueue::~EventQueue() = default;
EventQueue::EventQueue(EventQueue&&) noexcept = default;
EventQueue& EventQueue::operator=(EventQueue&&) noexcept = default;

void EventQueue::enqueue(Event event, SystemTime now, Done<Accepted> done) {
  impl_->queue->enqueue(std::move(event), now, std::move(done));
}
void EventQueue::lease(std::size_t most, SystemTime now, Done<std::vector<Lease>> done) {
  impl_->queue->lease(most, now, std::move(done));
}
void EventQueue::settle(std::vector<Settlement> all, SystemTime now, Done<void> done) {
  impl_->queue->settle(std::move(all), now, std::move(done));
}
std::optional<SystemTime> EventQueue::next_due() const { return impl_->queue->next_due(); }
void EventQueue::on_due(std::function<void()> listener) {
  impl_->queue->on_due(std::move(listener));
}
EventQueueStats EventQueue::stats() const { return impl_->queue->stats(); }
void EventQueue::find(std::string request_id, Done<EventStatus> done) {
  impl_->queue->find(std::move(request_id), std::move(done));
}
void EventQueue::dead_letters(std::string account, std::uint64_t after, std::size_t most,
                              Done<std::vector<EventStatus>> done) {
  impl_->queue->dead_letters(std::move(account), after, most, std::move(done));
}
void EventQueue::dead_letter(std::string request_id, Done<Event> done) {
  impl_->queue->dead_letter(std::move(request_id), std::move(done));
}
void EventQueue::redrive(std::string request_id, SystemTime now, Done<void> done) {
  impl_->queue->redrive(std::move(request_id), now, std::move(done));
}
void EventQueue::purge(std::string request_id, Done<void> done) {
  impl_->queue->purge(std::move(request_id), std::move(done));
}

}  // namespace faas::inline v0
