#include "sys/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "sys/file.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

namespace faas::inline v0::sys {
namespace {

int create(char const* name) {
  unsigned const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // Before 6.3 every memfd is executable and the flag is unknown; after, vm.memfd_noexec wants it
  // said.
  int const fd = ::memfd_create(name, flags | MFD_EXEC);
  return fd >= 0 || errno != EINVAL ? fd : ::memfd_create(name, flags);
}

}  // namespace

Result<Fd> sealed_memfd(char const* name, std::string_view bytes) {
  Fd fd(create(name));
  if (!fd) return errno_error("memfd_create", errno);
  if (auto written = write_all(fd.get(), bytes_of(bytes), name); !written) return written.error();
  int const seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(fd.get(), F_ADD_SEALS, seals | F_SEAL_EXEC) != 0 &&
      ::fcntl(fd.get(), F_ADD_SEALS, seals) != 0)
    return errno_error("fcntl F_ADD_SEALS", errno);
  return fd;
}

}  // namespace faas::inline v0::sys
