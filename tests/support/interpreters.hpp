// The interpreters of this host; a missing one is a failure, not a skip.
#pragma once

#include <doctest/doctest.h>

#include <faas/invoker.hpp>
#include <string>
#include <string_view>

namespace faas::test {

inline std::string runtime_beginning(std::string_view prefix) {
  for (auto const& runtime : installed_runtimes("/usr/bin")) {
    if (runtime.starts_with(prefix)) return runtime;
  }
  FAIL("no " << prefix << " in /usr/bin: scripts/setup installs one");
  return {};
}
inline std::string python_runtime() { return runtime_beginning("python3."); }
inline std::string node_runtime() { return runtime_beginning("nodejs"); }

}  // namespace faas::test
