#include "sandbox/facts.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "sys/text_file.hpp"

namespace faas::inline v0::sandbox {
namespace {

std::uint64_t hard_limit(std::size_t resource) {
  rlimit64 limit{};
  auto const which = static_cast<decltype(RLIMIT_CORE)>(resource);
  return ::getrlimit64(which, &limit) == 0 ? limit.rlim_max : ~0ull;
}

std::vector<RootEntry> root_entries() {
  std::vector<RootEntry> found;
  for (std::string const name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    std::string const path = "/" + name;
    struct stat s;
    if (::lstat(path.c_str(), &s) != 0) continue;
    if (S_ISDIR(s.st_mode)) found.push_back({name, {}});
    if (!S_ISLNK(s.st_mode)) continue;
    char target[PATH_MAX];
    auto const n = ::readlink(path.c_str(), target, sizeof target);
    std::string to(target, n > 0 ? static_cast<std::size_t>(n) : 0);
    if (to.starts_with('/')) to.erase(0, 1);
    if (to.starts_with("usr/")) found.push_back({name, to});
  }
  return found;
}

}  // namespace

Facts read_facts() {
  Facts facts;
  facts.uid = ::geteuid();
  facts.gid = ::getegid();
  if (auto last = sys::read_text("/proc/sys/kernel/cap_last_cap"))
    facts.last_capability = static_cast<unsigned>(std::strtoul(last->c_str(), nullptr, 10));
  facts.root_entries = root_entries();
  struct stat s;
  facts.alternatives = ::stat("/etc/alternatives", &s) == 0 && S_ISDIR(s.st_mode);
  for (std::size_t resource = 0; resource < facts.hard_limits.size(); ++resource)
    facts.hard_limits[resource] = hard_limit(resource);
  return facts;
}

}  // namespace faas::inline v0::sandbox
