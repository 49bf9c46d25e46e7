// Names that survive a power loss: a file is there for good once its directory was fsynced.
#pragma once

#include <faas/error.hpp>
#include <string>

namespace faas::inline v0::sys {

// fsync of the directory that holds `path`.
Result<void> sync_parent(std::string const& path);

// Renames a complete, fsynced file and fsyncs the directory. Errors: conflict (`to` exists; it is
// kept).
Result<void> publish(std::string const& from, std::string const& to);

}  // namespace faas::inline v0::sys
