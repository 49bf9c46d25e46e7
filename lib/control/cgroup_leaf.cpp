#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <faas/control.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/cgroup_leaf.hpp"

namespace faas::inline v0 {
namespace control {
namespace {

std::string read_all(std::string const& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// systemd marks what it delegates; a directory that merely is writable may be somebody else's to
// order.
bool is_delegated(std::string const& directory) {
  for (auto const* name : {"trusted.delegate", "user.delegate"}) {
    char value = 0;
    if (::getxattr(directory.c_str(), name, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

}  // namespace

std::string cgroup2_directory(std::string_view mountinfo, std::string_view cgroup) {
  std::string mount, own;
  std::istringstream mounts{std::string(mountinfo)};
  for (std::string line; std::getline(mounts, line);) {
    auto const dash = line.find(" - cgroup2 ");
    if (dash == std::string::npos) continue;
    std::istringstream fields(line);
    std::string skipped;
    fields >> skipped >> skipped >> skipped >> skipped >> mount;
    break;
  }
  std::istringstream lines{std::string(cgroup)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/")) own = line.substr(3);
  }
  if (mount.empty() || own.empty()) return {};
  return own == "/" ? mount : mount + own;
}

Result<void> move_into_leaf(std::string const& directory) {
  auto const leaf = directory + "/faasd";
  std::error_code error;
  std::filesystem::create_directory(leaf, error);
  if (error)
    return Error{Errc::io, fmt::format("mkdir {}: {}", leaf, error.message()), "", "cgroup"};
  std::ofstream procs(leaf + "/cgroup.procs");
  procs << ::getpid() << std::flush;
  if (procs) return {};
  return Error{Errc::io, fmt::format("write {}/cgroup.procs: {}", leaf, std::strerror(errno)), "",
               "cgroup"};
}

}  // namespace control

Result<std::string> claim_delegated_cgroup() {
  auto const directory = control::cgroup2_directory(control::read_all("/proc/self/mountinfo"),
                                                    control::read_all("/proc/self/cgroup"));
  if (directory.empty() || !control::is_delegated(directory)) return std::string();
  auto const moved = control::move_into_leaf(directory);
  if (!moved) return moved.error();
  return directory;
}

}  // namespace faas::inline v0
