// Instances that are there without a call: started before any, and kept.
//
// It is a number, not a mark on instances: of the common pool of a revision so many are kept,
// whichever they are. Busy ones count first (idle.cpp), so what is idle beyond them is like any
// other.
#include <algorithm>

#include "scheduler/impl.hpp"

namespace faas::inline v0 {

using namespace scheduler;

void Scheduler::Impl::handle(event::Provisioned const& e) {
  Revision* revision = revisions.find(e.revision);
  if (!revision || revision->retired) return;
  accounts.provision(revision->share, e.instances);
  sort_idle(revision->common);
  update_turn(*revision);
}

bool Scheduler::Impl::lacks_provisioned(Revision const& revision) const {
  return !draining &&
         revision.common.starting + revision.common.standing < revision.share.provisioned;
}

// What no call can ever have: see hopeless().
void Scheduler::Impl::count_kept(Revision& revision) {
  std::size_t const there = revision.common.starting + revision.common.standing;
  std::size_t const keep = std::min<std::size_t>(there, revision.share.provisioned);
  for (; revision.kept < keep; ++revision.kept) kept_amount += revision.need;
  for (; revision.kept > keep; --revision.kept) kept_amount -= revision.need;
}

}  // namespace faas::inline v0
