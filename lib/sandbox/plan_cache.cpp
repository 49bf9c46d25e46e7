#include "sandbox/plan_cache.hpp"

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr std::size_t kEntries = 8;

// All of a wish that a plan may depend on. By name, so that a new field has to be thought of here:
// a jail must never get the plan of another wish.
auto wish_of(Spec const& spec) {
  auto const& [id, argv, environment, working_directory, task, opt, files, seccomp, memory, tmp,
               processes, open_files, cpus, listener, output_fd, error_fd, channel_fd, isolation,
               recycle] = spec;
  static_cast<void>(std::tie(id, cpus, recycle));  // of cgroup and network
  return std::tuple(std::tie(argv, environment, working_directory, task, opt, files), seccomp,
                    memory.count, tmp.count, processes, open_files, listener, output_fd >= 0,
                    error_fd >= 0, channel_fd >= 0, isolation);
}

// Where that argument of the step of that name is, behind the steps.
std::size_t place(Plan const& plan, Encoded const& encoded, std::string_view name, int argument) {
  auto const it = std::find_if(plan.steps.begin(), plan.steps.end(),
                               [&](Step const& step) { return step.name == name; });
  FAAS_CHECK(it != plan.steps.end());
  wire::Step step;
  std::memcpy(&step, encoded.bytes.data() + (it - plan.steps.begin()) * std::ptrdiff_t{sizeof step},
              sizeof step);
  return encoded.steps * sizeof step + step.args[argument];
}

}  // namespace

PlanCache::Entry PlanCache::make(Spec const& spec, Facts const& facts, std::uint32_t uid,
                                 std::uint32_t gid, bool pause) {
  auto plan = make_plan(spec, facts, uid, gid);
  if (pause)
    std::erase_if(plan.steps, [](Step const& s) { return s.where == wire::Where::program; });
  Entry entry{spec, facts.nice, facts.background, pause, uid, gid, 0, 0, {}};
  entry.ready = {encode(plan), plan.clone_flags, plan.owner};
  entry.uid_at = place(plan, entry.ready.encoded, "map-uid", 1);
  entry.gid_at = place(plan, entry.ready.encoded, "map-gid", 1);
  return entry;
}

// False: their texts are of another length.
bool PlanCache::give(Entry& entry, std::uint32_t uid, std::uint32_t gid) {
  auto const u = map_of(uid), g = map_of(gid);
  if (u.size() != map_of(entry.uid).size() || g.size() != map_of(entry.gid).size()) return false;
  u.copy(entry.ready.encoded.bytes.data() + entry.uid_at, u.size());
  g.copy(entry.ready.encoded.bytes.data() + entry.gid_at, g.size());
  if (entry.ready.owner != wire::kSpawnersOwn) entry.ready.owner = uid;
  entry.uid = uid;
  entry.gid = gid;
  return true;
}

PlanCache::Ready const& PlanCache::get(Spec const& spec, Facts const& facts, std::uint32_t uid,
                                       std::uint32_t gid, bool pause) {
  auto const wish = wish_of(spec);
  auto const it = std::find_if(entries_.begin(), entries_.end(), [&](Entry& entry) {
    return entry.pause == pause && entry.nice == facts.nice &&
           entry.background == facts.background && wish_of(entry.spec) == wish &&
           give(entry, uid, gid);
  });
  if (it != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, it);
  } else {
    entries_.push_front(make(spec, facts, uid, gid, pause));
    if (entries_.size() > kEntries) entries_.pop_back();
  }
  return entries_.front().ready;
}

}  // namespace faas::inline v0::sandbox
