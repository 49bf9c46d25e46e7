// The spawner: a static, single-threaded program that starts jails for one host process and ends
// with it. It serves the library that started it and believes it; it believes nothing that a jail
// says beyond its own report.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "sandbox/wire.hpp"

namespace spawner {

namespace wire = faas::sandbox::wire;

// forget.cpp. Ends the spawner if not: its library is told by the end of the socket.
void must(bool done);
// What a process inherits from its host and a spawner must not have.
void forget_host();

// A network namespace that waits for a jail, or is kept for the next one. -1: none. No defaults at
// the fields: see Jail.
struct Network {
  int space;
  int listener;
};
inline constexpr Network kNoNetwork{-1, -1};

// One start on its way: lives in static memory, valid on both sides of clone3.
struct Start {
  wire::Start head;
  wire::Step const* steps;
  char* arena;
  int slots[wire::kSlots];
  int own_report;   // the spawner's end
  int jail_report;  // pid 1's end
  int cgroup;
  pid_t pid;                     // of the jail's pid 1, for the spawner
  Network network;               // none: the jail makes its own
  bool pooled;                   // it was ready
  wire::Step const* unfinished;  // the step after clone3 that failed, and why
  int error;
  std::uint64_t exec_at;  // when the last step was begun: CLOCK_MONOTONIC, ns
  sock_fprog const* filters;
  alignas(16) char scratch[4096];
};

std::uint64_t now_ns();  // CLOCK_MONOTONIC

// walk.cpp. Of the host program: the proc of a root that a jail will stand on shows nobody. To be
// asked for at home first.
int host_proc();
// Runs the steps of some sides in order. The step that failed and its errno, or null.
constexpr unsigned side(wire::Where where) { return 1u << static_cast<unsigned>(where); }
wire::Step const* walk(Start&, unsigned sides, int& error);

// messages.cpp. sendmsg until it is not interrupted: the bytes sent, or -1.
ssize_t send_with(int socket, void const* message, std::size_t size, int const* fds, int count);
// Takes a message and its descriptors, at most kMaxFds. The bytes read; 0 at the end of the stream.
inline constexpr int kMaxFds = 6;
ssize_t receive(int socket, void* buffer, std::size_t size, int flags, int* fds, int& count,
                pid_t* sender);
inline void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// trees.cpp. Roots that jails stand on. Builds one with the steps of `start` and keeps it in place
// of what was there; if it cannot, use_tree says why.
void build_tree(Start& start, std::uint32_t index);
bool has_tree(std::uint32_t index);
// This process stands in it until leave_tree. False: `failed` and `error` say why not.
bool enter_tree(std::uint32_t index, char const*& failed, int& error);
// Ends the spawner if there is no way home: no jail may be built from another's root.
void leave_tree();
// Into the mount namespace of a process; back by leave_tree. False: it has ended, or may not be
// entered.
bool enter_mounts(int pidfd);

// networks.cpp. How many to keep ready, and the steps that make one. Once.
void plan_networks(wire::Networks const&, char const* steps);
bool networks_wanted();
// One, off the path of any start.
void make_network();
// One that a jail with the same `only` left, or a new one, if any is ready. With a listener unless
// `listener` is false: then it may have none.
Network take_network(std::uint64_t only, bool listener);
// Where none was: starts that never cease leave no time to make any ahead, and what a jail makes
// for itself ends with it. So it is made here, with a listener, while fewer than are kept ready can
// come back. None: the jail makes its own.
Network network_to_keep(std::uint64_t only);
// Of a jail that is gone with all its processes, for the next with the same `only`.
void keep_network(Network&, std::uint64_t only);
bool enter_network(Network const&);
void leave_network();  // ends the spawner if there is no way home
void close_network(Network&);

// jail.cpp. What pid 1 of a jail does; never returns.
[[noreturn]] void run_jail(Start&);
// Its exit status if the program has started and it cannot go on nor say so: all of the jail ends
// with it.
inline constexpr int kRanUntold = 3;

// A jail the spawner has made and not yet reported as ended. Without a constructor: one would write
// to every entry of the table, and each start copies the page tables of all that was written to.
struct Jail {
  bool used;
  bool started;
  bool ended;    // its pid 1 closed the report socket; only its pidfd is awaited now
  bool waiting;  // for its program
  bool shell;    // it has waited
  bool out_of_memory;
  bool has_status;
  std::uint64_t ticket;
  pid_t pid;      // pid 1
  pid_t program;  // the function's process
  int report, pidfd, proc, tmp, cgroup, listener;
  Network network;  // to keep when it has ended
  std::uint64_t recycle;
  bool pooled;
  std::uint64_t memory;  // 0: not watched
  std::uint64_t peak;
  int status;
  std::uint64_t own_us;
  int error;
  char step[24];
};
static_assert(std::is_trivially_default_constructible_v<Jail>);

// watch.cpp. Bytes the jail uses outside /tmp, as far as it takes to know whether that is more than
// jail.memory; 0 if it cannot be read (the jail is ending).
std::uint64_t memory_of(Jail const&);

}  // namespace spawner
