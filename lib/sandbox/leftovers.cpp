#include "sandbox/leftovers.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "sandbox/cgroups.hpp"
#include "sys/directory.hpp"
#include "sys/file.hpp"
#include "sys/text_file.hpp"

namespace faas::inline v0::sandbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kPrefix = "faas-";
constexpr auto kPatience = std::chrono::seconds(2);
constexpr auto kPause = std::chrono::milliseconds(1);

// Closed to others: whoever may open a directory may lock it, and so make the dead look alive.
constexpr unsigned kGroupMode = 0700;

bool is_group_name(std::string_view name) {
  return name.size() > kPrefix.size() && name.starts_with(kPrefix) &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789", kPrefix.size()) ==
             std::string_view::npos;
}

// From the leaves up. A group with a process in it stays.
bool remove_below(int directory) {
  auto const names = sys::list_names(directory);
  if (!names) return false;
  bool all = true;
  for (auto const& name : *names) {
    auto const child =
        sys::open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);  // else: a file
    if (!child) continue;
    all &= remove_below(child->get());
    all &= ::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
  }
  return all;
}

}  // namespace

std::string group_name(std::string_view runtime_id) {
  return fmt::format("{}{}", kPrefix, runtime_id);
}

Result<sys::Fd> claim_group(int root, std::string const& runtime_id) {
  auto const name = group_name(runtime_id);
  for (auto const end = Clock::now() + kPatience;; std::this_thread::sleep_for(kPause)) {
    if (::mkdirat(root, name.c_str(), kGroupMode) != 0 && errno != EEXIST)
      return sys::errno_error("mkdir " + name, errno);
    auto group = sys::try_claim(root, name);
    if (!group) return group.error();
    if (*group) {
      ::fchmod((*group)->get(), kGroupMode);  // one that an older build made is open to others
      empty_group((*group)->get());
      return std::move(**group);
    }
    if (Clock::now() >= end)
      return Error{Errc::conflict,
                   fmt::format("runtime_id \"{}\" is in use by a living process", runtime_id),
                   {},
                   "start"};
  }
}

// Again and again: a spawner that outlives its host by a moment may start one more jail, until the
// group it was to be born in is gone.
bool empty_group(int group) {
  for (auto const end = Clock::now() + kPatience;; std::this_thread::sleep_for(kPause)) {
    (void)sys::write_text(group, "cgroup.kill", "1");  // G10: by group, never by pid
    if (remove_below(group)) return true;
    if (Clock::now() >= end) return false;
  }
}

void remove_group(int root, std::string const& name, sys::Fd group) {
  empty_group(group.get());
  ::unlinkat(root, name.c_str(), AT_REMOVEDIR);
}

void remove_dead_groups(int root) {
  auto const names = sys::list_names(root);
  if (!names) return;
  for (auto const& name : *names) {
    if (!is_group_name(name)) continue;
    auto group = sys::try_claim(root, name);
    if (group && *group && sys::is_private((*group)->get()))
      remove_group(root, name, std::move(**group));
  }
}

}  // namespace faas::inline v0::sandbox
