// A directory as a zip. libarchive writes a time zone into DOS times, so entries carry no time: it
// then writes the earliest there is, 1980-01-01, everywhere.
#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/check.hpp"
#include "code/errors.hpp"
#include "code/links.hpp"
#include "code/names.hpp"
#include "code/path_set.hpp"
#include "code/tree.hpp"
#include "code/zip_directory.hpp"
#include "sys/directory.hpp"
#include "sys/file.hpp"

namespace faas::inline v0 {
namespace {

using namespace code;
namespace fs = std::filesystem;

struct FreeArchive {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct FreeEntry {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

Error refusal(fs::path const& path, std::string_view what) {
  return {Errc::invalid_argument, fmt::format("{}: {}", path.string(), what),
          "InvalidParameterValueException", "code"};
}

// The zip being written, in memory, never more than its limit.
class Zip {
 public:
  explicit Zip(Bytes limit) : limit_(limit), archive_(archive_write_new()) {
    FAAS_CHECK(archive_ != nullptr);
    FAAS_CHECK(archive_write_set_format_zip(archive_.get()) == ARCHIVE_OK);
    archive_write_set_bytes_per_block(archive_.get(), 0);
    // Names are UTF-8 by our own check, whatever the process's locale is.
    FAAS_CHECK(archive_write_set_options(archive_.get(), "zip:compression=deflate,zip:!zip64") ==
               ARCHIVE_OK);
    open_ = archive_write_open(archive_.get(), this, nullptr, &Zip::receive, nullptr) == ARCHIVE_OK;
  }

  Result<void> begin(std::string const& path, unsigned mode, std::uint64_t size) {
    std::unique_ptr<archive_entry, FreeEntry> const entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_mode(entry.get(), static_cast<__LA_MODE_T>(mode));
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    return write_header(entry.get());
  }
  Result<void> link(std::string const& path, std::string const& target) {
    std::unique_ptr<archive_entry, FreeEntry> const entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_mode(entry.get(), S_IFLNK | 0777);
    archive_entry_set_symlink(entry.get(), target.c_str());
    return write_header(entry.get());
  }
  Result<void> write(std::span<std::byte const> bytes) {
    return check(archive_write_data(archive_.get(), bytes.data(), bytes.size()) ==
                 static_cast<la_ssize_t>(bytes.size()));
  }
  Result<std::string> finish() {
    if (auto closed = check(archive_write_close(archive_.get()) == ARCHIVE_OK); !closed) {
      return closed.error();
    }
    return std::move(bytes_);
  }

 private:
  Result<void> write_header(archive_entry* entry) {
    return check(open_ && archive_write_header(archive_.get(), entry) >= ARCHIVE_WARN);
  }

  static la_ssize_t receive(archive*, void* self, void const* data, std::size_t size) {
    auto& zip = *static_cast<Zip*>(self);
    // Swallowed, not failed: libarchive leaks its own state after a fatal answer.
    zip.is_full_ = zip.is_full_ || size > zip.limit_.count - zip.bytes_.size();
    if (!zip.is_full_) zip.bytes_.append(static_cast<char const*>(data), size);
    return static_cast<la_ssize_t>(size);
  }

  Result<void> check(bool ok) {
    if (ok && !is_full_) return {};
    if (is_full_) return upload_too_large(limit_, "the directory, packed, has more.");
    auto const what = archive_words(archive_error_string(archive_.get()), "libarchive failed");
    return Error{Errc::io, fmt::format("packing: {}", what), {}, "code"};
  }

  Bytes limit_;
  std::string bytes_;
  bool is_full_ = false;
  bool open_ = false;
  std::unique_ptr<archive, FreeArchive> archive_;  // last: freeing it may still write
};

class Packer {
 public:
  Packer(fs::path root, PackageLimits const& limits)
      : root_(std::move(root)), limits_(limits), zip_(limits.upload) {}

  Result<std::string> run() {
    auto directory = sys::open_file(root_.string(), O_RDONLY | O_DIRECTORY);
    if (!directory) return directory.error();
    if (auto walked = walk(directory->get(), ""); !walked) return walked.error();
    for (auto const& [path, target] : links_) {
      if (auto complaint = complaint_about_link(paths_, path, target))
        return refusal(root_ / path, "is a symbolic link, and " + *complaint);
    }
    return zip_.finish();
  }

