#include "sys/fd.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace faas::inline v0::sys {
namespace {

Errc code_of(int error) {
  switch (error) {
    case ENOENT: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::denied;
    case ENOSYS: return Errc::unsupported;
    case EEXIST: return Errc::conflict;
    default: return Errc::io;
  }
}

}  // namespace

Error errno_error(std::string_view what, int error) {
  return {
      code_of(error), fmt::format("{}: {}", what, std::generic_category().message(error)), {}, {}};
}

}  // namespace faas::inline v0::sys
