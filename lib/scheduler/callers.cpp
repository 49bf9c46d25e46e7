#include "scheduler/callers.hpp"

namespace faas::inline v0::scheduler {

Callers::Callers(SchedulerOptions const& o)
    : rate_(o.caller_burst == 0 ? o.caller_rate : o.caller_burst, o.caller_rate),
      most_(o.callers) {}

Callers::Verdict Callers::admit(std::string const& caller, TimePoint now) {
  if (!rate_.limited() || caller.empty()) return Verdict::welcome;
  Bucket* bucket = place_for(caller, now);
  if (!bucket) return Verdict::no_place;
  if (rate_.next(bucket->full_at) > now) return Verdict::too_fast;
  rate_.take(bucket->full_at, now);
  by_fullness_.update(*bucket);
  return Verdict::welcome;
}

TimePoint Callers::next(std::string const& caller) const {
  auto const found = buckets_.find(caller);
  return found == buckets_.end() ? Rate::kFull : rate_.next(found->second.full_at);
}

// Two go for each that comes, so that no more stay than have been busy at once; and those that come
// again and again stay, so that their calls allocate nothing.
Callers::Bucket* Callers::place_for(std::string const& caller, TimePoint now) {
  if (auto const found = buckets_.find(caller); found != buckets_.end()) return &found->second;
  forget_a_full_one(now);
  forget_a_full_one(now);
  if (buckets_.size() >= most_) return nullptr;
  auto const added = buckets_.try_emplace(caller).first;
  added->second.caller = &added->first;
  by_fullness_.push(added->second);
  return &added->second;
}

void Callers::forget_a_full_one(TimePoint now) {
  Bucket* first = by_fullness_.top();
  if (!first || first->full_at > now) return;
  by_fullness_.erase(*first);
  buckets_.erase(buckets_.find(*first->caller));
}

}  // namespace faas::inline v0::scheduler
