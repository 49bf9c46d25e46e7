// As durable.hpp, relative to directories held open: temporary, fsync, rename, fsync of the
// directory.
#pragma once

#include <string>
#include <string_view>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

// renameat, replacing what was there, then fsync of the directory that received the name. The
// file's bytes are synced already.
Result<void> rename_durably(int from, std::string const& old_name, int to,
                            std::string const& new_name);

// Writes `bytes` to `temporary` in `from` and publishes it as `name` in `to`, replacing what was
// there. On failure nothing is left of the temporary and the old file is whole.
Result<void> write_durably(int from, std::string const& temporary, int to, std::string const& name,
                           std::string_view bytes);

// unlinkat, then fsync of the directory. Not an error if the name is missing.
Result<void> unlink_durably(int directory, std::string const& name);

}  // namespace faas::inline v0::sys
