#include "sys/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

namespace faas::inline v0::sys {
namespace {

constexpr std::size_t kLimit = 1 << 20;

}  // namespace

Result<std::string> read_text(int directory, std::string const& path) {
  Fd fd(::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error("open " + path, errno);
  std::string text;
  char buffer[4096];
  while (text.size() < kLimit) {
    auto const n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read " + path, errno);
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

Result<std::string> read_text(std::string const& path) { return read_text(AT_FDCWD, path); }

Result<void> write_text(int directory, std::string const& path, std::string_view value) {
  Fd fd(::openat(directory, path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno_error("open " + path, errno);
  ssize_t n;
  do n = ::write(fd.get(), value.data(), value.size());
  while (n < 0 && errno == EINTR);
  if (n < 0) return errno_error(fmt::format("write \"{}\" to {}", value, path), errno);
  return {};
}

}  // namespace faas::inline v0::sys
