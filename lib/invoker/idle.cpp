// G18: what is idle stands still, so that a process which a call left behind gets no CPU (A6).
#include <algorithm>

#include "invoker/jail_instance.hpp"

namespace faas::inline v0::invoker {
namespace {

// Not at once: a thaw costs about two round trips.
constexpr Duration kFreezeAfter = std::chrono::milliseconds(50);
// For what comes after an answer, as an extension's last words, until the runtime asks for more.
constexpr Duration kLastWords = std::chrono::seconds(2);

// A burst that is over goes to rest all at once; calls wait for no more than a few of these.
constexpr unsigned kFreezesInTurn = 16;
constexpr Duration kNextTurn = std::chrono::milliseconds(1);

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

void JailInstance::become_idle() {
  phase_ = Phase::idle;
  idle_since_ = now();
  context_.backend.instance_rests();
}

TimePoint JailInstance::rest(TimePoint time) {
  if (phase_ != Phase::idle || frozen_ || gone_) return TimePoint::max();
  auto const due = idle_since_ + (waits() ? kFreezeAfter : kLastWords);
  if (time < due) return std::min(due, time + kFreezeAfter);
  frozen_ = context_.sandbox.freeze(ticket_);
  return frozen_ ? TimePoint::max() : time + kFreezeAfter;
}

bool JailInstance::thaw() {
  if (frozen_ && context_.sandbox.thaw(ticket_)) frozen_ = false;
  return !frozen_;
}

// Its call may be followed by another at once: at most one timer is set in 50 ms, however many
// come.
void JailBackend::instance_rests() {
  bool const has_cgroups = privilege() != Privilege::unprivileged;
  if (has_cgroups && idle_timer_ == Reactor::Timer::none) look_again(now() + kFreezeAfter);
}

void JailBackend::look_at_idle() {
  auto const time = now();
  // Nobody held the reactor since, so this is the look before a call: it would be thawed at once.
  if (!context_.reactor.held()) return look_again(time + kFreezeAfter);
  auto next = TimePoint::max();
  unsigned left = kFreezesInTurn;
  for (auto const& [id, instance] : instances_) {
    if (left == 0) {
      next = std::min(next, time + kNextTurn);
      break;
    }
    bool const stood = instance->frozen();
    next = std::min(next, instance->rest(time));
    if (instance->frozen() != stood) --left;
  }
  if (next != TimePoint::max()) look_again(next);
}

void JailBackend::look_again(TimePoint when) {
  idle_timer_ = context_.reactor.at(when, [this] {
    idle_timer_ = Reactor::Timer::none;
    look_at_idle();
  });
}

}  // namespace faas::inline v0::invoker
