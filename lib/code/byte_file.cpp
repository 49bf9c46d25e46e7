#include "code/byte_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "sys/file.hpp"

namespace faas::inline v0::code {

Result<ByteFile> ByteFile::of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return sys::errno_error("fstat", errno);
  return ByteFile(fd, static_cast<std::uint64_t>(status.st_size));
}

Result<std::size_t> ByteFile::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (fd_ >= 0) return sys::read_at(fd_, offset, into);
  auto const left = memory_.subspan(std::min<std::uint64_t>(offset, memory_.size()));
  auto const n = std::min(left.size(), into.size());
  std::copy_n(left.begin(), n, into.begin());
  return n;
}

Result<std::string> ByteFile::read(std::uint64_t offset, std::size_t count) const {
  std::string out(std::min<std::uint64_t>(count, size_ - std::min(offset, size_)), '\0');
  auto n = read(offset, std::as_writable_bytes(std::span(out)));
  if (!n) return n.error();
  out.resize(*n);
  return out;
}

}  // namespace faas::inline v0::code
