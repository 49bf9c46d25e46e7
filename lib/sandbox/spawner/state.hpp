// What the loop of the spawner knows, and what the parts of it say to each other.
#pragma once

#include "sandbox/spawner/spawner.hpp"

namespace spawner {

inline constexpr int kMaxJails = 16'384;

enum class Source : std::uint32_t { library, host, report, pidfd };

struct State {
  int epoll;
  int watched;   // jails with a memory limit
  int building;  // jails that have neither started nor ended
  std::uint64_t next_watch_ms;
  int highest;  // index of the last jail in use, plus one
  sock_fprog programs[wire::kFilters];
  alignas(8) sock_filter filters[wire::kFilters][wire::kMaxFilter / sizeof(sock_filter)];
  alignas(8) char message[wire::kMaxMessage];
  Start start;
  Jail jails[kMaxJails];
};
extern State state;  // static: nothing is allocated, and pages never touched cost nothing

// The kernel drops descriptors that find no room here. A jail without its cgroup would be one
// without limits.
inline bool missing(unsigned flags, int count) { return __builtin_popcount(flags) != count; }

// main.cpp
bool watch_fd(int fd, Source, int index);
void unwatch_fd(int fd);
void reply(wire::Reply const&, int const* fds, int count);
void reply_failed(std::uint64_t ticket, char const* step, int error, bool tree_missing);
[[noreturn]] void end_all();

// start.cpp. Requests: `size` bytes in state.message.
void on_networks(std::size_t size);
void on_tree(std::size_t size);
void on_start(std::size_t size, int const* fds, int count);
// In a shell, what a start brings for the program: `start` keeps what was opened before.
void take_program(Start& start, std::size_t size, int const* fds, int count);

}  // namespace spawner
