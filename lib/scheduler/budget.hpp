// The host's budget, counted twice: what is decided (stopping instances already given back) and
// what is really there (they still are). Decisions look at the first, starts wait for the second.
#pragma once

#include <faas/scheduler.hpp>

namespace faas::inline v0::scheduler {

struct Amount {
  Bytes memory;
  std::size_t instances = 0;

  void add(Bytes need) { memory = memory + need, ++instances; }
  void subtract(Bytes need) { memory = memory - need, --instances; }
};

class Budget {
 public:
  Budget() = default;
  Budget(Bytes memory, unsigned instances) : memory_(memory), instances_(instances) {}

  // Could an empty host carry it?
  bool possible(Bytes need) const { return fits({}, need); }
  bool fits(Bytes need) const { return fits(committed, need); }
  bool fits_now(Bytes need) const { return fits(present, need); }
  bool fits_without(Amount idle, Bytes need) const {
    return fits({committed.memory - idle.memory, committed.instances - idle.instances}, need);
  }
  bool memory_is_short(Amount used, Bytes need) const {
    return memory_.count > 0 && used.memory + need > memory_;
  }

  Amount committed, present;

 private:
  bool fits(Amount used, Bytes need) const {
    return used.instances < instances_ && !memory_is_short(used, need);
  }

  Bytes memory_;
  std::size_t instances_ = 0;
};

}  // namespace faas::inline v0::scheduler
