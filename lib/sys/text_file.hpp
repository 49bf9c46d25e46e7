// Small text files of /proc, /sys and cgroups: read and written whole, in one call each.
#pragma once

#include <string>
#include <string_view>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

// `path` relative to `directory` (AT_FDCWD: the working directory). At most 1 MiB is read.
Result<std::string> read_text(int directory, std::string const& path);
Result<std::string> read_text(std::string const& path);
// One write: the kernel takes such a file's value as a whole. The message names path and value.
Result<void> write_text(int directory, std::string const& path, std::string_view value);

}  // namespace faas::inline v0::sys
