// The scheduler alone: no process, no thread, no event loop. Two calls, one instance at most.
#include <faas/scheduler.hpp>

#include <cstdio>

using namespace faas;

template <class T>
T const* only(std::vector<SchedulerAction> const& actions) {
  return actions.size() == 1 ? std::get_if<T>(&actions[0]) : nullptr;
}

int main() {
  Scheduler scheduler{SchedulerOptions{}};
  std::vector<SchedulerAction> actions;
  TimePoint const now{};
  auto tell = [&](SchedulerEvent event) {
    actions.clear();
    scheduler.on(std::move(event), now, actions);
  };
  Limits limits;
  limits.concurrency = 1;

  tell(event::RevisionAdded{RevisionId{1}, limits});
  tell(event::Arrived{CallId{1}, RevisionId{1}, {}, {}});
  auto const* start = only<action::Start>(actions);
  if (!start) return std::puts("the first call starts no instance"), 1;
  InstanceId const instance = start->instance;
  tell(event::Arrived{CallId{2}, RevisionId{1}, {}, {}});
  if (!actions.empty()) return std::puts("the second call does not wait"), 1;
  tell(event::Ready{instance});
  auto const* first = only<action::Dispatch>(actions);
  if (!first || first->call != CallId{1}) return std::puts("the first call is not dispatched"), 1;
  tell(event::Finished{CallId{1}, true});
  auto const* second = only<action::Dispatch>(actions);
  if (!second || second->instance != instance) return std::puts("the second call is not warm"), 1;
  std::puts("scheduler alone: ok");
}
