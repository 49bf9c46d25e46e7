// The small runtimes that run inside a jail for managed languages: programs of the interpreter,
// compiled in.
#pragma once

#include <string_view>

namespace faas::inline v0 {

std::string_view python_shim();  // for /usr/bin/python3.N
// The same as `runtime` ("python3.11") would keep it in a .pyc; empty where the build had no such
// interpreter.
std::string_view python_bytecode(std::string_view runtime);
// Runs the bytecode beside it, or the text where the interpreter does not read the bytecode.
std::string_view python_start();
std::string_view node_shim();  // CommonJS (bootstrap.cjs), for node 18 and later

}  // namespace faas::inline v0
