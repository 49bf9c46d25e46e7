// Steps of claim_delegated_cgroup, apart for tests.
#pragma once

#include <faas/error.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::control {

// The cgroup2 directory of the process whose /proc/…/mountinfo and cgroup these are; empty: none.
std::string cgroup2_directory(std::string_view mountinfo, std::string_view cgroup);

// Makes `directory`/faasd if it is missing and moves this process there. Errors: io.
Result<void> move_into_leaf(std::string const& directory);

}  // namespace faas::inline v0::control
