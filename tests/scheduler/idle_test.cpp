// Which idle instance is stopped when its place is needed.
#include <doctest/doctest.h>

#include <list>
#include <random>

#include "scheduler/host.hpp"

using namespace faas;
using namespace faas::scheduler_test;

namespace {

Limits needs(Bytes memory) { return {.memory = memory, .tmp = 0_B}; }

// One call at a time; a start takes as long as its function's starts do.
struct Trace {
  std::vector<unsigned> calls;  // of functions 0, 1, ...
  std::vector<Duration> starts;
  std::vector<Bytes> sizes;
};

// A few functions get most of the calls; what a start takes and what it needs is everybody's own.
Trace zipf(std::uint64_t seed) {
  constexpr unsigned kFunctions = 200;
  std::mt19937_64 random(seed);
  Trace trace;
  std::vector<double> weights;
  for (unsigned i = 1; i <= kFunctions; ++i) {
    weights.push_back(1.0 / i);
    trace.starts.push_back((5 + random() % 200) * 1ms * (random() % 4 == 0 ? 10 : 1));
    trace.sizes.push_back({(128 + random() % 1024) << 20});
  }
  std::discrete_distribution<unsigned> which(weights.begin(), weights.end());
  for (int i = 0; i < 20'000; ++i) trace.calls.push_back(which(random));
  return trace;
}

constexpr Bytes kMemory = 20'000_MiB;

// Least recently used, in as few words as it takes.
Duration starts_by_lru(Trace const& trace) {
  std::list<unsigned> warm;  // most recent first
  Bytes used;
  Duration total{};
  for (unsigned f : trace.calls) {
    auto const found = std::find(warm.begin(), warm.end(), f);
    if (found != warm.end()) {
      warm.splice(warm.begin(), warm, found);
      continue;
    }
    for (; used + trace.sizes[f] > kMemory; warm.pop_back()) used = used - trace.sizes[warm.back()];
    warm.push_front(f);
    used = used + trace.sizes[f];
    total += trace.starts[f];
  }
  return total;
}

class OneAtATime {
 public:
  explicit OneAtATime(Trace const& trace) : trace_(trace) {
    for (std::size_t i = 0; i < trace.sizes.size(); ++i)
      tell(event::RevisionAdded{RevisionId{i}, needs(trace.sizes[i])});
  }

  Duration starts() {
    for (unsigned f : trace_.calls) {
      tell(event::Arrived{CallId{++last_}, RevisionId{f}});
      tell(event::Finished{CallId{last_}, true});
    }
    return total_;
  }

 private:
  void tell(SchedulerEvent event) {
    std::vector<SchedulerAction> actions;
    scheduler_.on(std::move(event), now_, actions);
    for (auto const& action : actions) {
      if (auto* stop = std::get_if<action::Stop>(&action)) tell(event::Exited{stop->instance});
      auto* start = std::get_if<action::Start>(&action);
      if (!start) continue;
      Duration const took = trace_.starts[static_cast<std::size_t>(start->revision)];
      total_ += took, now_ += took;
      tell(event::Ready{start->instance});
    }
  }

  Trace const& trace_;
  Scheduler scheduler_{
      {.memory = kMemory, .max_instances = 1000, .idle_expiry = 1000h, .scaling_rate = 0}};
  TimePoint now_{};
  std::uint64_t last_ = 0;
  Duration total_{};
};

// An instance of a function whose start takes that long, and which has served so many calls.
void warm(Host& host, unsigned instance, unsigned revision, Duration start, unsigned calls) {
  unsigned const first = 100 * instance;
  host.arrives(first, revision);
  host.passes(start);
  host.ready(instance);
  host.finished(first);
  for (unsigned call = first + 1; call < first + calls; ++call)
    host.arrives(call, revision), host.finished(call);
}

}  // namespace

TEST_CASE("the one that is quick to start again is stopped first") {
  Host host({.max_instances = 2});
  for (int i = 0; i < 3; ++i) host.function();
  warm(host, 1, 1, 500ms, 1);
  warm(host, 2, 2, 5ms, 1);
  CHECK(host.arrives(3, 3) == "stop i2");
}

TEST_CASE("the one that serves few calls is stopped first") {
  Host host({.max_instances = 2});
  for (int i = 0; i < 3; ++i) host.function();
  warm(host, 1, 1, 50ms, 9);
  warm(host, 2, 2, 50ms, 2);
  CHECK(host.arrives(3, 3) == "stop i2");
}

TEST_CASE("the one that takes more memory is stopped first") {
  Host host({.max_instances = 2});
  host.function(needs(128_MiB)), host.function(needs(1280_MiB)), host.function();
  warm(host, 1, 1, 50ms, 1);
  warm(host, 2, 2, 50ms, 1);
  CHECK(host.arrives(3, 3) == "stop i2");
}

TEST_CASE("what is not used again leaves in the end, however dear it was") {
  Host host({.max_instances = 2});
  host.function();
  warm(host, 1, 1, 500ms, 1);
  unsigned instance = 1;
  std::string stopped;
  for (int i = 0; i < 100 && stopped != "stop i1"; ++i) {
    unsigned const revision = host.function();
    unsigned const call = 10'000 + revision;
    stopped = host.arrives(call, revision);
    if (stopped.find("stop i") == 0)
      host.exited(static_cast<unsigned>(std::stoul(stopped.substr(6))));
    instance = static_cast<unsigned>(host.instances().back().instance);
    host.passes(50ms);
    host.ready(instance), host.finished(call);
  }
  CHECK(stopped == "stop i1");
}

TEST_CASE("over many calls less time goes into starts than if the longest idle were stopped") {
  for (std::uint64_t seed : {1, 2, 3}) {
    Trace const trace = zipf(seed);
    Duration const ours = OneAtATime(trace).starts();
    Duration const lru = starts_by_lru(trace);
    MESSAGE("seed " << seed << ": " << ours / 1s << " s of starts, " << lru / 1s << " s by LRU");
    CHECK(ours < lru);
  }
}
