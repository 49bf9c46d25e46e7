// Whose turn it is when concurrency or the host's budget is short.
//
// A revision wants a turn while it has uncovered calls and its concurrency allows another instance.
// Turns go round; revisions without any instance come before those that have some. Where the one in
// turn needs more than can be had now, the smallest goes ahead of it, but not past a second of
// waiting: from then on what is freed is kept for it.
#include "scheduler/impl.hpp"

namespace faas::inline v0 {

using namespace scheduler;

namespace {
// How long a revision without an instance lets others go first, and how long an instance serves its
// own queue before it gives way: so a switch costs at most one start a second for each place.
constexpr Duration kPatience = std::chrono::seconds(1);
}  // namespace

void Scheduler::Impl::balance(Pool& pool) {
  Revision& revision = *pool.revision;
  std::size_t const slots = pool.starting * revision.capacity;
  while (pool.covered.size() < slots && !pool.uncovered.empty()) {
    Call& call = *pool.uncovered.pop_front();
    call.covered = true;
    pool.covered.push_back(call);
    ++covered, --uncovered, --revision.uncovered;
  }
  while (pool.covered.size() > slots) {
    Call& call = *pool.covered.pop_back();
    call.covered = false;
    pool.uncovered.push_front(call);
    --covered, ++uncovered, ++revision.uncovered;
  }
  bool const wants = !pool.uncovered.empty();
  bool const listed = revision.wanting.contains(pool);
  if (wants && listed) revision.wanting.update(pool);
  if (wants && !listed) revision.wanting.push(pool);
  if (!wants && listed) revision.wanting.erase(pool);
  update_turn(revision);
}

void Scheduler::Impl::update_turn(Revision& revision) {
  bool const waits = revision.uncovered > 0 &&
                     (revision.below_concurrency(revision.committed) || !revision.idle.empty());
  update_rest(revision, waits);
  bool const wants = waits && !rests(revision);
  Turn const turn = !wants                    ? Turn::none
                    : revision.committed == 0 ? Turn::without_instance
                                              : Turn::with_instance;
  if (turn != revision.turn) take_turn(revision, turn);
}

Scheduler::Impl::Turns& Scheduler::Impl::turns(Turn turn) {
  return turn == Turn::without_instance ? without_instance : with_instance;
}

// At the end of its row.
void Scheduler::Impl::take_turn(Revision& revision, Turn turn) {
  if (revision.turn != Turn::none) turns(revision.turn).erase(revision);
  if (turn != Turn::none) turns(turn).push_back(revision);
  bool const listed = smallest.contains(revision);
  if (turn != Turn::none && !listed) smallest.push(revision);
  if (turn == Turn::none && listed) smallest.erase(revision);
  revision.turn = turn;
}

void Scheduler::Impl::serve() {
  while (Revision* revision = next_in_turn()) {
    if (!make_room(*revision)) {
      if (starving(*revision)) return reserve(*revision);
      revision = smallest.top();
      if (!make_room(*revision)) return;
    }
    begin(*revision);
  }
}

Scheduler::Impl::Revision* Scheduler::Impl::next_in_turn() const {
  return without_instance.empty() ? with_instance.front() : without_instance.front();
}

// Stops idle instances, longest idle first, if that makes room for one more of this revision; else
// nothing.
bool Scheduler::Impl::make_room(Revision& revision) {
  if (!budget.fits_without(idle_amount, revision.need())) return false;
  if (!revision.below_concurrency(revision.committed)) stop(*revision.idle.front());
  while (!budget.fits(revision.need())) stop(*idle.front());
  return true;
}

void Scheduler::Impl::begin(Revision& revision) {
  Pool& pool = *revision.wanting.top();
  count_start(revision);
  admit(new_instance(pool));
  balance(pool);
  if (revision.turn != Turn::none) take_turn(revision, revision.turn);
}

bool Scheduler::Impl::starving(Revision const& revision) const {
  return revision.turn == Turn::without_instance &&
         now - revision.wanting.top()->uncovered.front()->arrived >= kPatience;
}

void Scheduler::Impl::reserve(Revision const& revision) {
  while (!idle.empty() && !budget.fits(revision.need())) stop(*idle.front());
}

// Without this rule a function that is never out of calls would keep its instances for ever, while
// another waits for its first.
bool Scheduler::Impl::gives_way(Instance const& instance) const {
  if (!instance.running.empty() || now - instance.ready_at < kPatience) return false;
  if (Revision const* first = without_instance.front())
    if (starving(*first) && !budget.fits(first->need())) return true;
  Pool const& pool = *instance.pool;
  Revision const& revision = *pool.revision;
  Pool const* other = revision.wanting.top();
  return other && other != &pool && other->without_instance() && !rests(revision) &&
         !revision.below_concurrency(revision.committed) && revision.idle.empty() &&
         other->uncovered.front()->order < pool.oldest()->order &&
         now - other->uncovered.front()->arrived >= kPatience;
}

}  // namespace faas::inline v0
