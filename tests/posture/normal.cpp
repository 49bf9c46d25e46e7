#include "posture/normal.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>

namespace faas::test {
namespace {

namespace fs = std::filesystem;
using Kept = std::optional<std::string>;  // nothing: left out

Lines words_of(std::string const& text) {
  std::istringstream stream(text);
  Lines words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string spaced(Lines const& words) {
  auto text = joined(words, " ");
  if (!text.empty()) text.pop_back();
  return text;
}

// --- one thread

std::string namespaces(Lines const& words, HostView const& host) {
  auto const own = host.namespaces.find(words.at(1));
  bool const shared = own != host.namespaces.end() && own->second == words.at(2);
  return "namespace " + words[1] + (shared ? " the host's" : " new");
}

std::string filters(Lines const& words, HostView const& host) {
  return "Seccomp_filters: " + std::to_string(std::stoul(words.at(1)) - host.filters);
}

std::string groups(Lines words, HostView const& host) {
  for (unsigned i = 0; i < host.groups && words.back() == "65534"; ++i) words.pop_back();
  return spaced(words);
}

std::string caught(Lines const& words) {
  constexpr std::uint64_t kLibrary = 1ull << 31 | 1ull << 32;
  std::ostringstream text;
  text << words.at(0) << " " << std::hex << (std::stoull(words.at(1), nullptr, 16) & ~kLibrary);
  return text.str();
}

Kept cgroup(std::string const& line) {
  bool const version_1 = !line.starts_with("0::");
  return version_1 && line.ends_with(":/") ? Kept() : Kept("cgroup " + line);
}

// --- the process

std::string environment(std::string const& line) {
  static std::regex const stream(
      R"((AWS_LAMBDA_LOG_STREAM_NAME)=\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32})");
  return std::regex_replace(line, stream, "$1=DAY/[$$LATEST]REVISION");
}

// Columns of a name, then the soft and the hard limit.
std::string limit(std::string const& line, HostView const& host) {
  constexpr std::size_t kName = 26;
  auto const name = spaced(words_of(line.substr(0, kName)));
  auto const words = words_of(line.substr(kName));
  auto const both = words.at(0) + " " + words.at(1);
  if (name == "Max data size" && both == host.data_limit)
    return name + ": the memory of the function, where no controller counts it";
  return name + ": " + both;
}

// --- files

// What a host may have and need not.
bool optional(std::string_view path) {
  return path.starts_with("/usr/") || path == "/etc/alternatives";
}

// Items of a comma list that are in the other list, or begin so.
std::string only(std::string const& list, std::vector<std::string_view> const& wanted) {
  std::istringstream stream(list);
  Lines kept;
  for (std::string item; std::getline(stream, item, ',');)
    if (std::any_of(wanted.begin(), wanted.end(), [&](auto w) { return item.starts_with(w); }))
      kept.push_back(item);
  auto text = joined(kept, ",");
  if (!text.empty()) text.pop_back();
  return text;
}

// mount ID PARENT MAJOR:MINOR ROOT POINT FLAGS [PROPAGATION...] - TYPE SOURCE OPTIONS
Kept mount(Lines const& words) {
  auto const dash = std::find(words.begin(), words.end(), "-");
  auto const& point = words.at(5);
  auto const flags = only(words.at(6), {"ro", "rw", "nosuid", "nodev", "noexec", "nosymfollow"});
  auto const& type = *(dash + 1);
  bool const ours = type == "proc" || (type == "tmpfs" && (point == "/" || point == "/tmp"));
  std::string line = "mount " + point + " " + (ours ? type : "(host)") + " " + flags;
  for (auto hears = words.begin() + 7; hears < dash; ++hears)
    line += " " + hears->substr(0, hears->find(':'));  // shared, master: it must be neither
  if (ours) line += " " + only(*(dash + 3), {"size=", "nr_inodes=", "mode=", "hidepid", "subset"});
  if (optional(point) && flags == "ro,nosuid,nodev" && dash == words.begin() + 7) return {};
  return line;
}

Kept written(Lines const& words) {
  if (optional(words.at(1)) && words.at(2) == "EROFS") return {};
  return spaced(words);
}

Kept entry(Lines const& words) {
  auto const line = spaced(words);
  static std::regex const wide(R"(link 0777 \d+:\d+ /(lib32|lib64|libx32) -> usr/\1)");
  static std::regex const alternatives(R"(directory 0755 65534:65534 /etc/alternatives)");
  return std::regex_match(line, wide) || std::regex_match(line, alternatives) ? Kept() : Kept(line);
}

Kept usr(Lines const& words, HostView const& host) {
  return host.usr.contains(words.at(1)) ? Kept() : Kept(spaced(words));
}

Kept rule(std::string const& section, std::string const& line, HostView const& host) {
  auto const words = words_of(line);
  auto const first = words.empty() ? std::string() : words.front();
  if (section == "limits") return limit(line, host);
  if (section == "process") return environment(line);
  if (section == "tree")
    return first == "write" ? written(words) : first == "usr" ? usr(words, host) : entry(words);
  if (section == "mounts") return first == "mount" ? mount(words) : written(words);
  if (section.starts_with("thread")) {
    if (first == "namespace") return namespaces(words, host);
    if (first == "Seccomp_filters:") return filters(words, host);
    if (first == "Groups:") return groups(words, host);
    if (first == "SigCgt:") return caught(words);
    if (first == "nice" && host.nice != 0 && words.at(1) == std::to_string(host.nice))
      return "nice the host's";
    if (first == "processors" && words.at(1) == std::to_string(host.processors))
      return "processors all";
    static std::regex const hierarchy(R"(\d+:\S*:/.*)");
    if (std::regex_match(line, hierarchy)) return cgroup(line);
    return spaced(words);
  }
  return line;
}

// Neither the order of a directory nor that in which mounts were made means anything: files by
// their paths, so that what is said of one stands together.
void order(std::string const& section, Lines& lines) {
  if (section != "mounts" && section != "tree" && !section.starts_with("thread")) return;
  auto const key = [&](std::string const& line) {
    auto const path = line.find(" /");
    return path == line.npos ? line : line.substr(path, line.find(' ', path + 1) - path);
  };
  if (!section.starts_with("thread"))
    return std::stable_sort(lines.begin(), lines.end(),
                            [&](auto const& a, auto const& b) { return key(a) < key(b); });
  auto const listed = [](auto const& line) { return line.starts_with("namespace"); };
  std::sort(std::find_if(lines.begin(), lines.end(), listed), lines.end());
}

}  // namespace

HostView HostView::now() {
  HostView host;
  for (auto const& entry : fs::directory_iterator("/proc/self/ns"))
    host.namespaces[entry.path().filename()] = fs::read_symlink(entry.path());
  for (auto const& entry : fs::directory_iterator("/usr")) host.usr.insert(entry.path().filename());
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    auto const words = words_of(line);
    if (line.starts_with("Seccomp_filters:"))
      host.filters = static_cast<unsigned>(std::stoul(words.at(1)));
    // Root drops them.
    if (line.starts_with("Groups:") && ::geteuid() != 0)
      host.groups = static_cast<unsigned>(words.size() - 1);
  }
  std::array<std::uint64_t, 16> mask;
  mask.fill(~0ull);
  ::syscall(SYS_sched_setaffinity, 0, sizeof mask, mask.data());
  mask.fill(0);
  ::syscall(SYS_sched_getaffinity, 0, sizeof mask, mask.data());
  for (auto const bits : mask) host.processors += static_cast<unsigned>(std::popcount(bits));
  host.nice = ::getpriority(PRIO_PROCESS, 0);
  return host;
}

Lines normalise(std::string_view report, HostView const& host) {
  std::istringstream stream{std::string(report)};
  Lines all, part, first_thread;
  std::string section;
  auto const end_section = [&] {
    order(section, part);
    if (section.starts_with("thread") && first_thread.empty())
      first_thread = part;
    else if (section.starts_with("thread"))
      part = difference(first_thread, part);
    all.insert(all.end(), part.begin(), part.end());
    part.clear();
  };
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("== ")) {
      end_section();
      section = line.substr(3);
      all.push_back(line);
    } else if (auto kept = rule(section, line, host)) {
      part.push_back(*kept);
    }
  }
  end_section();
  return all;
}

}  // namespace faas::test
