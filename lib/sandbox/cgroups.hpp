// The cgroup2 tree of one Sandbox: <root>/faas-<runtime id>/<spec id>. Found through mountinfo,
// never assumed; nothing of cgroup v1 is ever touched.
#pragma once

#include <cstdint>
#include <faas/sandbox.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sys/fd.hpp"

namespace faas::inline v0::sandbox {

struct Controllers {
  bool memory = false;
  bool pids = false;
  bool cpu = false;
};

// Of a cgroup2 hierarchy mounted somewhere: its mount point, and whether v1 hierarchies are mounted
// too.
struct CgroupHost {
  std::string mount;  // empty: none
  bool hybrid = false;
};
CgroupHost find_cgroup2(std::string_view mountinfo);

// One jail's leaf. Killed, read and removed by this.
class Cgroup {
 public:
  Cgroup() = default;
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }

  void kill() const;  // cgroup.kill: everything in it at once (G10)
  bool freeze(bool stand_still) const;
  // `events`: as events() gives it; reads it anew.
  static bool populated(int events);
  sys::Fd events() const;  // EPOLLPRI when `populated` changes
  bool was_out_of_memory() const;
  bool was_out_of_processes() const;
  std::uint64_t peak() const;    // bytes; 0 without the controller
  std::uint64_t cpu_us() const;  // 0 if it cannot be read

 private:
  friend class Cgroups;
  sys::Fd fd_;
  std::string name_;
};

class Cgroups {
 public:
  // Makes the runtime's own group, enables what controllers there are, removes what dead runtimes
  // left, of this id and of any other (leftovers.hpp). Nothing: no cgroup is writable here. Errors:
  // conflict (a living process has this runtime id), not_found or denied for a `root` given.
  static Result<std::optional<Cgroups>> open(std::string const& root,
                                             std::string const& runtime_id);
  ~Cgroups();
  Cgroups(Cgroups&&) noexcept = default;
  Cgroups& operator=(Cgroups&&) noexcept = default;

  Controllers controllers() const { return controllers_; }
  // With its limits set, before anything is in it: one made ahead, under a name of its own, or one
  // named by the id. Errors: conflict (the id is in use), io.
  Result<Cgroup> create(Spec const&);
  // Makes one ahead, if it can be made. It is used once, as every other.
  void prepare();
  std::size_t ready() const { return ready_.size(); }
  // When it is no longer populated. False: it still is.
  bool remove(Cgroup&) const;
  // Of runtimes that died since this one was opened.
  void remove_dead_neighbours() const;

 private:
  Cgroups() = default;
  Result<Cgroup> make(std::string name) const;
  Result<void> limit(Cgroup const&, Spec const&) const;

  sys::Fd parent_;
  sys::Fd own_;  // locked: this runtime lives
  std::string name_;
  Controllers controllers_;
  std::vector<Cgroup> ready_;
  std::uint64_t prepared_ = 0;
};

}  // namespace faas::inline v0::sandbox
