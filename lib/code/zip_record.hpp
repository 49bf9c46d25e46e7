// One record of a zip's central directory, and the local header it must agree with. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "code/byte_file.hpp"

namespace faas::inline v0::code {

struct ZipRecord {
  std::string name;  // as written, with a directory's slash
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint16_t made_by = 0;
  std::uint32_t attributes = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // of the local header

  // The Unix type bits, whichever system the entry claims to be from: extractors differ in whom
  // they believe, so we believe the worst.
  unsigned unix_type() const { return attributes >> 16 & 0170000; }
  bool has_slash() const { return !name.empty() && name.back() == '/'; }
  bool is_executable() const;
  bool is_link() const;
};

// Takes the first record off `rest`.
Result<ZipRecord> take_record(std::string_view& rest);

// What we never unpack (encrypted, an unknown method, a device ...), or nothing.
std::optional<std::string> complaint_about_record(ZipRecord const&);

// Checks the local header at record.offset against the record. The offset after the entry's data
// and its descriptor, which must be `next` (the following local header or the central directory).
Result<void> check_local(ByteFile const&, ZipRecord const&, std::uint64_t next);

// The target of a link whose record has no complaint and whose local header was checked.
Result<std::string> read_target(ByteFile const&, ZipRecord const&);

}  // namespace faas::inline v0::code
