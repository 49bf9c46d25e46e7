// Many functions that are only registered, durable, for the programs that measure what they cost.
#pragma once

#include <string>

#include "bench/opened.hpp"

namespace faas::bench {

// The i-th of them in the order of names.
std::string registered_name(std::size_t i);

// Whether each function has a version, too.
enum class Versions { none, one };

// Of a runtime on DIRECTORY/functions-NUMBER.
Options registered_options(std::string const& directory, std::size_t functions);

// Deploys them there unless that was done before, in a process of its own, so that what it needed
// is not measured (about half a minute for a million). Empty, or why it could not be done.
std::string register_functions(std::string const& directory, std::size_t functions, Versions);

}  // namespace faas::bench
