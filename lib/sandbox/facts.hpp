// What a plan must know of the host, read once at open. Data, so that plans are tested without a
// host.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <faas/sandbox.hpp>
#include <string>
#include <vector>

namespace faas::inline v0::sandbox {

// An entry of the host's root that leads to programs or libraries: /bin, /lib64, …
struct RootEntry {
  std::string name;  // "bin"
  std::string
      target;  // "usr/bin" where it is a link below usr (merged-usr); empty: a directory of its own
};

struct Facts {
  Privilege privilege = Privilege::root;  // never automatic
  std::uint32_t uid = 0;                  // effective ids of this process
  std::uint32_t gid = 0;
  unsigned last_capability = 40;
  std::vector<RootEntry> root_entries;
  bool alternatives = false;  // /etc/alternatives exists
  bool memory_controller = false;
  bool pids_controller = false;
  bool cpu_controller = false;
  std::array<std::uint64_t, RLIM_NLIMITS> hard_limits = all(~0ull);  // that this process was given
  int nice = 0;             // of the spawner, when the jail is started
  bool background = false;  // likewise: it runs under SCHED_IDLE

  // A jail gets the limit it should have, as far as the host has it to give.
  std::uint64_t at_most(int resource, std::uint64_t value) const {
    return std::min(value, hard_limits.at(static_cast<std::size_t>(resource)));
  }
  bool degraded() const { return !(memory_controller && pids_controller && cpu_controller); }

  static constexpr std::array<std::uint64_t, RLIM_NLIMITS> all(std::uint64_t value) {
    std::array<std::uint64_t, RLIM_NLIMITS> same{};
    same.fill(value);
    return same;
  }
};

// Everything but privilege and the controllers.
Facts read_facts();

}  // namespace faas::inline v0::sandbox
