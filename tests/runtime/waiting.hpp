// For a runtime that keeps its loop busy: waits for a value or a state, not for the loop's end.
#pragma once

#include <set>

#include "support/host.hpp"

namespace faas::test {

template <class T>
T wait(Host& host, asio::awaitable<T> work) {
  std::optional<T> value;
  asio::co_spawn(host.io(), std::move(work), [&](std::exception_ptr e, T v) {
    if (e) std::rethrow_exception(e);
    value.emplace(std::move(v));
  });
  host.io().restart();
  while (!value) REQUIRE(host.io().run_one_for(60s) == 1);
  return std::move(*value);
}

inline void pass(Host& host, Duration time) {
  host.io().restart();
  host.io().run_for(time);
}

// What never comes fails here.
template <class Condition>
void until(Host& host, Condition come) {
  auto const patience = std::chrono::steady_clock::now() + 60s;
  while (!come()) {
    REQUIRE(std::chrono::steady_clock::now() < patience);
    pass(host, 5ms);
  }
}

inline std::vector<InstanceInfo> instances(Host& host) {
  return wait(host, host.runtime().instances());
}

inline std::set<InstanceId> ids(std::vector<InstanceInfo> const& list) {
  std::set<InstanceId> out;
  for (auto const& instance : list) out.insert(instance.instance);
  return out;
}

}  // namespace faas::test
