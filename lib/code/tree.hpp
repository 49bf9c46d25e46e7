// A normalised tree: its name, how it is written, how it is read back.
#pragma once

#include <faas/code_cache.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "code/byte_file.hpp"
#include "code/sha256.hpp"

namespace faas::inline v0::code {

inline constexpr unsigned kDirectoryMode = 0755;
constexpr unsigned file_mode(bool is_executable) { return is_executable ? 0755 : 0644; }

// The canonical listing. Its SHA-256 is the Digest: of "faas-tree 1\0", then by ascending bytes of
// the path "d <path>\0" for a directory, "f <sum> <path>\0" or "x <sum> <path>\0" for a file (x:
// executable), "l <sum of its target> <path>\0" for a link.
class Listing {
 public:
  void add_directory(std::string path) { lines_.push_back({std::move(path), 'd', {}}); }
  void add_file(std::string path, bool is_executable, Sum const& sum) {
    lines_.push_back({std::move(path), is_executable ? 'x' : 'f', sum});
  }
  void add_link(std::string path, Sum const& target) {
    lines_.push_back({std::move(path), 'l', target});
  }
  // Leaves the listing empty.
  Digest digest();

 private:
  struct Line {
    std::string path;
    char kind;
    Sum sum;
  };
  std::vector<Line> lines_;
};

struct Unpacked {
  Digest digest;
  Bytes bytes;
};

// Unpacks a zip into the empty directory `into`. On failure what was written so far is left to the
// caller; it is never more than limits.unpacked. Errors: as read_zip_directory, io.
Result<Unpacked> unpack(ByteFile const& zip, int into, PackageLimits const&);

// The Digest of a tree on disk, every byte read. Fails (corrupt) on anything that unpack would not
// have written: other kinds and modes, other owners, files with a second name elsewhere.
Result<Digest> digest_of(int directory);

}  // namespace faas::inline v0::code
