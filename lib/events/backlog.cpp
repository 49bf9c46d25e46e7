#include "events/backlog.hpp"

namespace faas::inline v0::events {

void Backlog::add(EventId id, std::string const& account, SystemTime due) {
  auto const found = ready_.try_emplace(account).first;
  delayed_.push({due, id, &found->first});
  ++size_;
}

void Backlog::move_due(SystemTime now) {
  while (!delayed_.empty() && delayed_.top().due <= now) {
    auto const next = delayed_.top();
    delayed_.pop();
    auto const found = ready_.find(*next.account);
    if (found->second.empty()) turns_.push_back(found);
    found->second.push_back(next.id);
  }
}

std::optional<EventId> Backlog::take(SystemTime now) {
  move_due(now);
  if (turns_.empty()) return std::nullopt;
  auto const account = turns_.front();
  turns_.pop_front();
  auto const id = account->second.front();
  account->second.pop_front();
  if (!account->second.empty()) turns_.push_back(account);
  --size_;
  return id;
}

std::optional<SystemTime> Backlog::next_due() const {
  if (!turns_.empty()) return SystemTime::min();
  if (delayed_.empty()) return std::nullopt;
  return delayed_.top().due;
}

}  // namespace faas::inline v0::events
