#include "events/backlog.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::events;
using namespace std::chrono_literals;

namespace {

SystemTime at(Duration d) { return SystemTime(std::chrono::duration_cast<milliseconds>(d)); }

std::vector<EventId> take_all(Backlog& backlog, SystemTime now) {
  std::vector<EventId> ids;
  while (auto const id = backlog.take(now)) ids.push_back(*id);
  return ids;
}

}  // namespace

TEST_CASE("events of one account are taken in the order they are due") {
  Backlog backlog;
  backlog.add(1, "a", at(3s));
  backlog.add(2, "a", at(1s));
  backlog.add(3, "a", at(2s));
  CHECK(take_all(backlog, at(5s)) == std::vector<EventId>{2, 3, 1});
  CHECK(backlog.size() == 0);
}

TEST_CASE("what is due later is not taken, and next_due says when") {
  Backlog backlog;
  CHECK_FALSE(backlog.next_due());
  backlog.add(1, "a", at(10s));
  CHECK(backlog.next_due() == at(10s));
  CHECK_FALSE(backlog.take(at(9s)));
  CHECK(backlog.size() == 1);
  CHECK(backlog.take(at(10s)) == 1);
}

TEST_CASE("an account with many events does not keep another's waiting") {
  Backlog backlog;
  for (EventId id = 1; id <= 1000; ++id) backlog.add(id, "flood", at(0s));
  backlog.add(2000, "quiet", at(1s));
  backlog.add(2001, "quiet", at(1s));
  CHECK(backlog.take(at(1s)) == 1);
  CHECK(backlog.take(at(1s)) == 2000);
  CHECK(backlog.take(at(1s)) == 2);
  CHECK(backlog.take(at(1s)) == 2001);
  CHECK(backlog.take(at(1s)) == 3);
}

TEST_CASE("one that was due and not taken is due at once") {
  Backlog backlog;
  backlog.add(1, "a", at(1s));
  backlog.add(2, "a", at(1s));
  CHECK(backlog.take(at(2s)) == 1);
  CHECK(*backlog.next_due() <= at(2s));
}
