#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <faas/event_queue.hpp>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;
using namespace std::chrono_literals;
using What = Settlement::What;

namespace {

SystemTime const kNow(std::chrono::hours(24 * 365 * 30));

Event event(std::string id, std::string payload = "{}", std::string account = "111111111111") {
  Event e;
  e.function = {std::move(account), "f"};
  e.request_id = std::move(id);
  e.payload = std::move(payload);
  return e;
}

// The queue's callbacks as values.
class Queue {
 public:
  explicit Queue(EventQueueOptions options = {})
      : queue_(EventQueue::open(std::move(options)).value()) {}

  Result<Accepted> enqueue(Event e, SystemTime now = kNow) {
    return wait<Accepted>([&](auto done) { queue_.enqueue(std::move(e), now, done); });
  }
  std::vector<Lease> lease(std::size_t most = 100, SystemTime now = kNow) {
    return wait<std::vector<Lease>>([&](auto done) { queue_.lease(most, now, done); }).value();
  }
  Result<void> settle(std::vector<Settlement> all, SystemTime now = kNow) {
    return wait<void>([&](auto done) { queue_.settle(std::move(all), now, done); });
  }
  Result<void> settle(Lease const& lease, What what, std::string result = {}) {
    Settlement s;
    s.id = lease.id;
    s.what = what;
    s.attempts = lease.attempts + 1;
    s.due = kNow + 60s;
    s.result = std::move(result);
    return settle({s});
  }
  Result<EventStatus> find(std::string id) {
    return wait<EventStatus>([&](auto done) { queue_.find(std::move(id), done); });
  }
  std::vector<EventStatus> dead(std::string account = "111111111111", std::uint64_t after = 0,
                                std::size_t most = 100) {
    return wait<std::vector<EventStatus>>(
               [&](auto done) { queue_.dead_letters(std::move(account), after, most, done); })
        .value();
  }
  Result<Event> dead_letter(std::string id) {
    return wait<Event>([&](auto done) { queue_.dead_letter(std::move(id), done); });
  }
  Result<void> redrive(std::string id, SystemTime now = kNow) {
    return wait<void>([&](auto done) { queue_.redrive(std::move(id), now, done); });
  }
  Result<void> purge(std::string id) {
    return wait<void>([&](auto done) { queue_.purge(std::move(id), done); });
  }
  EventQueue& operator*() { return queue_; }
  EventQueue* operator->() { return &queue_; }

 private:
  template <class T, class Ask>
  static Result<T> wait(Ask ask) {
    std::promise<Result<T>> promise;
    ask([&](Result<T> r) { promise.set_value(std::move(r)); });
    return promise.get_future().get();
  }
  EventQueue queue_;
};

// In a child that then dies as by kill -9: a queue made with new there is never closed.
template <class F>
void in_dying_process(F f) {
  pid_t const pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    f();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  REQUIRE(WIFSIGNALED(status));
}

void with_sqlite(std::string const& path, char const* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace

TEST_CASE("an event comes out as it went in, once, and its result is kept") {
  Queue queue;
  auto e = event("r1", std::string("a\0b", 3));
  e.qualifier = "live";
  e.content_type = "text/plain";
  e.client_context = "{}";
  e.tenant = "t";
  e.trace_id = "trace";
  CHECK(queue.enqueue(e).value().request_id == "r1");
  CHECK(queue.find("r1")->state == EventState::waiting);
  auto const leases = queue.lease();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].event == e);
  CHECK(leases[0].accepted == kNow);
  CHECK(queue.lease().empty());
  CHECK(queue.find("r1")->state == EventState::leased);
  CHECK(queue.settle(leases[0], What::done, "answer"));
  auto const done = queue.find("r1");
  CHECK(done->state == EventState::done);
  CHECK(done->result == "answer");
  CHECK(queue->stats().bytes.count == 0);
}

TEST_CASE("a retry waits until it is due and remembers its attempts") {
  Queue queue;
  CHECK(queue.enqueue(event("r1")));
  CHECK(queue.settle(queue.lease()[0], What::retry));
  CHECK(queue->next_due() == kNow + 60s);
  CHECK(queue.lease(1, kNow + 59s).empty());
  auto const again = queue.lease(1, kNow + 60s);
  REQUIRE(again.size() == 1);
  CHECK(again[0].attempts == 1);
}

