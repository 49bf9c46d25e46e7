#include "sys/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "sys/file.hpp"

namespace faas::inline v0::sys {
namespace {

constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

struct CloseDir {
  void operator()(DIR* d) const { ::closedir(d); }
};
using Listing = std::unique_ptr<DIR, CloseDir>;

Result<void> remove_contents(int directory) {
  auto names = list_names(directory);
  if (!names) return names.error();
  for (auto const& name : *names) {
    if (auto removed = remove_tree(directory, name); !removed) return removed;
  }
  return {};
}

bool stands_at(int parent, std::string const& name, int directory) {
  struct stat here {
  }, there{};
  return ::fstat(directory, &here) == 0 &&
         ::fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

}  // namespace

Result<Fd> make_directory(int parent, std::string const& name, unsigned mode) {
  if (::mkdirat(parent, name.c_str(), mode) != 0 && errno != EEXIST) {
    return errno_error(fmt::format("mkdir {}", name), errno);
  }
  return open_beneath(parent, name, kOpenDirectory);
}

bool is_private(int directory) {
  struct stat status {};
  return ::fstat(directory, &status) == 0 && status.st_uid == ::geteuid() &&
         (status.st_mode & 077) == 0;
}

Result<std::vector<std::string>> list_names(int directory) {
  auto copy = open_beneath(directory, ".", kOpenDirectory);
  if (!copy) return copy.error();
  Listing const listing(::fdopendir(copy->get()));
  if (!listing) return errno_error("fdopendir", errno);
  copy->release();  // the DIR owns it now
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    auto const* entry = ::readdir(listing.get());
    if (entry == nullptr) break;
    std::string_view const name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return errno_error("readdir", errno);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> remove_tree(int parent, std::string const& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return errno_error(fmt::format("unlink {}", name), errno);
  auto directory = open_beneath(parent, name, kOpenDirectory);
  if (!directory) return directory.error();
  if (auto emptied = remove_contents(directory->get()); !emptied) return emptied;
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return errno_error(fmt::format("rmdir {}", name), errno);
}

Result<bool> try_lock(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return errno_error("flock", errno);
}

Result<std::optional<Fd>> try_claim(int parent, std::string const& name) {
  auto directory = open_beneath(parent, name, kOpenDirectory);
  if (!directory && directory.error().code == Errc::not_found) return std::optional<Fd>();
  if (!directory) return directory.error();
  auto const locked = try_lock(directory->get());
  if (!locked) return locked.error();
  if (!*locked || !stands_at(parent, name, directory->get())) return std::optional<Fd>();
  return std::optional<Fd>(std::move(*directory));
}

}  // namespace faas::inline v0::sys
