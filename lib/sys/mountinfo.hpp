// /proc/<pid>/mountinfo as data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0::sys {

struct Mount {
  std::string root;     // what of the filesystem is mounted
  std::string point;    // where; octal escapes undone
  std::string options;  // of the mount, e.g. "ro,nosuid"
  std::string type;     // "cgroup2"
  std::string super;    // options of the filesystem
};

// Lines that are not of proc(5)'s form are left out.
std::vector<Mount> parse_mountinfo(std::string_view text);

}  // namespace faas::inline v0::sys
