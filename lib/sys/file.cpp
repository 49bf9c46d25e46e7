#include "sys/file.hpp"

#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>

namespace faas::inline v0::sys {
namespace {

Result<Fd> open_how_said(int directory, std::string const& path, open_how how) {
  how.flags |= O_CLOEXEC;
  // EAGAIN: a rename raced with the check that ".." stays beneath; the kernel asks for another try.
  for (int attempt = 0;; ++attempt) {
    auto const fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno == EINTR || (errno == EAGAIN && attempt < 100)) continue;
    return errno_error(fmt::format("openat2 {}", path), errno);
  }
}

}  // namespace

Result<Fd> open_beneath(int directory, std::string const& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return open_how_said(directory, path, how);
}

Result<Fd> open_inside(int directory, std::string const& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return open_how_said(directory, path, how);
}

Result<Fd> open_file(std::string const& path, int flags, unsigned mode) {
  for (;;) {
    int const fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return Fd(fd);
    if (errno != EINTR) return errno_error(fmt::format("open {}", path), errno);
  }
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    auto const n =
        ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("pread", errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<std::size_t> read_some(int fd, std::span<std::byte> buffer) {
  for (;;) {
    auto const n = ::read(fd, buffer.data(), buffer.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return errno_error("read", errno);
  }
}

Result<void> write_all(int fd, std::span<std::byte const> bytes, std::string_view name) {
  while (!bytes.empty()) {
    auto const n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(fmt::format("write {}", name), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> sync(int fd, std::string_view name) {
  if (::fsync(fd) != 0) return errno_error(fmt::format("fsync {}", name), errno);
  return {};
}

}  // namespace faas::inline v0::sys
