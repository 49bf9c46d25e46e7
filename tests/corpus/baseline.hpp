// What this process, and everything it has started, holds of the machine.
#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace faas::test {

struct Baseline {
  std::set<int> processes;            // its descendants, its spawners and theirs
  std::set<std::string> namespaces;   // their networks
  std::set<std::string> cgroups;      // below the runtime's own
  std::set<std::string> descriptors;  // of this process: how many of each kind
  std::size_t threads = 0;            // of this process
  std::string mounts;                 // as this process sees them

  static Baseline now(std::string const& runtime_id);
  // Of what is in one and not in the other, for a message; empty if equal.
  std::string difference(Baseline const& other) const;
};

// Resident memory of this process, in bytes.
std::size_t resident();

}  // namespace faas::test
