// A cgroup root of one test's own: what is below it is the test's runtimes', and no other test's
// start clears it away.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "sandbox/cgroups.hpp"
#include "sandbox/leftovers.hpp"
#include "sys/file.hpp"
#include "sys/text_file.hpp"

namespace faas::test {

// Where this test's runtimes keep their cgroups; empty where there are none.
inline std::string cgroup_root() {
  if (char const* root = std::getenv("FAAS_TEST_CGROUP_ROOT")) return root;
  if (::geteuid() != 0) return {};
  return sandbox::find_cgroup2(sys::read_text("/proc/self/mountinfo").value()).mount;
}

class OwnCgroups {
 public:
  OwnCgroups() {
    static int count = 0;
    REQUIRE(!cgroup_root().empty());
    path_ = cgroup_root() + "/test-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
    std::filesystem::create_directory(path_);
    fd_ = sys::open_file(path_, O_RDONLY | O_DIRECTORY).value();
  }
  ~OwnCgroups() {
    if (owner_ != ::getpid()) return;  // a child of the test
    sandbox::empty_group(fd());
    ::rmdir(path_.c_str());
  }
  OwnCgroups(OwnCgroups const&) = delete;

  std::string const& path() const { return path_; }
  int fd() const { return fd_.get(); }

  // As a runtime makes it. `inside`: a group below it, as a jail's.
  std::string make(std::string const& name, std::string const& inside = {}) const {
    auto const path = path_ + "/" + name;
    ::mkdir(path.c_str(), 0700);
    if (!inside.empty()) std::filesystem::create_directory(path + "/" + inside);
    return inside.empty() ? path : path + "/" + inside;
  }
  static void put(std::string const& group, pid_t pid) {
    sys::write_text(AT_FDCWD, group + "/cgroup.procs", std::to_string(pid)).value();
  }

  // Of the groups directly below: runtimes', and whatever else was made here.
  std::set<std::string> names() const { return below(path_); }
  static std::set<std::string> below(std::string const& group) {
    std::set<std::string> found;
    for (auto const& entry : std::filesystem::directory_iterator(group))
      if (entry.is_directory()) found.insert(entry.path().filename());
    return found;
  }
  // Living ones, of all groups or of one.
  std::vector<pid_t> processes(std::string const& of = {}) const {
    std::vector<pid_t> found;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(
             path_ + "/" + of, std::filesystem::directory_options::skip_permission_denied)) {
      if (entry.path().filename() != "cgroup.procs") continue;
      std::ifstream file(entry.path());
      for (pid_t pid; file >> pid;) found.push_back(pid);
    }
    return found;
  }
  bool empties(std::string const& of = {}) const {
    for (int i = 0; i < 500 && !processes(of).empty(); ++i) ::usleep(10'000);
    return processes(of).empty();
  }

 private:
  std::string path_;
  sys::Fd fd_;
  pid_t owner_ = ::getpid();
};

}  // namespace faas::test
