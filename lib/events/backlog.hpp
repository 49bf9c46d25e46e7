// Which event is next: each account in turn, its own in the order they became due. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <faas/units.hpp>
#include <list>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

namespace faas::inline v0::events {

using EventId = std::uint64_t;

class Backlog {
 public:
  void add(EventId, std::string const& account, SystemTime due);
  // The next one that is due, if any; it is no longer here.
  std::optional<EventId> take(SystemTime now);
  // Nothing: none waits. In the past: one is due already.
  std::optional<SystemTime> next_due() const;
  std::size_t size() const { return size_; }

 private:
  struct Delayed {
    SystemTime due;
    EventId id;
    std::string const* account;
    bool operator>(Delayed const& other) const {
      return due != other.due ? due > other.due : id > other.id;
    }
  };
  using Ready = std::map<std::string, std::deque<EventId>>;
  void move_due(SystemTime now);

  // Accounts stay once they were seen, so that Delayed may point at them: a few bytes each.
  Ready ready_;
  std::list<Ready::iterator> turns_;  // accounts with ready events, the next one first
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> delayed_;
  std::size_t size_ = 0;
};

}  // namespace faas::inline v0::events
