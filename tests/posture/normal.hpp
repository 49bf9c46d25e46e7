// A posture as a function reports it, made the same on every machine: what belongs to the host and
// not to the jail is compared with the host and replaced by the verdict.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "posture/lines.hpp"

namespace faas::test {

// What the rules compare with, of the process that runs the jails.
struct HostView {
  std::map<std::string, std::string> namespaces;  // "user": "user:[4026531837]"
  std::set<std::string> usr;                      // names in /usr
  unsigned filters = 0;                           // seccomp filters it runs under itself
  unsigned groups = 0;                            // of an ordinary user: supplementary ones
  unsigned processors = 0;                        // of its cpuset
  int nice = 0;
  std::string data_limit;  // "134217728 134217728"; what is right depends on its controllers

  // All but data_limit. Moves this process to every processor it may have.
  static HostView now();
};

// The rules, in the order of the report:
//   environment    day and revision in the name of the log stream
//   threads        of every one but the first only what is not the same
//   namespaces     "new", or "the host's"; never a number
//   seccomp        the filters the host runs under itself (a container's) are taken off
//   groups         an ordinary user cannot drop its own: as many unknown ones are taken off
//   processors     "all" if they are those of the host's cpuset
//   caught signals 32 and 33 are the C library's own
//   nice           "the host's" where it is that and not 0
//   version 1      a path in a hierarchy of cgroup version 1 is left out where it is /
//   limits         without units; the limit of data is that of memory, or none where a controller
//                  counts memory
//   mounts         point, type (of our own only), flags that close something, propagation, and
//                  options of tmpfs and proc that limit
//   tree           /usr to a depth of one name: below it all is the host's, read-only
//   what a host may have and need not, /lib32, /lib64, /libx32, /etc/alternatives and mounts below
//   /usr, has to be as closed as /usr is, and is left out then
Lines normalise(std::string_view report, HostView const&);

}  // namespace faas::test
