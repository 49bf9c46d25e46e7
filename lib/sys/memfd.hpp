// A program or text in memory that nobody can change any more.
#pragma once

#include <string_view>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

// Executable, O_CLOEXEC, sealed against writing, growing, shrinking, further seals, and a change of
// its execute bits where the kernel knows that seal (6.3).
Result<Fd> sealed_memfd(char const* name, std::string_view bytes);

}  // namespace faas::inline v0::sys
