// Counts operator new and delete of this whole program: the warm path must not move the first, and
// what is gone must have taken its memory along.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <faas/scheduler.hpp>
#include <new>

namespace {
std::atomic<std::size_t> allocations{0}, releases{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  releases += p != nullptr;
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

using namespace faas;

namespace {

// Calls that overlap by `width`, so that many instances are busy at once.
void warm_calls(Scheduler& scheduler, std::vector<SchedulerAction>& actions, unsigned from,
                unsigned count, unsigned width, std::string const& tenant,
                std::string const& caller) {
  TimePoint now{};
  for (unsigned i = 0; i < count + width; ++i) {
    actions.clear();
    if (i < count)
      scheduler.on(event::Arrived{CallId{from + i}, RevisionId{1 + i % 3}, {}, tenant, caller}, now,
                   actions);
    for (std::size_t a = 0; a < actions.size(); ++a)
      if (auto* start = std::get_if<action::Start>(&actions[a]))
        scheduler.on(event::Ready{InstanceId{start->instance}}, now, actions);
    if (i >= width) scheduler.on(event::Finished{CallId{from + i - width}, true}, now, actions);
  }
}

std::size_t allocations_when_warm(std::string const& tenant, std::string const& caller = {}) {
  Scheduler scheduler({.max_instances = 64,
                       .account_concurrency = 1000,
                       .caller_rate = 1'000'000,
                       .caller_burst = 1'000'000});
  std::vector<SchedulerAction> actions;
  actions.reserve(64);
  for (unsigned id : {1, 2, 3})
    scheduler.on(event::RevisionAdded{RevisionId{id}, {}, Place::here, 1, "f"}, TimePoint{},
                 actions);
  warm_calls(scheduler, actions, 1, 1000, 20, tenant, caller);
  std::size_t const before = allocations;
  warm_calls(scheduler, actions, 10'000, 10'000, 20, tenant, caller);
  return allocations - before;
}

std::size_t alive() { return allocations - releases; }

// One call of a tenant of a revision of its own; then everything of it goes.
void come_and_go(Scheduler& scheduler, std::vector<SchedulerAction>& actions, std::uint64_t id) {
  TimePoint now{};
  actions.clear();
  std::string const tenant = "a tenant that no other call has, number " + std::to_string(id);
  scheduler.on(event::RevisionAdded{RevisionId{id}, {}}, now, actions);
  for (auto const& name : {tenant, std::string()}) {
    actions.clear();
    scheduler.on(event::Arrived{CallId{id}, RevisionId{id}, {}, name}, now, actions);
    InstanceId const instance = std::get<action::Start>(actions.at(0)).instance;
    scheduler.on(event::Ready{instance}, now, actions);
    scheduler.on(event::Finished{CallId{id}, true}, now, actions);
    if (name.empty()) scheduler.on(event::RevisionRetired{RevisionId{id}}, now, actions);
    scheduler.on(event::Exited{instance}, now, actions);
  }
}

}  // namespace

TEST_CASE("a warm call allocates nothing") { CHECK(allocations_when_warm("") == 0); }

TEST_CASE("a warm call of a tenant allocates nothing") {
  CHECK(allocations_when_warm("blue") == 0);
}

TEST_CASE("a warm call whose caller is counted allocates nothing") {
  CHECK(allocations_when_warm("", "ann") == 0);
}

TEST_CASE("tenants and revisions that are gone leave no memory behind") {
  Scheduler scheduler({});
  std::vector<SchedulerAction> actions;
  actions.reserve(16);
  for (std::uint64_t id = 1; id <= 100; ++id) come_and_go(scheduler, actions, id);
  actions.clear();
  std::size_t const before = alive();
  for (std::uint64_t id = 101; id <= 1000; ++id) come_and_go(scheduler, actions, id);
  actions.clear();
  CHECK(alive() == before);
}

TEST_CASE("the count counts") {
  std::size_t const before = allocations;
  ::operator delete(::operator new(sizeof(int)));
  CHECK(allocations == before + 1);
}
