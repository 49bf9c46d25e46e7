// The scheduler alone: no process, no clock, no thread. A day in the life of a small host in
// simulated time: eight calls, two places, and every decision printed. Run it twice: the answers
// are the same.
#include <cstdio>
#include <faas/scheduler.hpp>
#include <map>

using namespace faas;
using namespace std::chrono_literals;

namespace {

// Events that will happen, by time. A start takes 30 ms here, a call 100 ms, a stop 5 ms.
using Agenda = std::multimap<TimePoint, SchedulerEvent>;

int number(auto id) { return static_cast<int>(id); }

struct Simulation {
  Scheduler scheduler{{.max_instances = 2, .idle_expiry = 10s}};
  Agenda agenda;
  TimePoint now{};
  int answered = 0, refused = 0;

  void carry_out(action::Start const& a) {
    std::printf("start instance %d of function %d\n", number(a.instance), number(a.revision));
    agenda.emplace(now + 30ms, event::Ready{a.instance});
  }
  void carry_out(action::Dispatch const& a) {
    std::printf("run call %d on instance %d (%s)\n", number(a.call), number(a.instance),
                a.level == StartLevel::warm ? "warm" : "cold");
    agenda.emplace(now + 100ms, event::Finished{a.call, true});
    ++answered;
  }
  void carry_out(action::Stop const& a) {
    std::printf("stop instance %d\n", number(a.instance));
    agenda.emplace(now + 5ms, event::Exited{a.instance});
  }
  void carry_out(action::Refuse const& a) {
    std::printf("refuse call %d: %s\n", number(a.call), a.error.message.c_str());
    ++refused;
  }
  void carry_out(action::Fail const&) {}  // no start fails here

  void tell(SchedulerEvent event) {
    std::vector<SchedulerAction> actions;
    scheduler.on(std::move(event), now, actions);
    for (auto const& action : actions) {
      std::printf("%6lld ms  ", static_cast<long long>(now.time_since_epoch() / 1ms));
      std::visit([this](auto const& a) { carry_out(a); }, action);
    }
  }

  // Jumps from event to event; next_wake() is the only timer.
  void run() {
    for (;;) {
      auto wake = scheduler.next_wake();
      if (agenda.empty() && !wake) return;
      if (agenda.empty() || (wake && *wake < agenda.begin()->first)) {
        now = *wake;
        tell(event::Tick{});
      } else {
        auto next = agenda.extract(agenda.begin());
        now = next.key();
        tell(std::move(next.mapped()));
      }
    }
  }
};

}  // namespace

int main() {
  Simulation host;
  host.tell(event::RevisionAdded{RevisionId{1}, {.queue = 2}});
  host.tell(event::RevisionAdded{RevisionId{2}, {}});
  auto call = [&](int id, int revision, auto at) {
    host.agenda.emplace(TimePoint(at), event::Arrived{CallId(id), RevisionId(revision), {}, {}});
  };
  call(1, 1, 0ms);    // cold
  call(2, 1, 200ms);  // warm: the instance is idle
  call(3, 1, 210ms);  // busy: a second one
  call(4, 1, 220ms);  // both places taken: waits
  call(5, 1, 221ms);  // waits
  call(6, 1, 222ms);  // the queue is full: refused
  call(7, 2, 600ms);  // another function: the idle instance that served less makes room
  call(8, 1, 610ms);  // warm again
  host.run();         // until the last idle instance has expired
  std::printf("%d answered, %d refused, %zu instances left\n", host.answered, host.refused,
              host.scheduler.stats().instances);
  return host.answered == 7 && host.refused == 1 && host.scheduler.stats().instances == 0 ? 0 : 1;
}
