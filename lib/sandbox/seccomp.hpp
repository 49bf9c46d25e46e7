// The allow-lists as programs for the kernel.
#pragma once

#include <faas/sandbox.hpp>
#include <string>

namespace faas::inline v0::sandbox {

// BPF instructions (sock_filter[]) as bytes, for this machine's architecture.
// `memory_controller`: memory of every kind is charged to the jail's cgroup.
std::string compile_filter(SeccompClass, bool memory_controller);

}  // namespace faas::inline v0::sandbox
