// Directories by descriptor: made, listed, locked, removed without following links.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

// Opens `name` in `parent`, making it first if it is missing. A link in its place is an error.
Result<Fd> make_directory(int parent, std::string const& name, unsigned mode);

// This user's, and closed to everybody else.
bool is_private(int directory);

// All names but "." and "..", sorted.
Result<std::vector<std::string>> list_names(int directory);

// Removes a file, a link (not what it points to) or a whole tree. Not an error if it is missing.
// Uses one descriptor a level: for trees we made ourselves, whose depth is bounded.
Result<void> remove_tree(int parent, std::string const& name);

// flock(LOCK_EX | LOCK_NB) for as long as the open file description lives. False: another holds it,
// in this process or another.
Result<bool> try_lock(int fd);

// The directory `name` of `parent`, locked as by try_lock, if it still stands at that name once it
// is. Nothing: somebody else has the lock, or no such directory stands there.
//
// The lock says that its owner lives: the kernel takes it away however the owner ends, and with
// forks of the owner that kept the descriptor. So whoever gets the lock of a directory another
// process made may remove it: that process is dead. Free of races as long as nobody removes a name
// without having got it from here: between opening and locking somebody may have removed the
// directory and made another at its name, which is why the name is looked at again.
Result<std::optional<Fd>> try_claim(int parent, std::string const& name);

}  // namespace faas::inline v0::sys
