#include "sandbox/spec_check.hpp"

#include "sandbox/wire.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace faas::inline v0::sandbox {
namespace {

// One start is one message to the spawner (wire::kMaxMessage); the rest of it is the steps.
constexpr std::size_t kMaxText = 128 * 1024;
constexpr std::size_t kMaxFiles = 64;
constexpr std::size_t kMaxFile = 64 * 1024;
constexpr std::size_t kMaxRecycle = 1024;

Error bad(std::string_view field, std::string_view value, std::string_view may_be) {
  return {
      Errc::invalid_argument, fmt::format("{} is \"{}\": {}", field, value, may_be), {}, "start"};
}

bool only(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// Absolute, without empty, "." and ".." parts, without NUL.
bool plain_absolute(std::string_view path) {
  if (!path.starts_with('/') || has_nul(path) || path.size() > 4095) return false;
  for (std::size_t at = 1; at <= path.size();) {
    auto const end = std::min(path.find('/', at), path.size());
    auto const part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return path == "/";
    at = end + 1;
  }
  return true;
}

bool is_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

Result<void> check_program(Spec const& s) {
  if (s.argv.empty()) return bad("argv", "", "it needs at least the program");
  if (!plain_absolute(s.argv.front()))
    return bad("argv[0]", s.argv.front(),
               "it must be an absolute path in the jail, without . or ..");
  for (auto const& a : s.argv)
    if (has_nul(a)) return bad("argv", a, "an argument cannot hold a NUL");
  for (auto const& e : s.environment)
    if (has_nul(e) || e.find('=') == std::string::npos || e.starts_with('='))
      return bad("environment", e, "each entry must be NAME=value without NUL");
  // D2: /proc/self/fd/N is no directory but a way to one that is open (CVE-2024-21626), and /dev/fd
  // leads there.
  if (!plain_absolute(s.working_directory) || is_below(s.working_directory, "/proc") ||
      is_below(s.working_directory, "/dev"))
    return bad("working_directory", s.working_directory,
               "it must be an absolute path in the jail, without . or .., outside /proc and /dev");
  return {};
}

Result<void> check_trees(Spec const& s) {
  if (!s.task.empty() && !plain_absolute(s.task))
    return bad("task", s.task, "it must be an absolute host directory, without . or ..");
  if (!s.opt.empty() && !plain_absolute(s.opt))
    return bad("opt", s.opt, "it must be an absolute host directory, without . or ..");
  return {};
}

// What every jail has in /etc; a file in their place would be refused by the kernel half-way.
constexpr std::string_view kOurs[] = {"/etc/passwd",      "/etc/group",
                                      "/etc/hosts",       "/etc/nsswitch.conf",
                                      "/etc/resolv.conf", "/etc/alternatives"};

Result<void> check_files(Spec const& s) {
  if (s.files.size() > kMaxFiles)
    return bad("files", std::to_string(s.files.size()), "at most 64 files");
  std::set<std::string> seen;
  for (auto const& f : s.files) {
    bool const below = f.path.starts_with("/etc/") || f.path.starts_with("/var/runtime/");
    if (!below || !plain_absolute(f.path))
      return bad("files.path", f.path, "it must be below /etc or /var/runtime, without . or ..");
    for (auto const ours : kOurs)
      if (f.path == ours || f.path.starts_with(std::string(ours) + "/"))
        return bad("files.path", f.path, "the jail has its own");
    if (!seen.insert(f.path).second) return bad("files.path", f.path, "it is there twice");
    if (f.content.size() > kMaxFile)
      return bad("files.content", std::to_string(f.content.size()), "at most 65536 bytes a file");
  }
  for (auto const& path : seen)
    for (auto slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      if (seen.contains(path.substr(0, slash)))
        return bad("files.path", path, "another file is in place of its directory");
  return {};
}

Result<void> check_limits(Spec const& s) {
  auto const in = [](std::uint64_t v, std::uint64_t low, std::uint64_t high) {
    return v >= low && v <= high;
  };
  if (!in(s.memory.count, 1 << 20, 1ull << 42))
    return bad("memory", std::to_string(s.memory.count), "between 1 MiB and 4 TiB, in bytes");
  // A tmpfs with size=0 has no limit at all.
  if (!in(s.tmp.count, 64 << 10, 1ull << 42))
    return bad("tmp", std::to_string(s.tmp.count), "between 64 KiB and 4 TiB, in bytes");
  if (!in(s.processes, 1, 1 << 20))
    return bad("processes", std::to_string(s.processes), "between 1 and 1048576");
  if (!in(s.open_files, 16, 1 << 20))
    return bad("open_files", std::to_string(s.open_files), "between 16 and 1048576");
  if (!(s.cpus == 0 || (s.cpus >= 0.01 && s.cpus <= 4096)))
    return bad("cpus", fmt::format("{}", s.cpus), "0 (no limit), or between 0.01 and 4096");
  return {};
}

// G3: a directory there would be a way out of the jail (CVE-2024-21626).
Result<void> check_channel(Spec const& s) {
  struct stat file;
  if (s.channel_fd < 0 || (::fstat(s.channel_fd, &file) == 0 && S_ISSOCK(file.st_mode))) return {};
  return bad("channel_fd", std::to_string(s.channel_fd), "it must be a connected socket, or -1");
}

Result<void> check_size(Spec const& s) {
  std::size_t text = 0;
  for (auto const& a : s.argv) text += a.size() + 24;
  for (auto const& e : s.environment) text += e.size() + 24;
  for (auto const& f : s.files) text += f.path.size() + f.content.size() + 512;
  if (text > kMaxText)
    return bad("argv, environment and files", std::to_string(text),
               "together at most 131072 bytes: move files into the package");
  return {};
}

}  // namespace

Result<void> check(Spec const& s) {
  if (s.recycle.size() > kMaxRecycle)
    return bad("recycle", std::to_string(s.recycle.size()), "at most 1024 bytes");
  if (s.id.empty() || s.id.size() > 64 || !only(s.id, "-"))
    return bad("id", s.id, "1 to 64 of a-z, 0-9 and -");
  for (auto const part :
       {check_program, check_trees, check_files, check_channel, check_limits, check_size})
    if (auto ok = part(s); !ok) return ok;
  return {};
}

Result<void> check(SandboxOptions const& o) {
  if (o.runtime_id.size() > 32 || !only(o.runtime_id, ""))
    return bad("runtime_id", o.runtime_id, "at most 32 of a-z and 0-9");
  if (!o.cgroup_root.empty() && !plain_absolute(o.cgroup_root))
    return bad("cgroup_root", o.cgroup_root, "it must be an absolute directory of cgroup2");
  if (o.networks > wire::kMaxNetworks)
    return bad("networks", std::to_string(o.networks), "at most 256");
  if (o.shells > 64) return bad("shells", std::to_string(o.shells), "at most 64");
  if (o.uid_count == 0 || o.uid_base < 1 ||
      o.uid_base + std::uint64_t{o.uid_count} > ~std::uint32_t{0})
    return bad("uid_base, uid_count", fmt::format("{}, {}", o.uid_base, o.uid_count),
               "the range must hold at least one id, not 0, below 4294967295");
  return {};
}

}  // namespace faas::inline v0::sandbox