TEST_CASE("a released lease waits again without an attempt") {
  Queue queue;
  CHECK(queue.enqueue(event("r1")));
  CHECK(queue.settle(queue.lease()[0], What::release));
  auto const again = queue.lease();
  REQUIRE(again.size() == 1);
  CHECK(again[0].attempts == 0);
}

TEST_CASE("what is not leased cannot be settled, and a batch is settled together or not at all") {
  Queue queue;
  CHECK(queue.enqueue(event("r1")));
  CHECK(queue.enqueue(event("r2")));
  auto const leases = queue.lease();
  REQUIRE(leases.size() == 2);
  Settlement ours;
  ours.id = leases[0].id;
  Settlement nobodys;
  nobodys.id = 4711;
  CHECK(queue.settle({ours, nobodys}).error().reason == "EventNotLeased");
  CHECK(queue.find("r1")->state == EventState::leased);
  CHECK(queue.settle(leases[0], What::done));
  CHECK(queue.settle(leases[0], What::done).error().reason == "EventNotLeased");
}

TEST_CASE("dead letters are listed by account, shown, driven again and purged") {
  Queue queue;
  CHECK(queue.enqueue(event("r1", "one")));
  CHECK(queue.enqueue(event("r2", "two")));
  CHECK(queue.enqueue(event("other", "{}", "222222222222")));
  for (auto const& l : queue.lease()) CHECK(queue.settle(l, What::dead, "why"));
  auto const listed = queue.dead();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].request_id == "r1");
  CHECK(listed[0].condition == Condition::retries_exhausted);
  CHECK(listed[0].result == "why");
  CHECK(queue.dead("111111111111", listed[0].id).size() == 1);
  CHECK(queue.dead("111111111111", 0, 1).size() == 1);
  CHECK(queue.dead_letter("r2")->payload == "two");

  CHECK(queue.redrive("r1", kNow + 1h));
  auto const again = queue.lease(9, kNow + 1h);
  REQUIRE(again.size() == 1);
  CHECK(again[0].attempts == 0);
  CHECK(again[0].accepted == kNow + 1h);
  CHECK(queue.redrive("r1").error().code == Errc::not_found);
  CHECK(queue.dead_letter("r1").error().code == Errc::not_found);

  CHECK(queue.purge("r2"));
  CHECK(queue.find("r2").error().code == Errc::not_found);
  CHECK(queue.purge("r2").error().code == Errc::not_found);
  CHECK(queue->stats().dead == 1);
}

TEST_CASE("the same idempotency key is accepted once a day, and never for another payload") {
  Queue queue;
  auto first = event("r1");
  first.idempotency_key = "k";
  auto second = event("r2");
  second.idempotency_key = "k";
  CHECK_FALSE(queue.enqueue(first)->repeated);
  auto const repeated = queue.enqueue(second, kNow + 23h).value();
  CHECK(repeated.repeated);
  CHECK(repeated.request_id == "r1");
  CHECK(queue->stats().waiting == 1);
  auto altered = event("r3", "[]");
  altered.idempotency_key = "k";
  CHECK(queue.enqueue(altered).error().reason == "IdempotencyKeyReused");
  auto elsewhere = event("r4", "[]");
  elsewhere.idempotency_key = "k";
  elsewhere.function.name = "g";
  CHECK_FALSE(queue.enqueue(elsewhere)->repeated);
  CHECK_FALSE(queue.enqueue(second, kNow + 24h)->repeated);
}

TEST_CASE("a request id is given once") {
  Queue queue;
  CHECK(queue.enqueue(event("r1")));
  CHECK(queue.enqueue(event("r1")).error().reason == "RequestIdInUse");
  CHECK(queue->stats().waiting == 1);
}

TEST_CASE("every limit refuses with its reason, and what was refused takes no room") {
  Queue queue({.max_payload = 10_B, .max_events = 3, .max_account_events = 2, .max_bytes = 12_B});
  CHECK(queue.enqueue(event("big", "01234567890")).error().code == Errc::too_large);
  CHECK(queue.enqueue(event("")).error().code == Errc::invalid_argument);
  CHECK(queue.enqueue(event("1", "12345678")));
  auto const bytes = queue.enqueue(event("2", "12345678"));
  CHECK(bytes.error().reason == "EventQueueFull");
  CHECK(bytes.error().message.find("max_bytes") != std::string::npos);
  CHECK(queue.enqueue(event("1")).error().reason == "RequestIdInUse");
  CHECK(queue->stats().bytes == 8_B);
  CHECK(queue.enqueue(event("2", "")));
  auto const account = queue.enqueue(event("3", ""));
  CHECK(account.error().message.find("max_account_events") != std::string::npos);
  CHECK(queue.enqueue(event("3", "", "222222222222")));
  auto const all = queue.enqueue(event("4", "", "333333333333"));
  CHECK(all.error().message.find("max_events") != std::string::npos);
  CHECK(queue.settle(queue.lease(1)[0], What::done));
  CHECK(queue.enqueue(event("4", "", "333333333333")));
}

