// The spawners that end with this process, which are not its children: they hold a pidfd of it.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace faas::test {

inline std::vector<int> own_spawners() {
  std::vector<int> pids;
  auto const ours = std::to_string(::getpid());
  std::error_code gone;
  for (std::filesystem::directory_iterator it("/proc", gone), end; !gone && it != end;
       it.increment(gone)) {
    std::string name, word, pid;
    std::getline(std::ifstream(it->path() / "comm"), name);
    if (name != "faas-spawner") continue;
    std::ifstream pidfd(it->path() / "fdinfo/4");
    while (pidfd >> word && word != "Pid:") {
    }
    if (pidfd >> pid && pid == ours) pids.push_back(std::atoi(it->path().filename().c_str()));
  }
  return pids;
}

// Of one that has a single thread, as a spawner: its jails.
inline std::vector<int> children_of(int pid) {
  std::vector<int> out;
  auto const task = std::to_string(pid);
  std::ifstream children("/proc/" + task + "/task/" + task + "/children");
  for (int child; children >> child;) out.push_back(child);
  return out;
}

}  // namespace faas::test
