// A thread that no signal of the host is ever delivered to.
#pragma once

#include <faas/error.hpp>
#include <functional>
#include <thread>

namespace faas::inline v0::sys {

// Every signal is blocked in it from its first instruction. `name`: at most 15 characters, for ps
// and gdb. Errors: io (the kernel refuses another thread).
Result<std::thread> start_thread(char const* name, std::function<void()> body);

}  // namespace faas::inline v0::sys
