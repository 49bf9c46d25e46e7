// The small language the parts of a plan are written in. Private to plan*.cpp.
#pragma once

#include <sys/syscall.h>

#include <cstring>
#include <type_traits>

#include "sandbox/plan.hpp"

// A constant of the kernel under the name the source gives it.
#define FAAS_N(constant) \
  ::faas::sandbox::Number { static_cast<std::uint64_t>(constant), #constant }
#define FAAS_CALL(name) \
  ::faas::sandbox::Call { static_cast<std::uint32_t>(SYS_##name), #name }

namespace faas::inline v0::sandbox {

namespace slot {
inline constexpr SlotArg report{wire::kReport, "report"}, output{wire::kOutput, "output"},
    error{wire::kError, "error"}, jail_directory{wire::kJailDirectory, "jail"};
inline constexpr SlotArg listener{wire::kListener, "listener"}, temp{5, "temp"}, usr{6, "usr"},
    alternatives{7, "alternatives"}, task{8, "task"}, opt{9, "opt"}, proc{15, "proc"},
    tmp{16, "tmp"}, null{17, "null"}, channel{wire::kChannel, "channel"};
inline constexpr SlotArg devices[] = {
    {10, "dev-null"}, {11, "dev-zero"}, {12, "dev-full"}, {13, "dev-random"}, {14, "dev-urandom"}};
inline constexpr SlotArg entries[] = {{18, "entry-0"}, {19, "entry-1"}, {20, "entry-2"},
                                      {21, "entry-3"}, {22, "entry-4"}, {23, "entry-5"}};
static_assert(wire::kSlots == 25);
}  // namespace slot

inline Number number(std::uint64_t value) { return {value, nullptr}; }

template <class T>
Blob structure(T const& value, std::string text) {
  static_assert(std::is_trivially_copyable_v<T>);
  Blob blob;
  blob.bytes.assign(reinterpret_cast<char const*>(&value), sizeof value);
  blob.text = std::move(text);
  return blob;
}

class Builder {
 public:
  Builder(Spec const& wish, Facts const& facts) : spec(wish), host(facts) {
    plan.steps.reserve(208);
  }

  void in(wire::Where where) { where_ = where; }
  Step& step(char const* name, Call call, std::vector<Arg> args) {
    plan.steps.push_back({.name = name, .where = where_, .call = call, .args = std::move(args)});
    return plan.steps.back();
  }
  // A call whose descriptor a later step uses.
  void open(SlotArg into, char const* name, Call call, std::vector<Arg> args) {
    step(name, call, std::move(args)).into = into;
  }
  // A call that has to return exactly that: a short write is a failure.
  void exactly(std::uint64_t result, char const* name, Call call, std::vector<Arg> args) {
    auto& s = step(name, call, std::move(args));
    s.check = wire::Check::equals;
    s.expected = result;
  }
  void close(SlotArg fd) { step("close", FAAS_CALL(close), {fd}); }

  bool ids_of_its_own() const { return host.privilege == Privilege::root; }

  Spec const& spec;
  Facts const& host;
  Plan plan;

 private:
  wire::Where where_ = wire::Where::before;
};

// The parts, in the order of the walk.
void plan_package_trees(Builder&);  // plan_root.cpp
void plan_network(Builder&);        // plan_network.cpp
void plan_root(Builder&);           // plan_root.cpp
void plan_program(Builder&);        // plan_program.cpp
void plan_scheduling(Builder&);     // plan_program.cpp
void plan_limits(Builder&);         // plan_program.cpp
void plan_bounds(Builder&);         // plan_program.cpp
void plan_lock(Builder&);           // plan_program.cpp

}  // namespace faas::inline v0::sandbox
