// A million events over many functions. The rate is printed, never judged; the counts are.
#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <faas/scheduler.hpp>
#include <random>

using namespace faas;
using namespace std::chrono_literals;

namespace {

struct Counts {
  std::size_t events = 0, arrived = 0, run = 0, warm = 0, refused = 0, finished = 0, starts = 0,
              stops = 0, exited = 0;
};

// Closed loop: every action is answered, in the order the actions came. A fifth of the functions
// gets most of the calls; the host carries 256 instances.
struct Load {
  Scheduler scheduler{{.max_instances = 256, .idle_expiry = 1s}};
  std::deque<SchedulerEvent> answers;
  std::vector<SchedulerAction> actions;
  std::mt19937_64 random{7};
  TimePoint now{};
  Counts counts;

  void tell(SchedulerEvent event) {
    actions.clear();
    scheduler.on(std::move(event), now, actions);
    ++counts.events;
    for (auto const& action : actions) {
      if (auto* start = std::get_if<action::Start>(&action)) {
        ++counts.starts;
        answers.push_back(event::Ready{start->instance});
      } else if (auto* run = std::get_if<action::Dispatch>(&action)) {
        ++counts.run;
        counts.warm += run->level == StartLevel::warm;
        answers.push_back(event::Finished{run->call, true});
      } else if (auto* stop = std::get_if<action::Stop>(&action)) {
        ++counts.stops;
        answers.push_back(event::Exited{stop->instance});
      } else {
        ++counts.refused;
      }
    }
  }

  void answer_one() {
    SchedulerEvent event = std::move(answers.front());
    answers.pop_front();
    counts.finished += std::holds_alternative<event::Finished>(event);
    counts.exited += std::holds_alternative<event::Exited>(event);
    tell(std::move(event));
  }

  void run(std::size_t functions, std::size_t events) {
    for (std::size_t id = 1; id <= functions; ++id)
      tell(event::RevisionAdded{RevisionId{id}, {.queue = 10}});
    counts.events = 0;
    while (counts.events < events) {
      now += 10us;
      std::size_t const popular = 1 + random() % (functions / 5);
      std::size_t const any = 1 + random() % functions;
      tell(event::Arrived{
          CallId{++counts.arrived}, RevisionId{random() % 5 ? popular : any}, {}, {}});
      while (answers.size() > 200) answer_one();
    }
    while (!answers.empty()) answer_one();
  }
};

void a_million_events(std::size_t functions) {
  Load load;
  auto const begin = std::chrono::steady_clock::now();
  load.run(functions, 1'000'000);
  std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
  Counts const& c = load.counts;
  MESSAGE(functions << " functions: " << static_cast<long>(c.events / took.count())
                    << " events/s; warm " << c.warm << " of " << c.run << ", refused " << c.refused
                    << ", starts " << c.starts << ", stops " << c.stops);
  CHECK(c.events >= 1'000'000);
  CHECK(c.run + c.refused == c.arrived);
  CHECK(c.finished == c.run);
  CHECK(c.exited == c.stops);
  CHECK(load.scheduler.stats().calls_waiting == 0);
  CHECK(load.scheduler.stats().calls_running == 0);
  CHECK(load.scheduler.stats().instances == c.starts - c.exited);
  CHECK(load.scheduler.stats().instances == load.scheduler.stats().idle);
}

}  // namespace

TEST_CASE("a million events over 100 functions: every call is run or refused, once") {
  a_million_events(100);
}

TEST_CASE("a million events over 100,000 functions: every call is run or refused, once") {
  a_million_events(100'000);
}
