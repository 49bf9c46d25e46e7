#include "sys/durable.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {
namespace {

std::string parent(std::string const& path) {
  auto const slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<void> sync_parent(std::string const& path) {
  auto const directory = parent(path);
  Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error("open " + directory, errno);
  if (::fsync(fd.get()) != 0) return errno_error("fsync " + directory, errno);
  return {};
}

Result<void> publish(std::string const& from, std::string const& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    return errno_error("rename " + from + " to " + to, errno);
  }
  return sync_parent(to);
}

}  // namespace faas::inline v0::sys
