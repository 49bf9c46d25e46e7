// Where a zip file says its central directory is: the end record, and the zip64 one before it.
// Pure.
#pragma once

#include <cstdint>

#include "code/byte_file.hpp"

namespace faas::inline v0::code {

struct ZipEnd {
  std::uint64_t entries = 0;
  std::uint64_t directory_offset = 0;
  std::uint64_t directory_size = 0;
};

// Accepts only a file that is a zip from its first byte to its last and can be read in one way:
// readers differ in which of two end records they believe. Errors: InvalidZipFileException, io.
Result<ZipEnd> find_zip_end(ByteFile const&);

}  // namespace faas::inline v0::code
