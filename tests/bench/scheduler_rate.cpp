// Scheduling decisions per second over a number of functions: arrivals, answers, starts and
// evictions. Usage: bench_scheduler_rate FUNCTIONS. A sample is the rate over 20,000 events.
#include <deque>
#include <faas/scheduler.hpp>
#include <random>

#include "bench/sampler.h"

using namespace faas;

namespace {

// The same calls per second over the same 1,000 functions, whatever the number of the others.
class Load {
 public:
  explicit Load(std::uint64_t functions) {
    for (std::uint64_t id = 1; id <= functions; ++id)
      scheduler_.on(event::RevisionAdded{RevisionId{id}, {}}, now_, actions_);
    spread_ = functions / 1000;
  }

  double rate() {
    std::int64_t const begin = nanoseconds();
    for (int events = 0; events < 20'000; ++events) {
      now_ += std::chrono::microseconds(10);
      if (answers_.size() > 100) {
        SchedulerEvent answer = std::move(answers_.front());
        answers_.pop_front();
        tell(std::move(answer));
      } else {
        RevisionId const popular{1 + random_() % 1000 * spread_};
        tell(event::Arrived{CallId{++calls_}, popular, {}, {}});
      }
    }
    return 20'000 * 1e9 / static_cast<double>(nanoseconds() - begin);
  }

 private:
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

  Scheduler scheduler_{{.max_instances = 512}};
  std::vector<SchedulerAction> actions_;
  std::deque<SchedulerEvent> answers_;
  std::mt19937_64 random_{1};
  TimePoint now_{};
  std::uint64_t calls_ = 0, spread_ = 1;
};

int block(void* load, long count, std::int64_t* out) {
  for (long i = 0; i < count; ++i)
    out[i] = static_cast<std::int64_t>(static_cast<Load*>(load)->rate());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  long const functions = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (functions < 1000)
    return std::fprintf(stderr, "usage: bench_scheduler_rate FUNCTIONS (>= 1000)\n"), 2;
  Load load(static_cast<std::uint64_t>(functions));
  load.rate();  // warm
  return serve_blocks(block, &load);
}
