// Directories by descriptor: made, listed, locked, removed without following links.
#pragma once

#include <string>
#include <vector>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

// Opens `name` in `parent`, making it first if it is missing. A link in its place is an error.
Result<Fd> make_directory(int parent, std::string const& name, unsigned mode);

// All names but "." and "..", sorted.
Result<std::vector<std::string>> list_names(int directory);

// Removes a file, a link (not what it points to) or a whole tree. Not an error if it is missing.
// Uses one descriptor a level: for trees we made ourselves, whose depth is bounded.
Result<void> remove_tree(int parent, std::string const& name);

// flock(LOCK_EX | LOCK_NB) for as long as the open file description lives. False: another holds it,
// in this process or another.
Result<bool> try_lock(int fd);

}  // namespace faas::inline v0::sys