TEST_CASE("results are kept for their time and number, then forgotten") {
  Queue queue({.result_age = 60s, .max_results = 2});
  for (auto const* id : {"1", "2", "3"}) {
    CHECK(queue.enqueue(event(id)));
    CHECK(queue.settle(queue.lease()[0], What::done));
  }
  CHECK(queue.enqueue(event("4"), kNow));
  CHECK(queue.find("1").error().code == Errc::not_found);
  CHECK(queue.find("2"));
  CHECK(queue.enqueue(event("5"), kNow + 60s));
  CHECK(queue.find("3").error().code == Errc::not_found);
  CHECK(queue.find("4"));
}

TEST_CASE("a queue opened anew forgets the oldest results first, whichever was accepted first") {
  TempDir const dir;
  {
    Queue queue({.directory = dir.path()});
    CHECK(queue.enqueue(event("late")));
    CHECK(queue.enqueue(event("early")));
    auto const leases = queue.lease();
    Settlement early, late;
    late.id = leases[0].id;
    early.id = leases[1].id;
    CHECK(queue.settle({early}, kNow + 1s));
    CHECK(queue.settle({late}, kNow + 2s));
  }
  Queue queue({.directory = dir.path(), .max_results = 1});
  CHECK(queue.enqueue(event("next"), kNow + 3s));
  CHECK(queue.find("early").error().code == Errc::not_found);
  CHECK(queue.find("late"));
}

TEST_CASE("an event accepted by a process that was killed is delivered by the next") {
  TempDir const dir;
  in_dying_process([&] {
    auto& queue = *new Queue({.directory = dir.path()});
    if (!queue.enqueue(event("r1", "kept"))) ::_exit(1);
  });
  Queue queue({.directory = dir.path()});
  auto const leases = queue.lease();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].event.payload == "kept");
}

TEST_CASE("a lease ends with its process: no retry is taken, the third death is Poisoned") {
  TempDir const dir;
  { CHECK(Queue({.directory = dir.path()}).enqueue(event("r1"))); }
  for (unsigned death = 1; death <= 3; ++death) {
    in_dying_process([&] {
      auto& queue = *new Queue({.directory = dir.path()});
      if (queue.lease().size() != 1) ::_exit(1);
    });
    // Opening and closing again counts nothing.
    { Queue idle({.directory = dir.path()}); }
    Queue queue({.directory = dir.path()});
    CHECK(queue.find("r1")->deaths == death);
    CHECK(queue.find("r1")->attempts == 0);
  }
  Queue queue({.directory = dir.path()});
  CHECK(queue.lease().empty());
  REQUIRE(queue.dead().size() == 1);
  CHECK(queue.dead()[0].condition == Condition::poisoned);
  CHECK(queue.redrive("r1"));
  CHECK(queue.lease().size() == 1);
}

TEST_CASE("closing releases what is leased: it is no death") {
  TempDir const dir;
  {
    Queue queue({.directory = dir.path()});
    CHECK(queue.enqueue(event("r1")));
    CHECK(queue.lease().size() == 1);
  }
  Queue queue({.directory = dir.path()});
  CHECK(queue.find("r1")->deaths == 0);
  CHECK(queue.lease().size() == 1);
}

TEST_CASE("closing right behind a settlement releases the other leases") {
  TempDir const dir;
  {
    Queue queue({.directory = dir.path()});
    CHECK(queue.enqueue(event("r1")));
    CHECK(queue.enqueue(event("r2")));
    auto const leases = queue.lease();
    REQUIRE(leases.size() == 2);
    Settlement done;
    done.id = leases[0].id;
    // The queue's thread is kept busy, so that the settlement and the end share a transaction.
    std::promise<void> busy;
    queue->find("r1", [&](auto) {
      busy.set_value();
      std::this_thread::sleep_for(50ms);
    });
    busy.get_future().wait();
    queue->settle({done}, kNow, [](auto) {});
  }
  Queue queue({.directory = dir.path()});
  CHECK(queue.find("r1")->state == EventState::done);
  CHECK(queue.find("r2")->state == EventState::waiting);
  CHECK(queue.find("r2")->deaths == 0);
}

