// Files by descriptor: opened without following any link, read at an offset, written whole.
#pragma once

#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

inline std::span<std::byte const> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS: `path` is relative,
// never leaves `directory` and crosses no link, whatever others do to the tree meanwhile. O_CLOEXEC
// is added. A link on the way is ELOOP, leaving is EXDEV: both Errc::io.
Result<Fd> open_beneath(int directory, std::string const& path, int flags, unsigned mode = 0);

// The same, but links are followed as long as they stay beneath.
Result<Fd> open_inside(int directory, std::string const& path, int flags);

// A path of the host's own, links followed. O_CLOEXEC is added.
Result<Fd> open_file(std::string const& path, int flags, unsigned mode = 0);

// Fills the front of `buffer` from `offset`; less than all of it only at the end of the file.
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> buffer);
// Reads on from the descriptor's own position; 0 at the end.
Result<std::size_t> read_some(int fd, std::span<std::byte> buffer);

// All of `bytes`, or the Error. `name` is for the message.
Result<void> write_all(int fd, std::span<std::byte const> bytes, std::string_view name);

// fsync. `name` is for the message.
Result<void> sync(int fd, std::string_view name);

}  // namespace faas::inline v0::sys
