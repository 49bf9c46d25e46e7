#include "scheduler/refusal.hpp"

#include <algorithm>

namespace faas::inline v0::scheduler {
namespace {

std::string number(std::uint64_t n) { return std::to_string(n); }
std::string mib(Bytes b) { return number(b.mib()) + " MiB"; }

std::string calls(std::uint64_t n) { return number(n) + (n == 1 ? " call waits" : " calls wait"); }

Error throttled(std::string message, std::string reason) {
  return {Errc::throttled, std::move(message), std::move(reason), "queue"};
}

std::string none_waits(std::string const& queue) {
  return ", and no call may wait (" + queue + " is 0)";
}

}  // namespace

Error refuse_unknown(RevisionId id) {
  return {Errc::not_found,
          "there is no revision " + number(static_cast<std::uint64_t>(id)) +
              ": it was never added, or it is retired",
          "ResourceNotFoundException", "queue"};
}

Error refuse_draining() {
  return {Errc::unavailable, "the runtime is draining and takes no new calls: ask another", "",
          "queue"};
}

Error refuse_impossible(Revision const& revision, SchedulerOptions const& options) {
  if (options.max_instances == 0)
    return {Errc::unavailable, "this host runs 0 instances (SchedulerOptions::max_instances)",
            "ConcurrentInvocationLimitExceeded", "queue"};
  return {Errc::unavailable,
          "this function needs " + mib(revision.need()) +
              " (Limits::memory + Limits::tmp), more than this host's whole budget of " +
              mib(options.memory) + " (SchedulerOptions::memory): it can never start here",
          "ConcurrentInvocationLimitExceeded", "queue"};
}

Error refuse_deadline(Call const& call, TimePoint now) {
  auto waited = std::chrono::duration_cast<milliseconds>(now - call.arrived).count();
  std::string where = call.covered ? "for an instance to start" : "in the queue of this function";
  return {Errc::deadline,
          "the caller's deadline passed after the call had waited " + std::to_string(waited) +
              " ms " + where,
          "", call.covered ? "start" : "queue"};
}

Error refuse_crash_loop(Revision const& revision, TimePoint now) {
  auto const left = std::max(Duration{}, revision.rests_until - now);
  auto const ms = std::chrono::ceil<milliseconds>(left).count();
  std::string const starts = revision.failures == 1 ? "the last start of this function failed"
                                                    : "the last " + number(revision.failures) +
                                                          " starts of this function failed";
  return {Errc::throttled,
          starts + ", for the reason that its log gives; the next one is in " + std::to_string(ms) +
              " ms at the earliest",
          "StartsFailing", "start"};
}

Error refuse_function_queue(Revision const& revision) {
  return throttled(
      "the queue of this function is full: " + calls(revision.limits.queue) + " (Limits::queue)",
      "QueueFull");
}

Error refuse_host_queue(SchedulerOptions const& options) {
  return throttled("the queue of this host is full: " + calls(options.queue) +
                       " over all functions (SchedulerOptions::queue)",
                   "QueueFull");
}

Error refuse_concurrency(Revision const& revision, std::string const& queue) {
  return throttled("this function may have " + number(revision.limits.concurrency) +
                       " instances at once (Limits::concurrency), all are busy" + none_waits(queue),
                   "ReservedFunctionConcurrentInvocationLimitExceeded");
}

Error refuse_host_memory(Revision const& revision, SchedulerOptions const& options, Bytes used,
                         std::string const& queue) {
  return throttled("this function needs " + mib(revision.need()) +
                       " (Limits::memory + Limits::tmp), but " + mib(used) + " of this host's " +
                       mib(options.memory) + " are in use (SchedulerOptions::memory)" +
                       none_waits(queue),
                   "ConcurrentInvocationLimitExceeded");
}

Error refuse_host_instances(SchedulerOptions const& options, std::string const& queue) {
  return throttled("all " + number(options.max_instances) +
                       " instances of this host are busy (SchedulerOptions::max_instances)" +
                       none_waits(queue),
                   "ConcurrentInvocationLimitExceeded");
}

Error refuse_turn(std::string const& queue) {
  return throttled(
      "what is free on this host is kept for a function that has waited longer" + none_waits(queue),
      "ConcurrentInvocationLimitExceeded");
}

}  // namespace faas::inline v0::scheduler
