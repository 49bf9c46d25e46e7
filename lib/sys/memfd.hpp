// A program or text in memory that nobody can change any more.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

// Executable, O_CLOEXEC, sealed against writing, growing, shrinking, further seals, and a change of
// its execute bits where the kernel knows that seal (6.3).
Result<Fd> sealed_memfd(char const* name, std::string_view bytes);

// Of all parts, one after the other; not executable, O_CLOEXEC, sealed against writing, growing and
// further seals. Not against shrinking: who lends it takes its memory back by take_back, whoever
// still has it open.
Result<Fd> lent_memfd(char const* name, std::span<iovec const> parts);
// Nothing of it is left; a read of what was mapped of it raises SIGBUS.
void take_back(Fd);

// A memfd of exactly `size` bytes that nobody can change any more. False: any other file.
bool is_sealed_memfd(int fd, std::uint64_t size);

}  // namespace faas::inline v0::sys
