// What a decision costs over a number of functions: arrivals, answers, starts and evictions, with
// accounts, reservations and callers counted. Usage: bench_scheduler_rate FUNCTIONS [time]. A
// sample is the rate over 20,000 events, or with "time" the nanoseconds for all of them.
#include <cstring>
#include <deque>
#include <faas/scheduler.hpp>
#include <random>

#include "bench/sampler.h"

using namespace faas;

namespace {

constexpr int kEvents = 20'000;

// The same calls per second over the same 1,000 functions, whatever the number of the others.
class Load {
 public:
  Load(std::uint64_t functions, bool time) : time_(time) {
    for (std::uint64_t id = 1; id <= functions; ++id) add(id);
    spread_ = functions / 1000;
  }

  std::int64_t sample() {
    std::int64_t const begin = nanoseconds();
    for (int events = 0; events < kEvents; ++events) step();
    std::int64_t const took = nanoseconds() - begin;
    return time_ ? took : static_cast<std::int64_t>(kEvents * 1e9 / static_cast<double>(took));
  }

 private:
  void add(std::uint64_t id) {
    FunctionName const name("function-" + std::to_string(id));
    tell(event::RevisionAdded{RevisionId{id}, {}, Place::here, 1, name});
    if (id % 100 == 0) tell(event::Reserved{name, 5});
  }

  void step() {
    now_ += std::chrono::microseconds(10);
    if (answers_.size() > 100) {
      SchedulerEvent answer = std::move(answers_.front());
      answers_.pop_front();
      return tell(std::move(answer));
    }
    RevisionId const popular{1 + random_() % 1000 * spread_};
    tell(event::Arrived{CallId{++calls_}, popular, {}, {}, kCallers[calls_ % 4]});
  }

  void tell(SchedulerEvent event) {
    actions_.clear();
    scheduler_.on(std::move(event), now_, actions_);
    for (auto const& action : actions_) {
      if (auto* start = std::get_if<action::Start>(&action))
        answers_.push_back(event::Ready{start->instance});
      else if (auto* run = std::get_if<action::Dispatch>(&action))
        answers_.push_back(event::Finished{run->call, true});
      else if (auto* stop = std::get_if<action::Stop>(&action))
        answers_.push_back(event::Exited{stop->instance});
    }
  }

  static constexpr char const* kCallers[] = {"ann", "bob", "cid", "dan"};
  Scheduler scheduler_{{.max_instances = 512,
                        .account_concurrency = 1'000'000,
                        .caller_rate = 1'000'000,
                        .caller_burst = 1000}};
  std::vector<SchedulerAction> actions_;
  std::deque<SchedulerEvent> answers_;
  std::mt19937_64 random_{1};
  TimePoint now_{};
  std::uint64_t calls_ = 0, spread_ = 1;
  bool time_;
};

int block(void* load, long count, std::int64_t* out) {
  for (long i = 0; i < count; ++i) out[i] = static_cast<Load*>(load)->sample();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  long const functions = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
  bool const time = argc == 3 && std::strcmp(argv[2], "time") == 0;
  if (functions < 1000 || argc > 3 || (argc == 3 && !time))
    return std::fprintf(stderr, "usage: bench_scheduler_rate FUNCTIONS [time] (>= 1000)\n"), 2;
  Load load(static_cast<std::uint64_t>(functions), time);
  load.sample();  // warm
  return serve_blocks(block, &load);
}
