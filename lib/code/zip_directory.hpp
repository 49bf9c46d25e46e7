// What a zip file holds, decided before anything is unpacked. Pure: reads only the directory and
// the local headers. What libarchive (and every unzip) tolerates and an attacker needs is refused
// here: disagreeing headers, overlapping or hidden bytes, names that leave the tree, links that
// do, devices.
#pragma once

#include <faas/code_cache.hpp>
#include <string>
#include <vector>

#include "code/byte_file.hpp"

namespace faas::inline v0::code {

// All names of a package together, implied directories in full: bounds our memory.
inline constexpr std::uint64_t kMaxNameBytes = 16u << 20;

struct ZipEntry {
  std::string path;  // relative, checked, without trailing slash
  bool is_directory = false;
  bool is_executable = false;
  std::uint64_t size = 0;  // unpacked, as declared
  std::string target;      // of a link, checked (links.hpp); empty: it is none
};

struct ZipDirectory {
  std::vector<ZipEntry> entries;         // in the order of their bytes in the file
  std::vector<std::string> directories;  // named and implied, parents first
  Bytes unpacked;                        // as declared
};

// The local headers and data of an accepted file tile it from byte 0 to the central directory
// without gap or overlap, so its unpacked size is at most about 1032 times its own. Errors:
// invalid_argument (InvalidZipFileException), too_large (InvalidParameterValueException), io.
Result<ZipDirectory> read_zip_directory(ByteFile const&, PackageLimits const&);

}  // namespace faas::inline v0::code
