// Default-deny allow-lists of system calls as data: what, and which program needs it. A rule leaves
// when nothing needs it any more.
#pragma once

#include <cstdint>
#include <faas/sandbox.hpp>
#include <span>

namespace faas::inline v0::sandbox {

// Which programs a rule stands for. The bit of a SeccompClass is 1 << its value; what stands for
// the general class does for the native one, unless it says otherwise.
enum Classes : unsigned {
  kPython = 2,
  kNode = 4,
  kNative = 8,
  kGeneral = 1 | kNative,
  kEvery = kGeneral | kPython | kNode,
  kWithoutChannel = kEvery & ~kNative  // rules on the arguments stand for the native class
};

enum class Needs {
  nothing,
  memory_controller,  // else ENOSYS: memory of this kind is seen by neither RLIMIT_DATA nor the
                      // watch
};

// Allowed whatever its arguments.
struct CallRule {
  char const* call;
  char const* reason;
  Classes classes = kEvery;
  Needs needs = Needs::nothing;
};

// Of one argument: (argument & mask) == value. Never "is not": the kernel drops the upper half of
// an int, so whatever should be refused must be refused by not being here.
struct Compare {
  unsigned argument;
  std::uint64_t value;
  std::uint64_t mask = ~0ull;
};

// Allowed with exactly these arguments, in every class that does not allow the call whatever they
// are.
struct ArgumentRule {
  char const* call;
  char const* reason;
  Compare compare[3];
  int compares;
};

// Refused by another errno than EPERM: libraries know what to do about it.
struct ErrorRule {
  char const* call;
  int error;
  char const* reason;
};

std::span<CallRule const> call_rules();
std::span<ArgumentRule const> argument_rules();
std::span<ErrorRule const> error_rules();

}  // namespace faas::inline v0::sandbox
