// What a plan must know of the host, read once at open. Data, so that plans are tested without a
// host.
#pragma once

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
  std::uint64_t max_core = ~0ull;  // hard limits this process was given
  std::uint64_t max_open_files = ~0ull;
  std::uint64_t max_processes = ~0ull;

  bool degraded() const { return !(memory_controller && pids_controller && cpu_controller); }
};

// Everything but privilege and the controllers.
Facts read_facts();

}  // namespace faas::inline v0::sandbox
