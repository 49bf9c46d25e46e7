// libarchive's zip reader over an accepted file: inflates and checks CRCs, decides nothing. Names,
// kinds and order come from the ZipDirectory.
#pragma once

#include <memory>
#include <span>

#include "code/byte_file.hpp"
#include "code/zip_directory.hpp"

struct archive;

namespace faas::inline v0::code {

class ZipReader {
 public:
  // Borrows both; the file is what the directory was read from.
  ZipReader(ByteFile const&, ZipDirectory const&);
  ~ZipReader();

  // On to the next of the directory's entries; null after the last.
  Result<ZipEntry const*> next();
  // The entry's bytes; 0 at its end, reached only after as many bytes as were declared and with the
  // right CRC. Never more than declared.
  Result<std::size_t> read(std::span<std::byte> buffer);

 private:
  struct Source;
  Error damaged() const;

  ZipDirectory const& directory_;
  std::unique_ptr<Source> source_;
  archive* archive_ = nullptr;
  std::size_t index_ = 0;   // of the entry after the current one
  std::uint64_t left_ = 0;  // of the current entry
};

}  // namespace faas::inline v0::code
