// What this host can and cannot enforce. `faasd doctor` prints it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

enum class HostState { ok, degraded, missing };
std::string_view to_string(HostState);

// One line of the audit.
struct HostCheck {
  std::string name;  // "cgroup-controllers", "user-namespaces", …
  HostState state;
  // what was read, e.g. "hybrid; cgroup2 at /sys/fs/cgroup/unified has none of cpu memory pids"
  std::string found;
  std::string cost;  // what it costs a user; empty if ok
  std::string fix;   // what to type or set; empty if ok
};

struct HostReport {
  std::vector<HostCheck> checks;
  // runtimes this host can run, e.g. "python3.11", "nodejs20.x", "provided"
  std::vector<std::string> interpreters;
  HostState worst() const;  // missing: a jail cannot be built here at all
};

// Reads /proc, /sys and tries a throw-away namespace in a child. Takes some milliseconds.
// `runtimes_directory`: where interpreters are looked for.
HostReport audit_host(std::string const& runtimes_directory = "/usr/bin");

}  // namespace faas::inline v0
