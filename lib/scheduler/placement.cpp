// Whose turn it is when concurrency or the host's budget is short.
//
// A revision claims a turn while it has uncovered calls, or less than is provisioned for it, and
// its concurrency allows another instance. Turns go round; revisions without any instance come
// before what is provisioned, and that before revisions that have some. Where the one in turn needs
// more than can be had now, the smallest goes ahead of it, but not past a second of waiting: from
// then on what is freed is kept for it.
#include "scheduler/impl.hpp"

namespace faas::inline v0 {

using namespace scheduler;

namespace {
// How long a revision without an instance lets others go first, and how long an instance serves its
// own queue before it gives way: so a switch costs at most one start a second for each place.
constexpr Duration kPatience = std::chrono::seconds(1);
// Between two starts while the host is short of memory.
constexpr Duration kUnderPressure = std::chrono::seconds(1);
constexpr int kLooks = 16;
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
  count_kept(revision);
  bool const room = revision.below_concurrency(revision.committed) || !revision.spare.empty();
  bool const calling = room && revision.uncovered > 0;
  bool const provisioned = room && lacks_provisioned(revision);
  update_rest(revision, calling || provisioned);
  bool const rest = rests(revision);
  take_turn(revision.for_provisioned, provisioned && !rest ? Turn::provisioned : Turn::none);
  take_turn(revision.for_calls, !calling || rest          ? Turn::none
                                : revision.committed == 0 ? Turn::without_instance
                                                          : Turn::with_instance);
}

void Scheduler::Impl::take_turn(Claim& claim, Turn turn) {
  if (turn == claim.turn) return;
  if (claim.turn != Turn::none) row(claim.turn).erase(claim);
  if (turn != Turn::none) row(turn).push_back(claim);
  bool const listed = least_memory.contains(claim);
  if (turn != Turn::none && !listed) least_memory.push(claim), least_cpus.push(claim);
  if (turn == Turn::none && listed) least_memory.erase(claim), least_cpus.erase(claim);
  claim.turn = turn;
}

void Scheduler::Impl::serve() {
  while (Claim* claim = next_in_turn()) begin(*claim);
}

// There is room for it.
Scheduler::Impl::Claim* Scheduler::Impl::next_in_turn() {
  for (Turn turn : {Turn::without_instance, Turn::provisioned, Turn::with_instance}) {
    Claim* claim = pressure ? first_under_pressure(turn) : first_awake(row(turn), &Turns::front);
    if (!claim) continue;
    if (make_room(*claim->revision)) return claim;
    if (starving(*claim)) return reserve(*claim->revision), nullptr;
    if (hopeless(*claim->revision)) to_the_end(*claim);  // it hides no other that starves
  }
  return smaller_that_fits();
}

// Of revisions that have instances, only a tenant that has none; so that an event looks at a few.
Scheduler::Impl::Claim* Scheduler::Impl::first_under_pressure(Turn turn) {
  if (now < relief) return nullptr;
  Claim* claim = first_awake(row(turn), &Turns::front);
  if (turn != Turn::with_instance) return claim;
  for (int looks = 0; claim && looks < kLooks; ++looks) {
    if (claim->revision->wanting.top()->without_instance()) return claim;
    to_the_end(*claim);
    claim = first_awake(row(turn), &Turns::front);
  }
  return nullptr;
}

// What may start may cease to by the starts of other revisions of its function.
template <class Claims>
Scheduler::Impl::Claim* Scheduler::Impl::first_awake(Claims& claims,
                                                     Claim* (Claims::*first)() const) {
  for (Claim* claim = (claims.*first)(); claim; claim = (claims.*first)()) {
    if (!rests(*claim->revision)) return claim;
    update_turn(*claim->revision);
  }
  return nullptr;
}

// The smallest in memory, or else in CPUs.
Scheduler::Impl::Claim* Scheduler::Impl::smaller_that_fits() {
  if (pressure) return nullptr;
  Claim* claim = first_awake(least_memory, &decltype(least_memory)::top);
  if (claim && make_room(*claim->revision)) return claim;
  claim = first_awake(least_cpus, &decltype(least_cpus)::top);
  return claim && make_room(*claim->revision) ? claim : nullptr;
}

// Stops spare instances, the cheapest first, if that makes room for one more of this revision; else
// nothing.
bool Scheduler::Impl::make_room(Revision& revision) {
  if (!budget.fits_without(spare_amount, revision.need)) return false;
  if (!revision.below_concurrency(revision.committed)) stop(*revision.spare.front());
  while (!budget.fits(revision.need)) evict_cheapest();
  return true;
}

void Scheduler::Impl::begin(Claim& claim) {
  Revision& revision = *claim.revision;
  Pool& pool = &claim == &revision.for_provisioned ? revision.common : *revision.wanting.top();
  count_start(revision);
  if (pressure) relief = now + kUnderPressure;
  admit(new_instance(pool));
  balance(pool);
  to_the_end(claim);
}

void Scheduler::Impl::to_the_end(Claim& claim) {
  if (claim.turn == Turn::none) return;
  row(claim.turn).erase(claim);
  row(claim.turn).push_back(claim);
}

bool Scheduler::Impl::starving(Claim const& claim) const {
  Revision const& revision = *claim.revision;
  return claim.turn == Turn::without_instance && !hopeless(revision) &&
         now - revision.wanting.top()->uncovered.front()->arrived >= kPatience;
}

// It needs what provisioned instances have: nothing that ends makes room for it.
bool Scheduler::Impl::hopeless(Revision const& revision) const {
  return budget.short_of(kept_amount, revision.need).has_value();
}

void Scheduler::Impl::reserve(Revision const& revision) {
  while (!spare.empty() && !budget.fits(revision.need)) evict_cheapest();
}

// Without this rule a function that is never out of calls would keep its instances for ever, while
// another waits for its first.
bool Scheduler::Impl::gives_way(Instance const& instance) const {
  if (!instance.running.empty() || now - instance.ready_at < kPatience) return false;
  Pool const& pool = *instance.pool;
  if (pool.standing <= pool.provisioned()) return false;
  if (Claim const* first = rows.front().front())
    if (!rests(*first->revision) && starving(*first) && !budget.fits(first->revision->need))
      return true;
  Revision const& revision = *pool.revision;
  Pool const* other = revision.wanting.top();
  return other && other != &pool && other->without_instance() && !rests(revision) &&
         !revision.below_concurrency(revision.committed) && revision.spare.empty() &&
         other->uncovered.front()->order < pool.oldest()->order &&
         now - other->uncovered.front()->arrived >= kPatience;
}

// The news that it is still high is news that more must go.
void Scheduler::Impl::handle(event::Pressure const& e) {
  pressure = e.high;
  if (pressure && !cheapest.empty()) evict_cheapest();
}

}  // namespace faas::inline v0
