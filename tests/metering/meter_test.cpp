#include "metering/meter.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::metering;
using namespace faas::test;
using namespace std::chrono_literals;
using store::Store;

namespace {

FunctionName const kHello("hello");

TimePoint at(Duration d) { return TimePoint(d); }

InvocationRecord call(FunctionName const& function = kHello, Status status = Status::ok,
                      StartLevel start = StartLevel::warm) {
  return {.function = function,
          .revision = RevisionId{1},
          .request_id = "id",
          .status = status,
          .error_type = "",
          .start = start,
          .timing = {.run = 1500us},
          .billed = 2ms,
          .memory = 128_MiB,
          .max_memory = 30_MiB,
          .ended = SystemTime(1h),
          .degraded = false};
}

// What is on disk now, without what memory holds.
std::int64_t rows_with_calls(Store& store, std::int64_t ok) {
  std::int64_t count = -1;
  CHECK(store.run([&](store::Transaction& t) {
    return t.query("SELECT count(*) FROM usage WHERE ok = ?", {ok},
                   [&](store::Row const& row) -> Result<void> {
                     count = row.integer(0);
                     return {};
                   });
  }));
  return count;
}

}  // namespace

TEST_CASE("calls add up by status, start and size") {
  Usage usage;
  auto cold = call(kHello, Status::timed_out, StartLevel::cold);
  cold.timing.init = 100ms;
  cold.billed = 102ms;
  cold.max_memory = 20_MiB;
  cold.ended = SystemTime(2h);
  add(usage, cold);
  add(usage, call());
  add(usage, call());
  CHECK(usage.invocations() == 3);
  CHECK(usage.by_status[static_cast<std::size_t>(Status::ok)] == 2);
  CHECK(usage.by_status[static_cast<std::size_t>(Status::timed_out)] == 1);
  CHECK(usage.by_start[static_cast<std::size_t>(StartLevel::warm)] == 2);
  CHECK(usage.by_start[static_cast<std::size_t>(StartLevel::cold)] == 1);
  CHECK(usage.billed == 106ms);
  CHECK(usage.run == 4500us);
  CHECK(usage.init == 100ms);
  CHECK(usage.memory_time == 128 * 106);
  CHECK(usage.max_memory == 30_MiB);
  CHECK(usage.last == SystemTime(2h));
}

TEST_CASE("a sum that is full stays full") {
  Usage usage;
  usage.memory_time = std::numeric_limits<std::int64_t>::max() - 1;
  auto odd = call();
  odd.max_memory = {~std::uint64_t{0}};
  add(usage, odd);
  CHECK(usage.memory_time == std::numeric_limits<std::int64_t>::max());
  auto store = Store::open({}).value();
  auto meter = Meter::open(*store).value();
  meter->record(odd, at(0s));
  CHECK(meter->flush());
}

TEST_CASE("usage survives a restart, every field of it") {
  TempDir dir;
  Usage before;
  {
    auto store = Store::open({.path = dir / "db"}).value();
    auto meter = Meter::open(*store).value();
    int n = 0;
    for (auto status :
         {Status::ok, Status::function_error, Status::timed_out, Status::out_of_memory,
          Status::killed, Status::crashed, Status::lost, Status::abandoned}) {
      for (auto start : {StartLevel::warm, StartLevel::fork, StartLevel::pooled, StartLevel::cold,
                         StartLevel::first}) {
        // A different count each, so that no two columns can be mistaken.
        for (int i = 0; i <= n; ++i) {
          auto record = call(kHello, status, start);
          record.timing.init = 3ms;
          meter->record(record, at(0s));
        }
        ++n;
      }
    }
    before = meter->usage(kHello);
    CHECK(before.invocations() == 40 * 41 / 2);
    CHECK(meter->flush());
  }
  auto store = Store::open({.path = dir / "db"}).value();
  auto meter = Meter::open(*store).value();
  CHECK((meter->usage(kHello) == before));
  CHECK(meter->all().size() == 1);
  meter->record(call(), at(0s));
  CHECK(meter->usage(kHello).invocations() == before.invocations() + 1);
}

TEST_CASE("a function that was never called used nothing") {
  auto store = Store::open({}).value();
  auto meter = Meter::open(*store).value();
  CHECK((meter->usage("nobody") == Usage{}));
}

TEST_CASE("accounts are metered apart") {
  auto store = Store::open({}).value();
  auto meter = Meter::open(*store).value();
  FunctionName const theirs("111111111111", "hello");
  meter->record(call(), at(0s));
  meter->record(call(theirs), at(0s));
  meter->record(call(theirs), at(0s));
  CHECK(meter->usage(kHello).invocations() == 1);
  CHECK(meter->usage(theirs).invocations() == 2);
}

TEST_CASE("counts are written once an interval, on a call or a tick, and only if there are any") {
  auto store = Store::open({}).value();
  auto meter = Meter::open(*store, 5s).value();
  meter->record(call(), at(100s));
  CHECK(rows_with_calls(*store, 1) == 0);
  meter->tick(at(104s));
  CHECK(rows_with_calls(*store, 1) == 0);
  meter->tick(at(105s));
  CHECK(rows_with_calls(*store, 1) == 1);
  meter->record(call(), at(106s));
  CHECK(rows_with_calls(*store, 2) == 0);
  meter->record(call(), at(110s));
  CHECK(rows_with_calls(*store, 3) == 1);
}

TEST_CASE("a write that failed is made up for by the next, and counts nothing twice") {
  auto store = Store::open({}).value();
  auto meter = Meter::open(*store, 5s).value();
  auto sql = [&](char const* text) {
    CHECK(store->run([&](store::Transaction& t) -> Result<void> {
      auto r = t.execute(text);
      if (!r) return r.error();
      return {};
    }));
  };
  meter->record(call(), at(0s));
  sql("ALTER TABLE usage RENAME TO elsewhere");
  CHECK(meter->flush().has_error());
  meter->record(call(), at(10s));  // due: fails as well
  sql("ALTER TABLE elsewhere RENAME TO usage");
  CHECK(meter->flush());
  CHECK(rows_with_calls(*store, 2) == 1);
  CHECK(meter->usage(kHello).invocations() == 2);
}

TEST_CASE("after kill -9 everything up to the last write is there") {
  TempDir dir;
  pid_t const child = ::fork();
  if (child == 0) {
    auto store = Store::open({.path = dir / "db"}).value();
    auto meter = Meter::open(*store, 5s).value();
    for (int i = 0; i < 10; ++i) meter->record(call(), at(0s));
    if (!meter->flush()) ::_exit(1);
    meter->record(call(), at(1s));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  auto store = Store::open({.path = dir / "db"}).value();
  CHECK(Meter::open(*store).value()->usage(kHello).invocations() == 10);
}

TEST_CASE("many threads record and none is lost, whatever is written meanwhile") {
  TempDir dir;
  {
    auto store = Store::open({.path = dir / "db"}).value();
    auto meter = Meter::open(*store, 1ms).value();
    std::vector<std::thread> threads;
    for (int n = 0; n < 4; ++n) {
      threads.emplace_back([&, n] {
        for (int i = 0; i < 1000; ++i) {
          meter->record(call(), at(milliseconds(i)));
          if (i % 100 == n) static_cast<void>(meter->flush());
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(meter->flush());
  }
  auto store = Store::open({.path = dir / "db"}).value();
  CHECK(Meter::open(*store).value()->usage(kHello).invocations() == 4000);
}
