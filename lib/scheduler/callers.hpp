// The rate of each caller. Bounded: see SchedulerOptions::callers.
#pragma once

#include <faas/scheduler.hpp>
#include <string>
#include <unordered_map>

#include "scheduler/heap.hpp"
#include "scheduler/rate.hpp"

namespace faas::inline v0::scheduler {

class Callers {
 public:
  explicit Callers(SchedulerOptions const&);

  enum class Verdict { welcome, too_fast, no_place };
  // Takes a token of this caller's if there is one.
  Verdict admit(std::string const& caller, TimePoint now);
  // When the next call of this caller is welcome.
  TimePoint next(std::string const& caller) const;
  std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::string const* caller = nullptr;
    TimePoint full_at = Rate::kFull;
    std::size_t place = kNotInHeap;
  };
  struct FullEarlier {
    bool operator()(Bucket const& a, Bucket const& b) const { return a.full_at < b.full_at; }
  };
  Bucket* place_for(std::string const& caller, TimePoint now);
  void forget_a_full_one(TimePoint now);

  Rate rate_;
  std::size_t most_;
  std::unordered_map<std::string, Bucket> buckets_;
  Heap<Bucket, &Bucket::place, FullEarlier> by_fullness_;
};

}  // namespace faas::inline v0::scheduler
