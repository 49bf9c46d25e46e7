#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "code/errors.hpp"
#include "code/names.hpp"
#include "code/tree.hpp"
#include "code/zip_directory.hpp"
#include "code/zip_reader.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {
namespace {

// The design zeroes times: a tree is its names, bytes and execute bits.
constexpr timespec kEpoch[2] = {{0, 0}, {0, 0}};

class TreeWriter {
 public:
  TreeWriter(ByteFile const& zip, ZipDirectory const& directory, int into, Bytes limit)
      : reader_(zip, directory), directory_(directory), into_(into), limit_(limit) {}

  Result<Unpacked> run() {
    if (auto made = make_directories(); !made) return made.error();
    for (;;) {
      auto entry = reader_.next();
      if (!entry) return entry.error();
      if (*entry == nullptr) break;
      if ((*entry)->is_directory) continue;
      auto const written = (*entry)->target.empty() ? write_file(**entry) : make_link(**entry);
      if (!written) return written.error();
    }
    if (auto resolved = resolve_links(); !resolved) return resolved.error();
    if (auto stamped = stamp_directories(); !stamped) return stamped.error();
    return Unpacked{listing_.digest(), {written_}};
  }

 private:
  Result<void> make_directories() {
    for (auto const& path : directory_.directories) {
      if (auto made = make_directory(path); !made) return made;
      listing_.add_directory(path);
    }
    return {};
  }

  struct Place {
    sys::Fd parent;
    std::string leaf;
  };
  Result<Place> place_of(std::string const& path) const {
    auto const slash = path.rfind('/');
    auto const parent_path = slash == path.npos ? "." : path.substr(0, slash);
    auto parent = sys::open_beneath(into_, parent_path, O_PATH | O_DIRECTORY);
    if (!parent) return parent.error();
    return Place{std::move(*parent), path.substr(slash == path.npos ? 0 : slash + 1)};
  }

  Result<void> make_directory(std::string const& path) {
    auto const place = place_of(path);
    if (!place) return place.error();
    auto const parent = place->parent.get();
    auto const* leaf = place->leaf.c_str();
    // fchmodat because the process's umask is not ours to rely on.
    if (::mkdirat(parent, leaf, kDirectoryMode) != 0 ||
        ::fchmodat(parent, leaf, kDirectoryMode, 0) != 0) {
      return sys::errno_error("mkdir " + shown(path), errno);
    }
    return {};
  }

  Result<void> make_link(ZipEntry const& entry) {
    auto const place = place_of(entry.path);
    if (!place) return place.error();
    auto const parent = place->parent.get();
    auto const* leaf = place->leaf.c_str();
    if (auto allowed = count(entry.target.size(), entry); !allowed) return allowed;
    if (::symlinkat(entry.target.c_str(), parent, leaf) != 0 ||
        ::utimensat(parent, leaf, kEpoch, AT_SYMLINK_NOFOLLOW) != 0) {
      return sys::errno_error("symlink " + shown(entry.path), errno);
    }
    listing_.add_link(entry.path, sha256(sys::bytes_of(entry.target)));
    return {};
  }

  // The kernel's word on what links.hpp decided by their text (row K2).
  Result<void> resolve_links() const {
    for (auto const& entry : directory_.entries) {
      if (entry.target.empty()) continue;
      if (auto named = sys::open_inside(into_, entry.path, O_PATH); !named) return named.error();
    }
    return {};
  }

  Result<void> write_file(ZipEntry const& entry) {
    auto file = sys::open_beneath(into_, entry.path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file) return file.error();
    Sha256 hash;
    if (auto copied = copy(file->get(), entry, hash); !copied) return copied;
    if (::fchmod(file->get(), file_mode(entry.is_executable)) != 0 ||
        ::futimens(file->get(), kEpoch) != 0) {
      return sys::errno_error("fchmod " + shown(entry.path), errno);
    }
    listing_.add_file(entry.path, entry.is_executable, hash.finish());
    return {};
  }

  // To the entry's end, which checks its CRC.
  Result<void> copy(int fd, ZipEntry const& entry, Sha256& hash) {
    for (;;) {
      auto n = reader_.read(buffer_);
      if (!n) return n.error();
      if (*n == 0) return {};
      auto const block = std::span(buffer_).first(*n);
      if (auto allowed = count(block.size(), entry); !allowed) return allowed;
      hash.update(block);
      if (auto put = sys::write_all(fd, block, shown(entry.path)); !put) return put;
    }
  }

  Result<void> count(std::uint64_t bytes, ZipEntry const& entry) {
    written_ += bytes;
    if (written_ <= limit_.count) return {};
    return unpacked_too_large(limit_, fmt::format("It passed that in {}.", shown(entry.path)));
  }

  // Last: a directory's time changes with every name in it.
  Result<void> stamp_directories() {
    for (auto const& path : directory_.directories) {
      auto opened = sys::open_beneath(into_, path, O_RDONLY | O_DIRECTORY);
      if (!opened) return opened.error();
      if (::futimens(opened->get(), kEpoch) != 0) {
        return sys::errno_error("futimens " + shown(path), errno);
      }
    }
    if (::futimens(into_, kEpoch) != 0) return sys::errno_error("futimens", errno);
    return {};
  }

  ZipReader reader_;
  ZipDirectory const& directory_;
  int into_;
  Bytes limit_;
  Listing listing_;
  std::uint64_t written_ = 0;
  std::array<std::byte, 128 * 1024> buffer_;
};

}  // namespace

Result<Unpacked> unpack(ByteFile const& zip, int into, PackageLimits const& limits) {
  auto directory = read_zip_directory(zip, limits);
  if (!directory) return directory.error();
  return std::make_unique<TreeWriter>(zip, *directory, into, limits.unpacked)->run();
}

}  // namespace faas::inline v0::code