 private:
  Result<void> walk(int directory, std::string const& prefix) {
    auto names = sys::list_names(directory);
    if (!names) return at(prefix, names.error());
    for (auto const& name : *names) {
      if (auto added = add(directory, name, prefix + name); !added) return added;
    }
    return {};
  }

  Result<void> add(int parent, std::string const& name, std::string const& path) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return at(path, sys::errno_error("stat", errno));
    }
    bool const is_directory = S_ISDIR(status.st_mode);
    if (S_ISLNK(status.st_mode)) return add_link(parent, name, path);
    if (!is_directory && !S_ISREG(status.st_mode)) {
      return refusal(root_ / path, "is neither a file nor a directory; leave it out");
    }
    auto const kind = is_directory ? PathSet::Kind::directory : PathSet::Kind::file;
    if (auto counted = count(path, kind); !counted) return counted;
    return is_directory ? add_directory(parent, name, path) : add_file(parent, name, path);
  }

  Result<void> count(std::string const& path, PathSet::Kind kind) {
    if (auto complaint = complaint_about_path(path)) return refusal(root_ / path, *complaint);
    if (auto complaint = paths_.add(path, kind)) return refusal(root_ / path, *complaint);
    if (paths_.size() > limits_.entries) return too_many_entries(limits_.entries);
    if (paths_.name_bytes() > kMaxNameBytes) {
      return refusal(root_, fmt::format("its names take more than {} bytes", kMaxNameBytes));
    }
    return {};
  }

  Result<void> add_directory(int parent, std::string const& name, std::string const& path) {
    auto directory = sys::open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) return at(path, directory.error());
    if (auto begun = zip_.begin(path + '/', S_IFDIR | kDirectoryMode, 0); !begun) return begun;
    return walk(directory->get(), path + '/');
  }

  Result<void> add_link(int parent, std::string const& name, std::string const& path) {
    if (auto counted = count(path, PathSet::Kind::link); !counted) return counted;
    std::string target(4096, '\0');
    auto const n = ::readlinkat(parent, name.c_str(), target.data(), target.size());
    if (n < 0) return at(path, sys::errno_error("readlink", errno));
    target.resize(static_cast<std::size_t>(n));
    if (auto written = zip_.link(path, target); !written) return written;
    links_.emplace_back(path, std::move(target));
    return {};
  }

  Result<void> add_file(int parent, std::string const& name, std::string const& path) {
    auto file = sys::open_beneath(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) return at(path, file.error());
    struct stat status {};
    if (::fstat(file->get(), &status) != 0) return at(path, sys::errno_error("stat", errno));
    if (!S_ISREG(status.st_mode)) return changed(path);
    auto const size = static_cast<std::uint64_t>(status.st_size);
    if (size > limits_.unpacked.count - unpacked_) {
      return unpacked_too_large(limits_.unpacked, fmt::format("With {} ({} bytes) it has more.",
                                                              (root_ / path).string(), size));
    }
    unpacked_ += size;
    auto const mode = file_mode((status.st_mode & 0111) != 0);
    if (auto begun = zip_.begin(path, S_IFREG | mode, size); !begun) return begun;
    return copy(file->get(), path, size);
  }

  Result<void> copy(int file, std::string const& path, std::uint64_t size) {
    for (;;) {
      auto n = sys::read_some(file, buffer_);
      if (!n) return at(path, n.error());
      if (*n > size || (*n == 0 && size != 0)) return changed(path);
      if (*n == 0) return {};
      size -= *n;
      if (auto put = zip_.write(std::span(buffer_).first(*n)); !put) return put;
    }
  }

  Result<void> at(std::string const& path, Error error) const {
    error.message = (root_ / path).string() + ": " + error.message;
    return error;
  }
  Result<void> changed(std::string const& path) const {
    return Error{
        Errc::conflict, (root_ / path).string() + ": changed while it was packed", {}, "code"};
  }

  fs::path root_;
  PackageLimits limits_;
  Zip zip_;
  PathSet paths_;
  std::vector<std::pair<std::string, std::string>> links_;  // and their targets
  std::uint64_t unpacked_ = 0;
  std::array<std::byte, 128 * 1024> buffer_;
};

}  // namespace

Result<std::string> pack(fs::path const& directory, PackageLimits const& limits) {
  return in_layer(std::make_unique<Packer>(directory, limits)->run());
}

}  // namespace faas::inline v0
