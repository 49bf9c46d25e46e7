// Is this wish one a jail can be built from? Pure.
#pragma once

#include <faas/sandbox.hpp>

namespace faas::inline v0::sandbox {

// invalid_argument; the message names the field, its value and what it may be.
Result<void> check(Spec const&);
Result<void> check(SandboxOptions const&);

}  // namespace faas::inline v0::sandbox
