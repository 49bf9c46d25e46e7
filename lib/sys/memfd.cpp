#include "sys/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "sys/file.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

namespace faas::inline v0::sys {
namespace {

// Before 6.3 every memfd is executable and `execution` is unknown; after, vm.memfd_noexec wants it
// said.
int create(char const* name, unsigned execution) {
  unsigned const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int const fd = ::memfd_create(name, flags | execution);
  return fd >= 0 || errno != EINVAL ? fd : ::memfd_create(name, flags);
}

}  // namespace

Result<Fd> sealed_memfd(char const* name, std::string_view bytes) {
  Fd fd(create(name, MFD_EXEC));
  if (!fd) return errno_error("memfd_create", errno);
  if (auto written = write_all(fd.get(), bytes_of(bytes), name); !written) return written.error();
  int const seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(fd.get(), F_ADD_SEALS, seals | F_SEAL_EXEC) != 0 &&
      ::fcntl(fd.get(), F_ADD_SEALS, seals) != 0)
    return errno_error("fcntl F_ADD_SEALS", errno);
  return fd;
}

Result<Fd> lent_memfd(char const* name, std::span<iovec const> parts) {
  Fd fd(create(name, MFD_NOEXEC_SEAL));
  if (!fd) return errno_error("memfd_create", errno);
  for (auto const& part : parts) {
    std::string_view const bytes(static_cast<char const*>(part.iov_base), part.iov_len);
    if (auto written = write_all(fd.get(), bytes_of(bytes), name); !written) return written.error();
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return errno_error("fcntl F_ADD_SEALS", errno);
  return fd;
}

void take_back(Fd fd) {
  while (::ftruncate(fd.get(), 0) != 0 && errno == EINTR) {
  }
}

bool is_sealed_memfd(int fd, std::uint64_t size) {
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  struct stat status {};
  int const seals = ::fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & kSeals) == kSeals && ::fstat(fd, &status) == 0 &&
         S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == size;
}

}  // namespace faas::inline v0::sys
