// The host audit: what was read, what it costs, what to do. Each check reads one thing.
#include <faas/host.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sandbox/cgroups.hpp"
#include "sandbox/interpreters.hpp"
#include "sandbox/privilege.hpp"
#include "sys/directory.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text_file.hpp"

namespace faas::inline v0 {

using namespace sandbox;

namespace {

// Without the newline at its end; empty if it cannot be read.
std::string value_of(std::string const& path) {
  auto text = sys::read_text(path);
  if (!text) return {};
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  return *text;
}

HostCheck fine(std::string name, std::string found) {
  return {std::move(name), HostState::ok, std::move(found), {}, {}};
}
HostCheck degraded(std::string name, std::string found, std::string cost, std::string fix) {
  return {std::move(name), HostState::degraded, std::move(found), std::move(cost), std::move(fix)};
}
HostCheck missing(std::string name, std::string found, std::string cost, std::string fix) {
  return {std::move(name), HostState::missing, std::move(found), std::move(cost), std::move(fix)};
}

HostCheck check_kernel() {
  utsname name{};
  ::uname(&name);
  int major = 0, minor = 0;
  std::sscanf(name.release, "%d.%d", &major, &minor);
  if (major > 6 || (major == 6 && minor >= 1)) return fine("kernel", name.release);
  return missing("kernel", name.release, "jails need calls of Linux 6.1", "a kernel 6.1 or newer");
}

HostCheck check_cgroups() {
  auto const host = find_cgroup2(value_of("/proc/self/mountinfo"));
  constexpr auto kCost =
      "memory and processes of a function are held by rlimits and a memory watch only; CPU time, "
      "and "
      "what the kernel keeps for its sockets, pipes and watches, by nothing";
  constexpr auto kFix = "boot with cgroup_no_v1=all (or systemd.unified_cgroup_hierarchy=1)";
  if (host.mount.empty())
    return degraded("cgroup-controllers", "no cgroup2 is mounted", kCost, kFix);
  auto const mode = host.hybrid ? "hybrid" : "unified";
  auto const controllers = value_of(host.mount + "/cgroup.controllers");
  std::string absent;
  for (std::string const name : {"cpu", "memory", "pids"})
    if ((" " + controllers + " ").find(" " + name + " ") == std::string::npos) absent += " " + name;
  if (absent.empty() && ::faccessat(AT_FDCWD, host.mount.c_str(), W_OK, AT_EACCESS) != 0)
    return degraded(
        "cgroup-controllers",
        fmt::format("{}; cgroup2 at {}, where this user may make no group", mode, host.mount),
        kCost,
        "run as root, or under systemd-run --user -p Delegate=yes with cgroup_root set "
        "to the delegated directory");
  if (absent.empty())
    return fine("cgroup-controllers",
                fmt::format("{}; cgroup2 at {}: {}", mode, host.mount, controllers));
  return degraded("cgroup-controllers",
                  fmt::format("{}; cgroup2 at {} lacks{}", mode, host.mount, absent), kCost, kFix);
}

// The namespaces of a jail, tried: limits, kernel options and security modules all have a say.
HostCheck check_namespaces() {
  auto const privilege = ::geteuid() == 0 ? Privilege::root : Privilege::unprivileged;
  if (auto const feature = missing_feature(privilege))
    return missing("user-namespaces", *feature, "no jail can be built", *feature);
  auto const tried = sys::try_namespaces(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
                                         CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
  if (tried) return fine("user-namespaces", "a process with every namespace of a jail was made");
  return missing("user-namespaces", tried.error().message, "no jail can be built",
                 "raise user.max_*_namespaces; allow unprivileged user namespaces in AppArmor "
                 "(sysctl kernel.apparmor_restrict_unprivileged_userns=0)");
}

HostCheck check_seccomp() {
  auto const actions = value_of("/proc/sys/kernel/seccomp/actions_avail");
  bool const all = actions.find("errno") != std::string::npos &&
                   actions.find("kill_process") != std::string::npos;
  if (all) return fine("seccomp", actions);
  return missing("seccomp", actions.empty() ? "no filters" : actions, "no jail can be built",
                 "a kernel with CONFIG_SECCOMP_FILTER");
}

HostCheck check_landlock() {
#ifdef SYS_landlock_create_ruleset
  constexpr unsigned kVersion = 1;
  long const version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
#else
  long const version = -1;
#endif
  if (version > 0) return fine("landlock", fmt::format("version {}", version));
  return degraded("landlock", "not available",
                  "one line of defence less for the host's own services",
                  "boot with lsm=landlock,...");
}

HostCheck check_smt() {
  auto const active = value_of("/sys/devices/system/cpu/smt/active");
  if (active != "1") return fine("smt", "off");
  return degraded("smt", "on", "functions on sibling threads can observe each other's timing",
                  "boot with nosmt, or give tenants cores of their own");
}

HostCheck check_ksm() {
  auto const run = value_of("/sys/kernel/mm/ksm/run");
  if (run.empty() || run == "0") return fine("ksm", "off");
  return degraded("ksm", "run=" + run, "merged pages tell one tenant what another has in memory",
                  "echo 2 > /sys/kernel/mm/ksm/run");
}

HostCheck check_swap() {
  auto const swaps = value_of("/proc/swaps");
  if (swaps.find('\n') == std::string::npos) return fine("swap", "none");
  if (check_cgroups().state == HostState::ok)
    return fine("swap", "in use; the memory controller keeps functions out of it");
  return degraded("swap", "in use",
                  "memory of functions may be written to disk: no memory controller forbids it",
                  "swapoff -a, or an encrypted swap");
}

HostCheck check_core() {
  auto const pattern = value_of("/proc/sys/kernel/core_pattern");
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  auto const found =
      fmt::format("core_pattern \"{}\", hard limit {}", pattern,
                  limit.rlim_max == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_max));
  // Under a limit of 0 a pipe handler still runs, as the host's root; under 1 it does not.
  if (limit.rlim_max > 0 || !pattern.starts_with('|')) return fine("core-dumps", found);
  return degraded("core-dumps", found, "a crashing function starts the core handler as root",
                  "sysctl kernel.core_pattern=core, or start with LimitCORE=1");
}

HostCheck check_yama() {
  auto const scope = value_of("/proc/sys/kernel/yama/ptrace_scope");
  if (!scope.empty() && scope != "0") return fine("yama", "ptrace_scope=" + scope);
  return degraded("yama", scope.empty() ? "not available" : "ptrace_scope=0",
                  "host processes of one user can read each other's memory; jails cannot",
                  "sysctl kernel.yama.ptrace_scope=1");
}

HostCheck check_io_uring() {
  auto const disabled = value_of("/proc/sys/kernel/io_uring_disabled");
  if (disabled == "1" || disabled == "2") return fine("io-uring", "io_uring_disabled=" + disabled);
  return fine("io-uring", "open to host processes; no jail's filter lets it through");
}

HostCheck check_bpf() {
  auto const disabled = value_of("/proc/sys/kernel/unprivileged_bpf_disabled");
  if (disabled != "0") return fine("unprivileged-bpf", disabled.empty() ? "no bpf" : "disabled");
  return degraded("unprivileged-bpf", "allowed",
                  "a wide kernel surface for host users; not for jails",
                  "sysctl kernel.unprivileged_bpf_disabled=1");
}

HostCheck check_ia32() {
  if (::access("/proc/sys/abi/vsyscall32", F_OK) != 0)
    return fine("ia32", "no 32-bit system calls");
  return degraded("ia32", "32-bit system calls are built in",
                  "a function enters that path before its filter kills it",
                  "boot with ia32_emulation=false");
}

HostCheck check_mitigations() {
  constexpr auto kDirectory = "/sys/devices/system/cpu/vulnerabilities";
  auto directory = sys::open_file(kDirectory, O_RDONLY | O_DIRECTORY);
  if (!directory) return fine("mitigations", "not reported by this kernel");
  std::string open;
  if (auto names = sys::list_names(directory->get()))
    for (auto const& name : *names)
      if (value_of(fmt::format("{}/{}", kDirectory, name)).starts_with("Vulnerable"))
        open += (open.empty() ? "" : ", ") + name;
  if (open.empty()) return fine("mitigations", "none reported vulnerable");
  return degraded("mitigations", "vulnerable: " + open,
                  "functions may read memory across the jail through the processor",
                  "new microcode; no mitigations=off on the kernel's command line");
}

HostCheck check_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t kComfortable = 65'536;
  auto const found = fmt::format("hard limit {}", limit.rlim_max);
  if (limit.rlim_max >= kComfortable) return fine("open-files", found);
  return degraded("open-files", found,
                  fmt::format("about {} instances at once", limit.rlim_max / 8),
                  "start with LimitNOFILE=1048576 (ulimit -Hn)");
}

}  // namespace

std::string_view to_string(HostState state) {
  switch (state) {
    case HostState::ok: return "ok";
    case HostState::degraded: return "degraded";
    case HostState::missing: return "missing";
  }
  return "?";
}

HostState HostReport::worst() const {
  auto worst = HostState::ok;
  for (auto const& check : checks) worst = std::max(worst, check.state);
  return worst;
}

HostReport audit_host(std::string const& runtimes_directory) {
  HostReport report;
  report.checks = {check_kernel(),   check_cgroups(),     check_namespaces(), check_seccomp(),
                   check_landlock(), check_smt(),         check_ksm(),        check_swap(),
                   check_core(),     check_yama(),        check_io_uring(),   check_bpf(),
                   check_ia32(),     check_mitigations(), check_files()};
  report.interpreters = find_interpreters(runtimes_directory);
  return report;
}

}  // namespace faas::inline v0
