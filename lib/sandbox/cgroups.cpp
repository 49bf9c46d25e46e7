#include "sandbox/cgroups.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "sys/directory.hpp"
#include "sys/file.hpp"
#include "sys/mountinfo.hpp"
#include "sys/text_file.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr auto kPatience = std::chrono::seconds(2);

std::uint64_t value_of(std::string const& text, std::string_view name) {
  std::istringstream lines(text);
  std::string key;
  for (std::uint64_t value; lines >> key >> value;)
    if (key == name) return value;
  return 0;
}

std::uint64_t stat_value(int directory, std::string const& file, std::string_view name) {
  auto text = sys::read_text(directory, file);
  return text ? value_of(*text, name) : 0;
}

bool has_word(std::string const& text, std::string_view word) {
  std::istringstream words(text);
  for (std::string w; words >> w;)
    if (w == word) return true;
  return false;
}

// Passes each controller on to the groups below, as far as it is there and may be.
Controllers enable(int directory) {
  Controllers on;
  auto const available = sys::read_text(directory, "cgroup.controllers");
  if (!available) return on;
  auto const pass = [&](char const* name) {
    return has_word(*available, name) &&
           sys::write_text(directory, "cgroup.subtree_control", fmt::format("+{}", name));
  };
  on.memory = pass("memory");
  on.pids = pass("pids");
  on.cpu = pass("cpu");
  return on;
}

sys::Fd open_group(int parent, std::string const& name) {
  return sys::Fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

sys::Fd open_events(int directory) {
  return sys::Fd(::openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC));
}

void wait_until_empty(int directory) {
  auto const events = open_events(directory);
  auto const end = std::chrono::steady_clock::now() + kPatience;
  while (events && Cgroup::populated(events.get()) && std::chrono::steady_clock::now() < end) {
    pollfd p{events.get(), POLLPRI, 0};
    ::poll(&p, 1, 50);
  }
}

// Kills and removes every group below, and what is below those: what a `kill -9` left. Safe to be
// killed itself and to run again.
void remove_below(int directory) {
  auto names = sys::list_names(directory);
  if (!names) return;
  for (auto const& name : *names) {
    auto child = open_group(directory, name);
    if (!child) continue;
    (void)sys::write_text(child.get(), "cgroup.kill", "1");
    wait_until_empty(child.get());
    remove_below(child.get());
    ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
  }
}

Result<sys::Fd> open_root(std::string const& root) {
  auto fd = sys::open_file(root, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd.error();
  struct statfs s;
  if (::fstatfs(fd->get(), &s) != 0) return sys::errno_error("fstatfs " + root, errno);
  constexpr auto kCgroup2Magic = 0x63677270;
  if (s.f_type != kCgroup2Magic)
    return Error{Errc::invalid_argument,
                 fmt::format("cgroup_root is \"{}\": not a directory of cgroup2", root),
                 {},
                 "start"};
  return fd;
}

}  // namespace

CgroupHost find_cgroup2(std::string_view mountinfo) {
  CgroupHost host;
  for (auto const& m : sys::parse_mountinfo(mountinfo)) {
    if (m.type == "cgroup2" && host.mount.empty()) host.mount = m.point;
    if (m.type == "cgroup") host.hybrid = true;
  }
  return host;
}

void Cgroup::kill() const { (void)sys::write_text(fd_.get(), "cgroup.kill", "1"); }
sys::Fd Cgroup::events() const { return open_events(fd_.get()); }
bool Cgroup::populated(int events) {
  char text[256];
  auto const n = ::pread(events, text, sizeof text, 0);
  return n > 0 && value_of(std::string(text, static_cast<std::size_t>(n)), "populated") != 0;
}
bool Cgroup::was_out_of_memory() const {
  return stat_value(fd_.get(), "memory.events", "oom_kill") > 0;
}
std::uint64_t Cgroup::peak() const {
  auto text = sys::read_text(fd_.get(), "memory.peak");
  return text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
}
std::uint64_t Cgroup::cpu_us() const { return stat_value(fd_.get(), "cpu.stat", "usage_usec"); }

Result<std::optional<Cgroups>> Cgroups::open(std::string const& root,
                                             std::string const& runtime_id) {
  std::string where = root;
  if (where.empty()) {
    auto mounts = sys::read_text("/proc/self/mountinfo");
    if (mounts) where = find_cgroup2(*mounts).mount;
    if (where.empty()) return std::optional<Cgroups>();
  }
  auto parent = open_root(where);
  if (!parent) return parent.error();
  Cgroups groups;
  groups.name_ = "faas-" + runtime_id;
  if (::mkdirat(parent->get(), groups.name_.c_str(), 0755) != 0 && errno != EEXIST) {
    if (root.empty()) return std::optional<Cgroups>();
    return sys::errno_error(fmt::format("mkdir {}/{}", where, groups.name_), errno);
  }
  auto own = open_group(parent->get(), groups.name_);
  if (!own) return sys::errno_error("open " + groups.name_, errno);
  auto locked = sys::try_lock(own.get());
  if (!locked) return locked.error();
  if (!*locked)
    return Error{Errc::conflict,
                 fmt::format("runtime_id \"{}\" is in use by a living process", runtime_id),
                 {},
                 "start"};
  groups.own_ = std::move(own);  // ours to clear from here on, not before
  groups.parent_ = std::move(*parent);
  remove_below(groups.own_.get());
  enable(groups.parent_.get());
  groups.controllers_ = enable(groups.own_.get());
  return std::optional<Cgroups>(std::move(groups));
}

Cgroups::~Cgroups() {
  if (!own_) return;
  remove_below(own_.get());
  ::unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR);
}

Result<Cgroup> Cgroups::create(Spec const& spec) const {
  if (::mkdirat(own_.get(), spec.id.c_str(), 0755) != 0)
    return sys::errno_error("mkdir of cgroup " + spec.id, errno);
  Cgroup group;
  group.name_ = spec.id;
  group.fd_ = open_group(own_.get(), spec.id);
  auto const set = [&](char const* file, std::string const& value) {
    return sys::write_text(group.fd(), file, value);
  };
  Result<void> done;
  if (controllers_.memory) {
    // Decision 14: a full /tmp is ENOSPC and never the function's death.
    done = set("memory.max", std::to_string(spec.memory.count + spec.tmp.count));
    if (done) done = set("memory.oom.group", "1");
    // Absent where the kernel accounts no swap; then there is none to limit.
    if (done && ::faccessat(group.fd(), "memory.swap.max", F_OK, 0) == 0)
      done = set("memory.swap.max", "0");
  }
  // One more for pid 1 of the jail.
  if (done && controllers_.pids) done = set("pids.max", std::to_string(spec.processes + 1));
  if (done && controllers_.cpu && spec.cpus > 0)
    done =
        set("cpu.max", fmt::format("{} 100000", static_cast<std::uint64_t>(spec.cpus * 100'000)));
  if (!done) {
    remove(group);
    return done.error();
  }
  return group;
}

bool Cgroups::remove(Cgroup& group) const {
  if (::unlinkat(own_.get(), group.name_.c_str(), AT_REMOVEDIR) != 0 && errno == EBUSY)
    return false;
  group.fd_.reset();
  return true;
}

}  // namespace faas::inline v0::sandbox
