#include "synced.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

namespace {

std::function<void(std::string const&)> g_seen;

}  // namespace

// Stands before the C library's in this program.
extern "C" __attribute__((visibility("default"))) int fsync(int fd) {
  if (g_seen) {
    std::error_code failed;
    auto const link = "/proc/self/fd/" + std::to_string(fd);
    g_seen(std::filesystem::read_symlink(link, failed).string());
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace faas::test {

SyncWatch::SyncWatch(std::function<void(std::string const&)> seen) { g_seen = std::move(seen); }
SyncWatch::~SyncWatch() { g_seen = nullptr; }

}  // namespace faas::test
