#include "code/seal.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "sys/directory.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {

Seal::Entry Seal::entry(std::string path, struct stat const& s) {
  return {std::move(path), s.st_dev,         s.st_ino,         s.st_mode,
          s.st_size,       s.st_ctim.tv_sec, s.st_ctim.tv_nsec};
}

Result<void> Seal::add(int trees, std::string const& path) {
  struct stat status {};
  if (::fstatat(trees, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return sys::errno_error("stat " + path, errno);
  entries_.push_back(entry(path, status));
  if (!S_ISDIR(status.st_mode)) return {};
  auto directory = sys::open_beneath(trees, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return directory.error();
  auto names = sys::list_names(directory->get());
  if (!names) return names.error();
  for (auto const& name : *names) {
    if (auto added = add(trees, path + '/' + name); !added) return added;
  }
  return {};
}

Result<Seal> Seal::of(int trees, std::string const& name) {
  Seal seal;
  if (auto added = seal.add(trees, name); !added) return added.error();
  return seal;
}

bool Seal::holds(int trees) const {
  auto const same = [&](Entry const& e) {
    struct stat s {};
    if (::fstatat(trees, e.path.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) return false;
    auto const seen = [](Entry const& x) {
      return std::tie(x.device, x.inode, x.mode, x.size, x.seconds, x.nanoseconds);
    };
    auto const now = entry({}, s);
    return seen(e) == seen(now);
  };
  return std::all_of(entries_.begin(), entries_.end(), same);
}

}  // namespace faas::inline v0::code
