// Lambda's words for how a function's process ended. Pure.
#pragma once

#include <faas/invoker.hpp>
#include <faas/sandbox.hpp>
#include <string_view>

namespace faas::inline v0::invoker {

// The process ended while it owed an answer.
Ending exit_ending(Exited const&);
// The jail could not be built, or its program could not be executed.
Ending failed_ending(Failed const&);
// A start that was not begun. What the host denied (descriptors, ids, cgroups) may be there later.
Ending refused_ending(Error);
Ending timed_out_ending(milliseconds timeout);
Ending invalid_entrypoint_ending();
Ending init_timeout_ending(Duration limit);
// It spoke the native contract wrongly and was ended.
Ending broken_contract_ending(std::string_view how);
Ending lost_ending(std::string_view why);
// "signal: killed", as Go's os package names signals; clients and dashboards match on it.
std::string_view signal_name(int signal);

}  // namespace faas::inline v0::invoker
