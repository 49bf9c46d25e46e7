// Processes by pidfd: a number may be another process by the time it is used, a pidfd never is.
#pragma once

#include <sys/types.h>

#include <faas/units.hpp>
#include <vector>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

Result<Fd> open_process(pid_t);
// Not an error if it has ended.
void signal_process(int pidfd, int signal);
// True once it has ended and, where it was pid 1 of a namespace, everything in that with it.
bool has_ended(int pidfd);
bool wait_until_ended(int pidfd, Duration at_most);
// Takes its exit status away from the kernel's table if it is a child of ours that has ended,
// whatever its exit signal; else nothing.
void reap(int pidfd);

struct Child {
  pid_t pid = 0;
  Fd pidfd;
};
struct HiddenProgram {
  int image = -1;                 // an executable file descriptor: a memfd or a file
  std::vector<char const*> argv;  // without the null pointer
  int first = 3;                  // fds[i] becomes first + i in the child
  std::vector<int> fds;           // at most 4
};
// Starts a process that the host never notices: no child of its own to wait(-1) for, no SIGCHLD.
// (Its parent is init, or this process where that is init or a subreaper: see reap.) It has
// /dev/null on 0, 1 and 2 unless `fds` covers them, nothing else open, an empty environment and
// every signal blocked. Safe with threads: until its exec it shares this memory and only makes
// system calls.
Result<Child> spawn_hidden(HiddenProgram);

// Makes and ends a hidden child in new namespaces (CLONE_NEW…). Errors: why the kernel did not.
Result<void> try_namespaces(int flags);

}  // namespace faas::inline v0::sys