TEST_CASE("an event that is refused does not keep old results alive") {
  Queue queue({.result_age = 60s});
  CHECK(queue.enqueue(event("old")));
  CHECK(queue.settle(queue.lease()[0], What::done));
  CHECK(queue.enqueue(event("taken")));
  CHECK(queue.enqueue(event("taken"), kNow + 60s).error().reason == "RequestIdInUse");
  CHECK(queue->stats().done == 1);
  CHECK(queue.enqueue(event("next"), kNow + 60s));
  CHECK(queue.find("old").error().code == Errc::not_found);
}

TEST_CASE("a damaged event is put aside, counted and never delivered; the others are") {
  TempDir const dir;
  {
    Queue queue({.directory = dir.path()});
    for (auto const* id : {"1", "2", "3"}) CHECK(queue.enqueue(event(id, "payload")));
  }
  with_sqlite(dir / "events.db",
              "UPDATE event_bodies SET payload = CAST('paYload' AS BLOB) WHERE id = 1;"
              "UPDATE event_bodies SET qualifier = 'x' WHERE id = 2");
  Queue queue({.directory = dir.path()});
  auto const leases = queue.lease();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].event.request_id == "3");
  CHECK(queue.lease().empty());
  CHECK(queue->stats().damaged == 2);
  CHECK(queue.find("1")->state == EventState::damaged);
}

TEST_CASE("the listener hears of what is due now, and of retries") {
  Queue queue;
  std::promise<void> first;
  std::atomic<int> told = 0;
  queue->on_due([&] {
    if (++told == 1) first.set_value();
  });
  CHECK(queue.enqueue(event("r1")));
  first.get_future().wait();
  CHECK(queue.settle(queue.lease()[0], What::retry));
  CHECK(queue.find("r1"));  // behind it on the same thread
  CHECK(told == 2);
  queue->on_due({});
}

TEST_CASE(
    "what was acknowledged before a kill at any moment is there, and nothing else runs twice") {
  TempDir const dir;
  std::set<std::string> acknowledged, settled;
  for (int round = 0; round < 10; ++round) {
    int out[2];
    REQUIRE(::pipe(out) == 0);
    pid_t const pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      // Tells each acknowledgement with one write, which cannot be torn, after it was given.
      auto const tell = [&](char what, std::string const& id) {
        auto const line = what + id + "\n";
        (void)!::write(out[1], line.data(), line.size());
      };
      Queue queue({.directory = dir.path()});
      for (int i = 0;; ++i) {
        auto const id = std::to_string(round) + "-" + std::to_string(i);
        if (queue.enqueue(event(id, id))) tell('+', id);
        if (i % 3 != 0) continue;
        for (auto const& l : queue.lease(1)) {
          auto const done = l.event.request_id;
          if (queue.settle(l, What::done)) tell('-', done);
        }
      }
    }
    ::close(out[1]);
    ::usleep(20'000 + 9'000 * static_cast<unsigned>(round));
    ::kill(pid, SIGKILL);
    std::string told;
    char space[4096];
    for (ssize_t n = 0; (n = ::read(out[0], space, sizeof space)) > 0;)
      told.append(space, static_cast<std::size_t>(n));
    ::close(out[0]);
    ::waitpid(pid, nullptr, 0);
    for (std::size_t at = 0, end = 0; (end = told.find('\n', at)) != std::string::npos;
         at = end + 1) {
      auto const id = told.substr(at + 1, end - at - 1);
      auto const fresh = (told[at] == '+' ? acknowledged : settled).insert(id).second;
      CHECK(fresh);
    }
  }
  REQUIRE_FALSE(acknowledged.empty());
  Queue queue({.directory = dir.path()});
  std::set<std::string> pending;
  for (auto const& l : queue.lease(1'000'000, std::chrono::system_clock::now())) {
    CHECK(l.event.payload == l.event.request_id);
    CHECK(pending.insert(l.event.request_id).second);
  }
  for (auto const& d : queue.dead()) pending.insert(d.request_id);
  for (auto const& id : acknowledged)
    CHECK((pending.contains(id) || queue.find(id)->state == EventState::done));
  for (auto const& id : settled) CHECK_FALSE(pending.contains(id));
}
