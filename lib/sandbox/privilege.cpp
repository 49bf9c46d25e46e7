#include "sandbox/privilege.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "sys/text_file.hpp"

namespace faas::inline v0::sandbox {
namespace {

std::uint64_t effective_capabilities() {
  auto const status = sys::read_text("/proc/self/status");
  if (!status) return 0;
  auto const at = status->find("CapEff:");
  return at == std::string::npos ? 0 : std::strtoull(status->c_str() + at + 7, nullptr, 16);
}

bool is_zero(std::string const& path) {
  auto const text = sys::read_text(path);
  return text && std::strtoul(text->c_str(), nullptr, 10) == 0;
}

Error error(Errc code, std::string message) { return {code, std::move(message), {}, "start"}; }

}  // namespace

bool is_root(std::uint32_t uid, std::uint64_t capabilities) {
  std::uint64_t const needed =
      1ull << CAP_SYS_ADMIN | 1ull << CAP_SETUID | 1ull << CAP_SETGID | 1ull << CAP_SYS_CHROOT;
  return uid == 0 && (capabilities & needed) == needed;
}

bool maps_ids(std::string_view map, std::uint32_t base, std::uint32_t count) {
  std::istringstream lines{std::string(map)};
  for (std::uint64_t inside, outside, length; lines >> inside >> outside >> length;)
    if (base >= inside && base + std::uint64_t{count} <= inside + length) return true;
  return false;
}

std::optional<std::string> missing_feature(Privilege privilege) {
  if (::access("/proc/self/ns/user", F_OK) != 0)
    return "this kernel has no user namespaces: use one built with CONFIG_USER_NS";
  if (is_zero("/proc/sys/user/max_user_namespaces"))
    return "user namespaces are switched off: sysctl user.max_user_namespaces=15000";
  if (privilege != Privilege::root && is_zero("/proc/sys/kernel/unprivileged_userns_clone"))
    return "user namespaces are for root only here: sysctl kernel.unprivileged_userns_clone=1";
  if (::access("/proc/self/ns/cgroup", F_OK) != 0 || ::access("/proc/self/ns/net", F_OK) != 0)
    return "this kernel lacks a namespace: use one built with CONFIG_CGROUPS and CONFIG_NET_NS";
  if (::access("/proc/sys/kernel/seccomp/actions_avail", F_OK) != 0)
    return "this kernel has no seccomp filters: use one built with CONFIG_SECCOMP_FILTER";
  return {};
}

Result<Privilege> choose_privilege(SandboxOptions const& options, Facts const& facts,
                                   bool cgroup_writable) {
  bool const root = is_root(facts.uid, effective_capabilities());
  switch (options.privilege) {
    case Privilege::automatic:
      if (root) return Privilege::root;
      return cgroup_writable ? Privilege::delegated : Privilege::unprivileged;
    case Privilege::root:
      if (!root)
        return error(Errc::denied, fmt::format("privilege root needs uid 0 with CAP_SYS_ADMIN, "
                                               "CAP_SETUID, CAP_SETGID and CAP_SYS_CHROOT; this "
                                               "is uid {}",
                                               facts.uid));
      return Privilege::root;
    case Privilege::delegated:
      if (!cgroup_writable)
        return error(Errc::denied,
                     "privilege delegated needs a cgroup2 directory this user may write: set "
                     "cgroup_root, or start with systemd-run --user -p Delegate=yes");
      return Privilege::delegated;
    case Privilege::unprivileged: break;
  }
  return Privilege::unprivileged;
}

}  // namespace faas::inline v0::sandbox
