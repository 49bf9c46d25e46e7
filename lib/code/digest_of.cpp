#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "code/errors.hpp"
#include "code/names.hpp"
#include "code/tree.hpp"
#include "sys/directory.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {
namespace {

class TreeReader {
 public:
  Result<void> walk(int directory, std::string const& prefix) {
    auto names = sys::list_names(directory);
    if (!names) return names.error();
    for (auto const& name : *names) {
      if (auto visited = visit(directory, name, prefix + name); !visited) return visited;
    }
    return {};
  }

  Digest finish() { return listing_.digest(); }

 private:
  Result<void> visit(int parent, std::string const& name, std::string const& path) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return sys::errno_error("stat " + shown(path), errno);
    }
    if (complaint_about_path(path) || status.st_uid != ::geteuid()) return foreign(path);
    if (S_ISDIR(status.st_mode)) return enter(parent, name, path, status);
    if (S_ISREG(status.st_mode)) return hash(parent, name, path, status);
    if (S_ISLNK(status.st_mode)) return read_link(parent, name, path, status);
    return foreign(path);
  }

  Result<void> read_link(int parent, std::string const& name, std::string const& path,
                         struct stat const& status) {
    if (status.st_nlink != 1) return foreign(path);
    auto const n =
        ::readlinkat(parent, name.c_str(), reinterpret_cast<char*>(buffer_.data()), buffer_.size());
    if (n < 0) return sys::errno_error("readlink " + shown(path), errno);
    auto const target = std::span(buffer_).first(static_cast<std::size_t>(n));
    listing_.add_link(path, sha256(target));
    return {};
  }

  Result<void> enter(int parent, std::string const& name, std::string const& path,
                     struct stat const& status) {
    if ((status.st_mode & 07777) != kDirectoryMode) return foreign(path);
    auto directory = sys::open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) return directory.error();
    listing_.add_directory(path);
    return walk(directory->get(), path + '/');
  }

  Result<void> hash(int parent, std::string const& name, std::string const& path,
                    struct stat const& status) {
    auto const mode = status.st_mode & 07777;
    bool const is_executable = mode == file_mode(true);
    if (mode != file_mode(is_executable) || status.st_nlink != 1) return foreign(path);
    auto file = sys::open_beneath(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) return file.error();
    Sha256 sum;
    for (;;) {
      auto n = sys::read_some(file->get(), buffer_);
      if (!n) return n.error();
      if (*n == 0) break;
      sum.update(std::span(buffer_).first(*n));
    }
    listing_.add_file(path, is_executable, sum.finish());
    return {};
  }

  static Result<void> foreign(std::string const& path) {
    return corrupt(
        fmt::format("{} is not as it was unpacked: its kind, mode, owner or link count "
                    "has changed",
                    shown(path)));
  }

  Listing listing_;
  std::array<std::byte, 128 * 1024> buffer_;
};

}  // namespace

Result<Digest> digest_of(int directory) {
  struct stat status {};
  if (::fstat(directory, &status) != 0) return sys::errno_error("fstat", errno);
  if ((status.st_mode & 07777) != kDirectoryMode) return corrupt("the tree's mode has changed");
  auto reader = std::make_unique<TreeReader>();
  if (auto walked = reader->walk(directory, ""); !walked) return walked.error();
  return reader->finish();
}

}  // namespace faas::inline v0::code
