#include "sandbox/cgroups.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "sandbox/leftovers.hpp"
#include "sys/file.hpp"
#include "sys/mountinfo.hpp"
#include "sys/text_file.hpp"

namespace faas::inline v0::sandbox {
namespace {

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
bool Cgroup::freeze(bool stand_still) const {
  auto const done = sys::write_text(fd_.get(), "cgroup.freeze", stand_still ? "1" : "0");
  return static_cast<bool>(done);
}
sys::Fd Cgroup::events() const { return open_events(fd_.get()); }
bool Cgroup::populated(int events) {
  char text[256];
  auto const n = ::pread(events, text, sizeof text, 0);
  return n > 0 && value_of(std::string(text, static_cast<std::size_t>(n)), "populated") != 0;
}
bool Cgroup::was_out_of_memory() const {
  return stat_value(fd_.get(), "memory.events", "oom_kill") > 0;
}
bool Cgroup::was_out_of_processes() const {
  return stat_value(fd_.get(), "pids.events", "max") > 0;
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
  auto own = claim_group(parent->get(), runtime_id);
  if (!own && own.error().code != Errc::conflict && root.empty()) return std::optional<Cgroups>();
  if (!own) return own.error();
  Cgroups groups;
  groups.name_ = group_name(runtime_id);
  groups.own_ = std::move(*own);
  groups.parent_ = std::move(*parent);
  groups.remove_dead_neighbours();
  enable(groups.parent_.get());
  groups.controllers_ = enable(groups.own_.get());
  return std::optional<Cgroups>(std::move(groups));
}

Cgroups::~Cgroups() {
  if (own_) remove_group(parent_.get(), name_, std::move(own_));
}

void Cgroups::remove_dead_neighbours() const { remove_dead_groups(parent_.get()); }

Result<Cgroup> Cgroups::make(std::string name) const {
  if (::mkdirat(own_.get(), name.c_str(), 0755) != 0)
    return sys::errno_error("mkdir of cgroup " + name, errno);
  Cgroup group;
  group.fd_ = open_group(own_.get(), name);
  group.name_ = std::move(name);
  if (!group) {  // no descriptor free; a jail without its group would be one without limits
    auto const error = sys::errno_error("open of cgroup " + group.name_, errno);
    remove(group);
    return error;
  }
  return group;
}

Result<void> Cgroups::limit(Cgroup const& group, Spec const& spec) const {
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
  return done;
}

// No id of a Spec has a "_".
void Cgroups::prepare() {
  if (auto group = make(fmt::format("_{}", ++prepared_))) ready_.push_back(std::move(*group));
}

Result<Cgroup> Cgroups::create(Spec const& spec) {
  Cgroup group;
  if (ready_.empty()) {
    auto made = make(spec.id);
    if (!made) return made;
    group = std::move(*made);
  } else {
    group = std::move(ready_.back());
    ready_.pop_back();
  }
  if (auto done = limit(group, spec); !done) {
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
