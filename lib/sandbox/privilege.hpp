// With whose rights jails are built here.
#pragma once

#include <faas/sandbox.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/facts.hpp"

namespace faas::inline v0::sandbox {

// Effective user 0 with the capabilities that building jails takes; not so in many containers.
bool is_root(std::uint32_t uid, std::uint64_t effective_capabilities);

// Are the ids base .. base+count-1 all known in this user namespace? `map` is /proc/self/uid_map.
bool maps_ids(std::string_view map, std::uint32_t base, std::uint32_t count);

// The kernel feature without which no jail can be built, as a sentence with what to do; nothing if
// all are there.
std::optional<std::string> missing_feature(Privilege);

// What `automatic` means here, or what was asked for if it is possible. `cgroup_writable`: a group
// of our own could be made. Errors: denied, unsupported.
Result<Privilege> choose_privilege(SandboxOptions const&, Facts const&, bool cgroup_writable);

}  // namespace faas::inline v0::sandbox
