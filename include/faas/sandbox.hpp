// Jails: start untrusted programs behind namespaces, seccomp, an empty root and a cgroup, and learn
// how they ended. Usable alone; needs no event loop and no thread.
#pragma once

#include <cstdint>
#include <faas/error.hpp>
#include <faas/units.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace faas::inline v0 {

// Which default-deny allow-list of system calls the program gets. `native` is `general` for a
// program with a channel_fd: no socket that it may pass to the host can block the host's close.
enum class SeccompClass { general, python, node, native };

// How the program is kept apart. A microVM is a later value.
enum class Isolation { jail };

// With whose rights the jail is built. `automatic`: root where we are root, else delegated where
// the cgroup root is writable, else unprivileged.
//   root          a host uid of its own for every jail, a cgroup, every namespace
//   delegated     one host uid, a cgroup, every namespace
//   unprivileged  one host uid, no cgroup (kill is SIGKILL to pid 1 by pidfd), every namespace
enum class Privilege { automatic, root, delegated, unprivileged };
std::string_view to_string(Privilege);

// A small file made in the jail's root before it becomes read-only.
struct SpecFile {
  std::string path;     // absolute, below /etc or /var/runtime, no "." or ".."
  std::string content;  // at most 64 KiB
  bool operator==(SpecFile const&) const = default;
};

// The wish: what to run and what it may use. Everything not named here is closed.
struct Spec {
  std::string id;                 // 1..64 of [a-z0-9-]; names the cgroup; unique among the living
  std::vector<std::string> argv;  // argv[0]: absolute path inside the jail
  std::vector<std::string> environment;         // "NAME=value"; exactly these, nothing inherited
  std::string working_directory = "/var/task";  // absolute, no "." or "..", not in /proc or /dev
  std::string task;  // absolute host directory, read-only at /var/task; empty: an empty one
  std::string opt;   // the same for /opt
  std::vector<SpecFile> files;
  SeccompClass seccomp = SeccompClass::general;
  Bytes memory = 128_MiB;  // the kernel's limit is memory + tmp (a full /tmp is ENOSPC, not OOM)
  Bytes tmp = 512_MiB;     // size of /tmp; a file for each 4 KiB of it or of memory, at least 1,024
  unsigned processes = 1024;  // processes and threads
  unsigned open_files = 1024;
  double cpus = 0;  // CPUs' worth of time; 0: no limit
  // a TCP listener on 127.0.0.1:9001 born in the jail's network (Started::listener)
  bool listener = false;
  int output_fd = -1;  // stdout; borrowed until submit returns; -1: /dev/null
  int error_fd = -1;   // stderr; likewise
  // a connected socket the program finds as descriptor 3; borrowed until submit returns; -1: none,
  // and nothing is open there
  int channel_fd = -1;
  Isolation isolation = Isolation::jail;
  // The network namespace may go to the next jail with the same key, once this one is gone with all
  // its processes; at most 1,024 bytes. Empty: to none. For jails that may know of each other:
  // those of one function, one revision, one tenant.
  std::string recycle;
};

// Names one submitted jail; never reused within one Sandbox.
using Ticket = std::uint64_t;

// What a start found ready.
enum class StartedFrom {
  fresh,   // nothing but the root that jails with the same files share
  pooled,  // a network namespace or a cgroup
  shell,   // all of the jail but the package and the program
};

// The program's exec succeeded.
struct Started {
  Ticket ticket = 0;
  // owned by the receiver: close it. -1 unless Spec::listener, and where no descriptor was free;
  // the jail is being killed then
  int listener = -1;
  int pid = 0;      // in our pid namespace; for reading /proc only, never for signals
  Duration jail{};  // submit until the exec is asked for
  Duration exec{};  // the exec itself; 0: not known
  StartedFrom from = StartedFrom::fresh;
};
// No byte of the program ran; nothing is left behind.
struct Failed {
  Ticket ticket = 0;
  std::string step;  // the name of the step, e.g. "pivot-root"; "killed" if kill() came first
  int error = 0;     // errno of that step
};
// The program's first process ended and everything it left behind was killed.
struct Exited {
  Ticket ticket = 0;
  std::optional<int> code;        // exit status, or
  std::optional<int> signal;      // the signal that ended it; neither: lost
  bool lost = false;              // the spawner ended under it
  bool out_of_memory = false;     // the kernel (or the memory watch) killed it for memory
  bool out_of_processes = false;  // Spec::processes refused it one; known with cgroup v2 only
  Bytes max_memory;               // peak; 0 where the host cannot tell
  Duration cpu{};                 // user + system time of all its processes
};
using SandboxEvent = std::variant<Started, Failed, Exited>;

struct SandboxOptions {
  std::string runtime_id;  // 1..32 of [a-z0-9]; marks everything left in the kernel. Empty: random
  // absolute path of a delegated cgroup2 directory without processes; empty: a directory of our own
  // below the cgroup2 mount, if writable
  std::string cgroup_root;
  // root only: jails get host ids uid_base .. uid_base+uid_count-1,
  std::uint32_t uid_base = 100'000'000;
  std::uint32_t uid_count = 65'536;  // one each, never two at once; the range is claimed by flock
  bool allow_degraded = false;       // open although the host lacks cgroup v2 controllers
  Privilege privilege = Privilege::automatic;
  // root only, elsewhere 0: network namespaces (about 210 KiB of the kernel's each) and cgroups
  // made ahead while nothing starts; at most 256. As many networks again may wait for
  // Spec::recycle.
  unsigned networks = 0;
  // root only, elsewhere 0: jails made ahead, locked already and waiting for package and program,
  // for each of the last four sets of files, limits, class and listener that were asked for; at
  // most 64. Each is used once. About 400 KiB each.
  unsigned shells = 0;
};

// Owns one spawner process; jails end with it. One thread at a time. Movable.
// If the spawner dies, every jail's cgroup is killed, each ticket gets Exited{lost}, and the next
// submit starts another spawner.
class Sandbox {
 public:
  // Errors: unsupported (the message names the missing kernel feature, or that the host is degraded
  // and how to allow that), denied, io.
  static Result<Sandbox> open(SandboxOptions);
  ~Sandbox();  // kills all its jails and waits until they are gone
  Sandbox(Sandbox&&) noexcept;
  Sandbox& operator=(Sandbox&&) noexcept;

  // Errors: invalid_argument names the field; io if the spawner could not be reached. The rest is
  // an event.
  Result<Ticket> submit(Spec const&);

  // Readable (EPOLLIN) when poll() may have something. Owned by the Sandbox; never changes.
  int native_handle() const;

  // Never blocks. Call until it returns nothing.
  std::optional<SandboxEvent> poll();

  // Ends the jail whole, at once. Its Exited follows. Not an error if it has ended already.
  void kill(Ticket);
  // SIGTERM to the program's first process.
  void terminate(Ticket);

  // Every process of the jail stands still until thaw; kill ends it all the same. False: it does
  // not, for want of a cgroup or because the jail has ended.
  bool freeze(Ticket);
  // False: it still stands still (the host is out of descriptors), or has ended.
  bool thaw(Ticket);

  // Peak memory so far; 0 where the host cannot tell or the jail is gone.
  Bytes max_memory(Ticket) const;

  // Submit, wait for the end. Not for use beside submit.
  Result<Exited> run(Spec const&);

  bool degraded() const;  // no cgroup v2 controllers: rlimits and the memory watch only
  Privilege privilege() const;
  int spawner_pid() const;  // for tests and diagnosis

 private:
  struct Impl;
  explicit Sandbox(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace faas::inline v0
