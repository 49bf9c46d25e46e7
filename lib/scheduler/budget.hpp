// The host's budget of each resource, counted twice: what is decided (stopping instances already
// given back) and what is really there (they still are). Decisions look at the first, starts wait
// for the second.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <faas/scheduler.hpp>
#include <optional>

namespace faas::inline v0::scheduler {

enum class Resource { instances, memory, cpus, pids, fds };  // CPUs in thousandths
inline constexpr std::size_t kResources = 5;

struct Amount {
  std::array<std::uint64_t, kResources> of{};

  std::uint64_t operator[](Resource r) const { return of[static_cast<std::size_t>(r)]; }
  Bytes memory() const { return {(*this)[Resource::memory]}; }
  std::uint64_t instances() const { return (*this)[Resource::instances]; }

  Amount& operator+=(Amount const& other) {
    for (std::size_t i = 0; i < kResources; ++i) of[i] += other.of[i];
    return *this;
  }
  Amount& operator-=(Amount const& other) {
    for (std::size_t i = 0; i < kResources; ++i) of[i] -= other.of[i];
    return *this;
  }
  friend Amount operator-(Amount a, Amount const& b) { return a -= b; }
};

// Of one instance. Its share of the CPUs is Lambda's, as its jail gets it.
inline Amount need_of(Limits const& limits, SchedulerOptions const& options) {
  std::uint64_t const cpus = std::max<std::uint64_t>(1000, limits.memory.mib() * 1000 / 1769);
  return {
      {1, (limits.memory + limits.tmp).count, cpus, options.instance_pids, options.instance_fds}};
}

class Budget {
 public:
  explicit Budget(SchedulerOptions const& o)
      : limit{{o.max_instances, none_if_0(o.memory.count),
               // Upwards, for a little is not none.
               none_if_0(static_cast<std::uint64_t>(std::ceil(std::max(0.0, o.cpus) * 1000))),
               none_if_0(o.pids), none_if_0(o.fds)}} {}

  // What there would be too little of.
  std::optional<Resource> short_of(Amount const& used, Amount const& need) const {
    for (std::size_t i = 0; i < kResources; ++i)
      if (used.of[i] + need.of[i] > limit.of[i]) return static_cast<Resource>(i);
    return {};
  }
  bool fits(Amount const& need) const { return !short_of(committed, need); }
  bool fits_now(Amount const& need) const { return !short_of(present, need); }
  bool fits_without(Amount const& idle, Amount const& need) const {
    return !short_of(committed - idle, need);
  }

  Amount limit, committed, present;

 private:
  static std::uint64_t none_if_0(std::uint64_t n) { return n == 0 ? UINT64_MAX / 2 : n; }
};

}  // namespace faas::inline v0::scheduler
