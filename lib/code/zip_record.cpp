#include "code/zip_record.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "code/errors.hpp"
#include "code/names.hpp"
#include "code/zip_fields.hpp"

namespace faas::inline v0::code {
namespace {

constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kLocalSize = 30;
constexpr std::uint16_t kZip64 = 0x0001;
constexpr std::uint16_t kUnicodePath = 0x7075;

constexpr std::uint16_t kEncrypted = 1 << 0 | 1 << 6 | 1 << 13;
constexpr std::uint16_t kHasDescriptor = 1 << 3;
constexpr std::uint16_t kPatch = 1 << 5;
constexpr std::uint16_t kUtf8 = 1 << 11;
// Bits 1 and 2 tell only how hard the packer tried.
constexpr std::uint16_t kFlagsThatMatter = kEncrypted | kHasDescriptor | kPatch | kUtf8;

Error bad_entry(std::string_view name, std::string_view what) {
  return bad_zip(fmt::format("Entry {}: {}.", shown(name), what));
}

struct ExtraFields {
  std::string_view zip64;
  std::string_view unicode_path;
};

// Up to three stray bytes at the end are zipalign's padding.
std::optional<ExtraFields> split_extra(std::string_view extra) {
  ExtraFields fields;
  while (extra.size() >= 4) {
    auto const id = u16(extra, 0);
    auto const size = u16(extra, 2);
    if (extra.size() - 4 < size) return std::nullopt;
    auto const body = extra.substr(4, size);
    auto& slot = id == kZip64 ? fields.zip64 : fields.unicode_path;
    if (id == kZip64 || id == kUnicodePath) {
      if (!slot.empty()) return std::nullopt;
      slot = body;
    }
    extra.remove_prefix(4 + size);
  }
  return fields;
}

// Info-ZIP's second name (version, CRC of the first, name): some readers prefer it.
bool has_other_name(ExtraFields const& fields, std::string_view name) {
  return !fields.unicode_path.empty() &&
         (fields.unicode_path.size() < 5 || fields.unicode_path.substr(5) != name);
}

// Takes the next number of the zip64 field into `value` if that points there.
bool widen(std::uint64_t& value, std::string_view& zip64) {
  if (value != kIn64) return true;
  if (zip64.size() < 8) return false;
  value = u64(zip64, 0);
  zip64.remove_prefix(8);
  return true;
}

bool widen_record(ZipRecord& record, std::string_view zip64, std::uint16_t disk) {
  bool const whole =
      widen(record.size, zip64) && widen(record.packed, zip64) && widen(record.offset, zip64);
  if (disk == kIn64Short) return whole && zip64.size() >= 4 && u32(zip64, 0) == 0;
  return whole && disk == 0;
}

// Nobody inflates a directory. Java deflates its no bytes into 2, others into at most 5.
bool holds_bytes(ZipRecord const& record) {
  constexpr std::uint64_t kDeflatedNothing = 5;
  return record.size != 0 || record.crc != 0 || record.packed > kDeflatedNothing;
}

// Its content is its target. Packers store it, for it would not get smaller.
std::optional<std::string> complaint_about_link_record(ZipRecord const& record) {
  constexpr std::uint64_t kLongest = 4095;
  if (record.method != 0) return "it is a symbolic link whose target is compressed";
  if (record.size > kLongest) return "it is a symbolic link whose target has more than 4095 bytes";
  return std::nullopt;
}

std::uint32_t crc32_of(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (unsigned char c : bytes) {
    crc ^= c;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return ~crc;
}

std::optional<std::string> complaint_about_type(ZipRecord const& record) {
  constexpr std::uint32_t kDosDirectory = 0x10;
  switch (record.unix_type()) {
    case 0:
      if (!record.has_slash() && (record.made_by >> 8) == 0 &&
          (record.attributes & kDosDirectory)) {
        return "it is marked as a directory but its name does not end in a slash";
      }
      return std::nullopt;
    case S_IFREG: return std::nullopt;
    case S_IFDIR:
      if (record.has_slash()) return std::nullopt;
      return "it is marked as a directory but its name does not end in a slash";
    case S_IFLNK: return complaint_about_link_record(record);
    case S_IFBLK: return "it is a block device";
    case S_IFCHR: return "it is a character device";
    case S_IFIFO: return "it is a fifo";
    case S_IFSOCK: return "it is a socket";
    default: return fmt::format("it has the unknown file type {:#o}", record.unix_type());
  }
}

// A descriptor is CRC and both sizes, 4 or 8 bytes each, with or without a signature: its length
// tells which.
bool is_descriptor_of(std::string_view bytes, ZipRecord const& record) {
  bool const is_signed = bytes.size() == 16 || bytes.size() == 24;
  if (is_signed && bytes.substr(0, 4) != kDescriptorSignature) return false;
  auto const body = bytes.substr(is_signed ? 4 : 0);
  if (body.size() == 12) {
    return u32(body, 0) == record.crc && u32(body, 4) == record.packed &&
           u32(body, 8) == record.size;
  }
  return body.size() == 20 && u32(body, 0) == record.crc && u64(body, 4) == record.packed &&
         u64(body, 12) == record.size;
}

Result<void> check_end(ByteFile const& file, ZipRecord const& record, std::uint64_t data,
                       std::uint64_t next) {
  if (data > next || next - data < record.packed) {
    return bad_entry(record.name, "its data overlaps what follows");
  }
  auto const gap = next - data - record.packed;
  bool const has_descriptor = record.flags & kHasDescriptor;
  if (!has_descriptor && gap == 0) return {};
  if (!has_descriptor || gap > 24) {
    return bad_entry(record.name, fmt::format("{} bytes after it belong to no entry", gap));
  }
  auto bytes = file.read(data + record.packed, gap);
  if (!bytes) return bytes.error();
  if (is_descriptor_of(*bytes, record)) return {};
  return bad_entry(record.name, "its data descriptor disagrees with the central directory");
}

// Sizes and CRC of a local header: zero where a descriptor follows, else the record's own.
std::optional<std::string> disagreement(ZipRecord const& record, std::string_view header,
                                        std::string_view extra) {
  auto const fields = split_extra(extra);
  if (!fields) return "its local extra field is malformed";
  if (has_other_name(*fields, record.name)) return "its extra field holds another name";
  std::uint64_t packed = u32(header, 18);
  std::uint64_t size = u32(header, 22);
  auto zip64 = fields->zip64;
  if (!widen(size, zip64) || !widen(packed, zip64)) return "its zip64 field is too short";
  bool const follows = record.flags & kHasDescriptor;
  auto agrees = [&](std::uint64_t local, std::uint64_t central) {
    return local == central || (follows && local == 0);
  };
  if (!agrees(packed, record.packed) || !agrees(size, record.size) ||
      !agrees(u32(header, 14), record.crc)) {
    return "its local header and the central directory disagree about its size or CRC";
  }
  return std::nullopt;
}

}  // namespace

bool ZipRecord::is_executable() const {
  return unix_type() == S_IFREG && (attributes >> 16 & 0111) != 0;
}

bool ZipRecord::is_link() const { return unix_type() == S_IFLNK; }

Result<ZipRecord> take_record(std::string_view& rest) {
  auto const broken = bad_zip("Its central directory is damaged.");
  if (rest.size() < kCentralSize || rest.substr(0, 4) != kCentralSignature) return broken;
  std::size_t const name = u16(rest, 28), extra = u16(rest, 30), comment = u16(rest, 32);
  if (rest.size() - kCentralSize < name + extra + comment) return broken;
  ZipRecord record{.name = std::string(rest.substr(kCentralSize, name)),
                   .flags = u16(rest, 8),
                   .method = u16(rest, 10),
                   .made_by = u16(rest, 4),
                   .attributes = u32(rest, 38),
                   .crc = u32(rest, 16),
                   .packed = u32(rest, 20),
                   .size = u32(rest, 24),
                   .offset = u32(rest, 42)};
  auto const fields = split_extra(rest.substr(kCentralSize + name, extra));
  if (!fields) return bad_entry(record.name, "its extra field is malformed");
  if (has_other_name(*fields, record.name)) {
    return bad_entry(record.name, "its extra field holds another name");
  }
  if (!widen_record(record, fields->zip64, u16(rest, 34))) {
    return bad_entry(record.name, "its zip64 field is too short, or it lies in another part");
  }
  rest.remove_prefix(kCentralSize + name + extra + comment);
  return record;
}

std::optional<std::string> complaint_about_record(ZipRecord const& record) {
  if (record.flags & kEncrypted) return "it is encrypted; functions are not";
  if (record.flags & kPatch) return "it is a patch of another file";
  if (record.method != 0 && record.method != 8) {
    return fmt::format("it is packed with method {}; only stored (0) and deflate (8) are read",
                       record.method);
  }
  if (record.method == 0 && record.packed != record.size) {
    return "it is stored, but its packed and unpacked sizes differ";
  }
  if (record.has_slash() && holds_bytes(record)) return "it is a directory with contents";
  return complaint_about_type(record);
}

Result<void> check_local(ByteFile const& file, ZipRecord const& record, std::uint64_t next) {
  auto read = file.read(record.offset, kLocalSize + record.name.size());
  if (!read) return read.error();
  std::string_view const header = *read;
  if (header.size() < kLocalSize + record.name.size() || header.substr(0, 4) != kLocalSignature) {
    return bad_entry(record.name, "there is no local header where the central directory says");
  }
  if (u16(header, 26) != record.name.size() || header.substr(kLocalSize) != record.name) {
    return bad_entry(record.name, "its local header has another name");
  }
  if (((u16(header, 6) ^ record.flags) & kFlagsThatMatter) != 0 ||
      u16(header, 8) != record.method) {
    return bad_entry(record.name,
                     "its local header and the central directory disagree about how "
                     "it is packed");
  }
  auto const data = record.offset + header.size() + u16(header, 28);
  auto extra = file.read(record.offset + header.size(), u16(header, 28));
  if (!extra) return extra.error();
  if (auto what = disagreement(record, header, *extra)) return bad_entry(record.name, *what);
  return check_end(file, record, data, next);
}

Result<std::string> read_target(ByteFile const& file, ZipRecord const& record) {
  auto const header = file.read(record.offset, kLocalSize);
  if (!header) return header.error();
  auto const data = record.offset + kLocalSize + record.name.size() + u16(*header, 28);
  auto target = file.read(data, record.size);
  if (!target) return target.error();
  if (target->size() != record.size || crc32_of(*target) != record.crc) {
    return bad_entry(record.name, "it is a symbolic link whose target is damaged (CRC)");
  }
  return target;
}

}  // namespace faas::inline v0::code
