#include "code/zip_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/check.hpp"
#include "code/errors.hpp"
#include "code/names.hpp"

namespace faas::inline v0::code {

struct ZipReader::Source {
  ByteFile const& file;
  std::uint64_t position = 0;
  std::array<std::byte, 64 * 1024> buffer;

  static la_ssize_t read(archive* a, void* self, void const** block) {
    auto& source = *static_cast<Source*>(self);
    auto n = source.file.read(source.position, source.buffer);
    if (!n) {
      archive_set_error(a, EIO, "%s", n.error().message.c_str());
      return ARCHIVE_FATAL;
    }
    source.position += *n;
    *block = source.buffer.data();
    return static_cast<la_ssize_t>(*n);
  }

  static la_int64_t skip(archive*, void* self, la_int64_t bytes) {
    static_cast<Source*>(self)->position += static_cast<std::uint64_t>(bytes);
    return bytes;
  }

  static la_int64_t seek(archive*, void* self, la_int64_t offset, int whence) {
    auto& source = *static_cast<Source*>(self);
    auto const base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? static_cast<la_int64_t>(source.position)
                                           : static_cast<la_int64_t>(source.file.size());
    if (base + offset < 0) return ARCHIVE_FATAL;
    source.position = static_cast<std::uint64_t>(base + offset);
    return base + offset;
  }
};

ZipReader::ZipReader(ByteFile const& file, ZipDirectory const& directory)
    : directory_(directory), source_(new Source{file, 0, {}}), archive_(archive_read_new()) {
  FAAS_CHECK(archive_ != nullptr);
  FAAS_CHECK(archive_read_support_format_zip_seekable(archive_) == ARCHIVE_OK);
  archive_read_set_read_callback(archive_, &Source::read);
  archive_read_set_skip_callback(archive_, &Source::skip);
  archive_read_set_seek_callback(archive_, &Source::seek);
  archive_read_set_callback_data(archive_, source_.get());
  // An empty archive holds nothing that libarchive could recognise.
  if (!directory_.entries.empty()) archive_read_open1(archive_);
}

ZipReader::~ZipReader() { archive_read_free(archive_); }

Error ZipReader::damaged() const {
  auto const what = archive_words(archive_error_string(archive_), "unreadable");
  auto const& entry = directory_.entries[index_ == 0 ? 0 : index_ - 1];
  return bad_zip(fmt::format("Entry {} is damaged: {}.", shown(entry.path), what));
}

Result<ZipEntry const*> ZipReader::next() {
  if (index_ == directory_.entries.size()) return nullptr;
  auto const& wanted = directory_.entries[index_++];
  archive_entry* found = nullptr;
  // A warning is a name that the process's locale cannot hold: the name is not taken from here.
  if (archive_read_next_header(archive_, &found) < ARCHIVE_WARN) return damaged();
  bool const is_link = !wanted.target.empty();
  auto const type = archive_entry_filetype(found);
  // libarchive has read a link's target as part of its header.
  auto const size = is_link ? 0 : wanted.size;
  if ((type == AE_IFDIR) != wanted.is_directory || (type == AE_IFLNK) != is_link ||
      (archive_entry_size_is_set(found) &&
       static_cast<std::uint64_t>(archive_entry_size(found)) != size)) {
    return bad_zip(fmt::format("Entry {} can be read in two ways.", shown(wanted.path)));
  }
  left_ = size;
  return &wanted;
}

Result<std::size_t> ZipReader::read(std::span<std::byte> buffer) {
  auto const n = archive_read_data(archive_, buffer.data(), buffer.size());
  if (n < 0) return damaged();
  auto const count = static_cast<std::uint64_t>(n);
  if (count > left_ || (count == 0 && left_ != 0)) {
    auto const& entry = directory_.entries[index_ - 1];
    return bad_zip(fmt::format("Entry {} unpacks to {} than the {} bytes it declares.",
                               shown(entry.path), count == 0 ? "less" : "more", entry.size));
  }
  left_ -= count;
  return static_cast<std::size_t>(count);
}

}  // namespace faas::inline v0::code
