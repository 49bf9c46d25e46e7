#include "corpus/baseline.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "support/spawners.hpp"

namespace faas::test {
namespace {

namespace fs = std::filesystem;

std::string slurp(fs::path const& path) {
  // By a stream: it ends where a process ends between its open and its read; an iterator throws.
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::set<int> numbers_in(char const* directory) {
  std::set<int> found;
  std::error_code gone;
  for (fs::directory_iterator it(directory, gone), end; !gone && it != end; it.increment(gone))
    if (int const n = std::atoi(it->path().filename().c_str()); n > 0) found.insert(n);
  return found;
}

// "pid (any name) state ppid ..."
int parent_of(int pid) {
  auto const stat = slurp("/proc/" + std::to_string(pid) + "/stat");
  auto const name_end = stat.rfind(") ");
  return name_end == std::string::npos ? 0 : std::atoi(stat.c_str() + name_end + 4);
}

std::set<int> descendants() {
  std::multimap<int, int> children;
  for (int const pid : numbers_in("/proc")) children.emplace(parent_of(pid), pid);
  std::set<int> found;
  for (int const spawner : own_spawners()) found.insert(spawner);
  auto generation = found;
  generation.insert(::getpid());
  while (!generation.empty()) {
    std::set<int> next;
    for (int const parent : generation)
      for (auto [it, end] = children.equal_range(parent); it != end; ++it)
        if (found.insert(it->second).second) next.insert(it->second);
    generation = std::move(next);
  }
  return found;
}

// A group that waits for a jail is one of a bounded pool (tests/sandbox/pools_test.cpp), and so is
// the descriptor that holds it.
bool made_ahead(fs::path const& group) {
  return group.filename().native().starts_with('_') &&
         slurp(group / "cgroup.events").starts_with("populated 0");
}

// By kind: with others made ahead meanwhile, the same one may have another number.
std::set<std::string> open_descriptors() {
  std::map<std::string, int> kinds;
  for (int const fd : numbers_in("/proc/self/fd")) {
    std::error_code gone;
    auto const target = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), gone);
    if (!gone && !made_ahead(target))
      ++kinds[target.native().substr(0, target.native().find(":["))];
  }
  std::set<std::string> found;
  for (auto const& [kind, count] : kinds) found.insert(kind + " x " + std::to_string(count));
  return found;
}

// Groups of other runtimes come and go meanwhile: one that has gone ends no more than itself.
void add_groups(fs::path const& directory, std::string const& mark, std::set<std::string>& found) {
  std::error_code gone;
  for (fs::directory_iterator it(directory, gone), end; !gone && it != end; it.increment(gone)) {
    std::error_code ignored;
    if (!it->is_directory(ignored)) continue;
    bool const ours = it->path().native().find(mark) != std::string::npos;
    if (ours && !made_ahead(it->path())) found.insert(it->path());
    add_groups(it->path(), mark, found);
  }
}

std::set<std::string> cgroups_of(std::string const& runtime_id) {
  std::set<std::string> found;
  std::istringstream mounts(slurp("/proc/self/mounts"));
  for (std::string source, target, type, rest;
       mounts >> source >> target >> type && std::getline(mounts, rest);) {
    if (type != "cgroup2") continue;
    add_groups(target, "faas-" + runtime_id, found);
  }
  return found;
}

template <class T>
void add_difference(std::ostream& out, char const* what, std::set<T> const& a,
                    std::set<T> const& b) {
  auto const only = [&](char const* sign, std::set<T> const& here, std::set<T> const& there) {
    for (auto const& item : here)
      if (!there.contains(item)) out << what << ' ' << sign << item << "; ";
  };
  only("+", a, b);
  only("-", b, a);
}

}  // namespace

Baseline Baseline::now(std::string const& runtime_id) {
  Baseline b;
  b.processes = descendants();
  auto const spawners = own_spawners();
  for (int const pid : b.processes) {
    // It may be on its way into a network it makes ahead, and back.
    if (std::find(spawners.begin(), spawners.end(), pid) != spawners.end()) continue;
    std::error_code gone;
    auto const net = fs::read_symlink(fs::path("/proc") / std::to_string(pid) / "ns/net", gone);
    if (!gone) b.namespaces.insert(net);
  }
  b.cgroups = cgroups_of(runtime_id);
  b.descriptors = open_descriptors();
  b.threads = numbers_in("/proc/self/task").size();
  b.mounts = slurp("/proc/self/mountinfo");
  return b;
}

std::string Baseline::difference(Baseline const& other) const {
  std::ostringstream out;
  add_difference(out, "process", processes, other.processes);
  add_difference(out, "network", namespaces, other.namespaces);
  add_difference(out, "cgroup", cgroups, other.cgroups);
  add_difference(out, "descriptor", descriptors, other.descriptors);
  if (threads != other.threads) out << "threads " << threads << " not " << other.threads << "; ";
  if (mounts != other.mounts) out << "mounts differ; ";
  return out.str();
}

std::size_t resident() {
  std::istringstream statm(slurp("/proc/self/statm"));
  std::size_t total = 0, pages = 0;
  statm >> total >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace faas::test
