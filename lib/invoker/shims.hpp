// The small runtimes that run inside a jail for managed languages: programs of the interpreter,
// compiled in.
#pragma once

#include <string_view>

namespace faas::inline v0 {

std::string_view python_shim();  // for /usr/bin/python3.N
std::string_view node_shim();    // CommonJS (bootstrap.cjs), for node 18 and later

}  // namespace faas::inline v0
