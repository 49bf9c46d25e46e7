// What is told has been synced first, and what could not be synced is not told.
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <faas/event_queue.hpp>
#include <future>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;

namespace {
std::atomic<int> g_syncs{0};
std::atomic<bool> g_failing{false};
}  // namespace

// SQLite calls the C library's; this one stands before it in this program.
extern "C" __attribute__((visibility("default"))) int fdatasync(int fd) {
  if (g_failing) {
    errno = EIO;
    return -1;
  }
  auto const result = static_cast<int>(::syscall(SYS_fdatasync, fd));
  ++g_syncs;
  return result;
}

namespace {

SystemTime const kNow(std::chrono::hours(24 * 365 * 30));

Event numbered(int n) {
  Event e;
  e.function.name = "f";
  e.request_id = std::to_string(n);
  return e;
}

Result<Accepted> enqueue(EventQueue& queue, int n) {
  std::promise<Result<Accepted>> promise;
  queue.enqueue(numbered(n), kNow, [&](Result<Accepted> r) { promise.set_value(std::move(r)); });
  return promise.get_future().get();
}

Result<std::vector<Lease>> lease(EventQueue& queue) {
  std::promise<Result<std::vector<Lease>>> promise;
  queue.lease(100, kNow, [&](auto r) { promise.set_value(std::move(r)); });
  return promise.get_future().get();
}

}  // namespace

TEST_CASE("an acknowledgement comes after a sync that began after the event") {
  TempDir const dir;
  auto queue = EventQueue::open({.directory = dir.path()}).value();
  for (int n = 0; n < 20; ++n) {
    int const before = g_syncs;
    REQUIRE(enqueue(queue, n));
    CHECK(g_syncs > before);
  }
}

TEST_CASE("events that come together share their syncs") {
  TempDir const dir;
  auto queue = EventQueue::open({.directory = dir.path()}).value();
  constexpr int kEvents = 256;
  std::atomic<int> acknowledged = 0;
  std::promise<void> all;
  int const before = g_syncs;
  // From the queue's own thread, which is busy until all are there.
  REQUIRE(enqueue(queue, -1));
  queue.enqueue(numbered(-2), kNow, [&](Result<Accepted>) {
    for (int n = 0; n < kEvents; ++n) {
      queue.enqueue(numbered(n), kNow, [&](Result<Accepted> r) {
        if (r && ++acknowledged == kEvents) all.set_value();
      });
    }
  });
  all.get_future().wait();
  // Three commits, and a checkpoint where one falls due.
  CHECK(g_syncs - before <= 8);
}

TEST_CASE("without a sync nothing is accepted, leased or delivered, and the reason is told") {
  TempDir const dir;
  {
    auto queue = EventQueue::open({.directory = dir.path()}).value();
    REQUIRE(enqueue(queue, 1));
    g_failing = true;
    auto const refused = lease(queue);
    CHECK(refused.error().code == Errc::io);
    CHECK(queue.stats().waiting == 1);
    CHECK(queue.stats().leased == 0);
    CHECK(enqueue(queue, 2).error().code == Errc::io);
    g_failing = false;
    // The kernel has marked the pages clean: a sync that succeeds now proves nothing.
    CHECK(enqueue(queue, 3).error().code == Errc::io);
    CHECK(queue.stats().waiting == 1);
  }
  auto queue = EventQueue::open({.directory = dir.path()}).value();
  auto const leases = lease(queue).value();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].event.request_id == "1");
}
