#include "code/zip_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "code/errors.hpp"
#include "code/names.hpp"
#include "code/zip_fields.hpp"

namespace faas::inline v0::code {
namespace {

constexpr std::size_t kEndSize = 22;
constexpr std::size_t kLocatorSize = 20;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kMaxComment = 65'535;

std::optional<Error> complaint_about_start(ByteFile const& file) {
  auto start = file.read(0, 4);
  if (!start) return start.error();
  if (*start == kLocalSignature || *start == kEndSignature) return std::nullopt;
  return bad_zip("It does not begin like a zip file: its first bytes are " + shown(*start) + ".");
}

// The offset in `tail` of the one record whose comment ends where the file ends.
Result<std::size_t> find_record(std::string_view tail) {
  std::optional<std::size_t> found;
  for (auto at = tail.find(kEndSignature); at != tail.npos; at = tail.find(kEndSignature, at + 1)) {
    bool const fits =
        at + kEndSize <= tail.size() && at + kEndSize + u16(tail, at + 20) == tail.size();
    if (found) return bad_zip("It has two end of central directory records.");
    if (fits) found = at;
  }
  if (found) return *found;
  return bad_zip(
      "It has no end of central directory record at its end: it was cut off, or something was "
      "appended to it.");
}

// The end record's fields, with the zip64 record's in place of those that point there.
Result<ZipEnd> merge_zip64(ByteFile const& file, std::string_view end, std::uint64_t end_offset) {
  auto const disagree = bad_zip("Its zip64 end record disagrees with its end record.");
  if (end_offset < kLocatorSize + kEnd64Size) return disagree;
  auto const offset = end_offset - kLocatorSize - kEnd64Size;
  auto read = file.read(offset, kEnd64Size + kLocatorSize);
  if (!read) return read.error();
  std::string_view const record = *read;
  if (record.size() < kEnd64Size + kLocatorSize) return disagree;
  auto const locator = record.substr(kEnd64Size);
  bool const in_place = record.substr(0, 4) == kEnd64Signature && u64(record, 4) == 44 &&
                        u64(locator, 8) == offset && u32(locator, 4) == 0 && u32(locator, 16) == 1;
  if (!in_place) return bad_zip("Its zip64 end record is not directly before its locator.");
  if (u32(record, 16) != 0 || u32(record, 20) != 0 || u64(record, 24) != u64(record, 32)) {
    return bad_zip("It is one part of a split archive.");
  }
  ZipEnd const merged{u64(record, 32), u64(record, 48), u64(record, 40)};
  auto agrees = [](auto small, std::uint64_t big) {
    return small == static_cast<decltype(small)>(-1) || small == big;
  };
  if (!agrees(u16(end, 4), 0) || !agrees(u16(end, 6), 0) || !agrees(u16(end, 8), merged.entries) ||
      !agrees(u16(end, 10), merged.entries) || !agrees(u32(end, 12), merged.directory_size) ||
      !agrees(u32(end, 16), merged.directory_offset)) {
    return disagree;
  }
  return merged;
}

bool has_locator(ByteFile const& file, std::uint64_t end_offset) {
  if (end_offset < kLocatorSize) return false;
  auto signature = file.read(end_offset - kLocatorSize, 4);
  return signature && *signature == kLocator64Signature;
}

// The directory must end where the end record begins, or the file was not written in one piece.
Result<ZipEnd> placed(ZipEnd const& end, std::uint64_t directory_end) {
  if (end.directory_size <= directory_end &&
      end.directory_offset == directory_end - end.directory_size) {
    return end;
  }
  return bad_zip(
      fmt::format("Its central directory should lie at byte {} with {} bytes and end at byte {}: "
                  "it was cut, or "
                  "something was put before or into it.",
                  end.directory_offset, end.directory_size, directory_end));
}

}  // namespace

Result<ZipEnd> find_zip_end(ByteFile const& file) {
  if (file.size() < kEndSize) {
    return bad_zip(
        fmt::format("It has {} bytes; the smallest zip file has {}.", file.size(), kEndSize));
  }
  if (auto complaint = complaint_about_start(file)) return *complaint;
  auto const tail_size = std::min<std::uint64_t>(file.size(), kEndSize + kMaxComment);
  auto tail = file.read(file.size() - tail_size, tail_size);
  if (!tail) return tail.error();
  auto at = find_record(*tail);
  if (!at) return at.error();

  auto const offset = file.size() - tail->size() + *at;
  auto const end = std::string_view(*tail).substr(*at, kEndSize);
  if (has_locator(file, offset)) {
    auto merged = merge_zip64(file, end, offset);
    if (!merged) return merged.error();
    return placed(*merged, offset - kLocatorSize - kEnd64Size);
  }
  if (u16(end, 4) != 0 || u16(end, 6) != 0 || u16(end, 8) != u16(end, 10)) {
    return bad_zip("It is one part of a split archive.");
  }
  return placed({u16(end, 10), u32(end, 16), u32(end, 12)}, offset);
}

}  // namespace faas::inline v0::code
