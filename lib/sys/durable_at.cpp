#include "sys/durable_at.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "sys/file.hpp"

namespace faas::inline v0::sys {
namespace {

Result<void> write_synced(int directory, std::string const& name, std::string_view bytes) {
  auto file = open_beneath(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!file) return file.error();
  if (auto written = write_all(file->get(), bytes_of(bytes), name); !written) return written;
  return sync(file->get(), name);
}

}  // namespace

Result<void> rename_durably(int from, std::string const& old_name, int to,
                            std::string const& new_name) {
  if (::renameat(from, old_name.c_str(), to, new_name.c_str()) != 0) {
    return errno_error(fmt::format("rename {} to {}", old_name, new_name), errno);
  }
  return sync(to, "the directory of " + new_name);
}

Result<void> write_durably(int from, std::string const& temporary, int to, std::string const& name,
                           std::string_view bytes) {
  auto written = write_synced(from, temporary, bytes);
  if (written) written = rename_durably(from, temporary, to, name);
  if (!written) ::unlinkat(from, temporary.c_str(), 0);
  return written;
}

Result<void> unlink_durably(int directory, std::string const& name) {
  if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT) {
    return errno_error("unlink " + name, errno);
  }
  return sync(directory, "the directory of " + name);
}

}  // namespace faas::inline v0::sys
