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

std::string in_ms(Duration time) {
  auto const left = std::chrono::ceil<milliseconds>(std::max(Duration{}, time));
  return "in " + std::to_string(left.count()) + " ms";
}

std::string cpus(std::uint64_t thousandths) {
  std::string const fraction = number(thousandths % 1000 + 1000).substr(1);
  std::string text = number(thousandths / 1000) + "." + fraction;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + (thousandths == 1000 ? " CPU" : " CPUs");
}

// How much of a resource, in words.
std::string amount(Resource resource, std::uint64_t n) {
  switch (resource) {
    case Resource::memory: return mib({n});
    case Resource::cpus: return cpus(n);
    case Resource::pids: return number(n) + " processes and threads";
    case Resource::fds: return number(n) + " descriptors";
    case Resource::instances: break;
  }
  return number(n) + " instances";
}

// Where what one instance needs was set, and where what all have.
struct Source {
  char const* one;
  char const* all;
};
Source source(Resource resource) {
  switch (resource) {
    case Resource::memory: return {"Limits::memory + Limits::tmp", "SchedulerOptions::memory"};
    case Resource::cpus: return {"Limits::memory / 1769 MiB, at least 1", "SchedulerOptions::cpus"};
    case Resource::pids: return {"SchedulerOptions::instance_pids", "SchedulerOptions::pids"};
    case Resource::fds: return {"SchedulerOptions::instance_fds", "SchedulerOptions::fds"};
    case Resource::instances: break;
  }
  return {"one instance", "SchedulerOptions::max_instances"};
}

std::string need_text(Revision const& revision, Resource resource) {
  return "this function needs " + amount(resource, revision.need[resource]) + " (" +
         source(resource).one + ")";
}

// The limit that the Budget has.
std::string whole(SchedulerOptions const& options, Resource resource) {
  return amount(resource, Budget(options).limit[resource]);
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

Error refuse_impossible(Revision const& revision, SchedulerOptions const& options,
                        Resource resource) {
  std::string const reason = "ConcurrentInvocationLimitExceeded";
  if (resource == Resource::instances)
    return {Errc::unavailable, "this host runs 0 instances (SchedulerOptions::max_instances)",
            reason, "queue"};
  return {Errc::unavailable,
          need_text(revision, resource) + ", more than this host's whole budget of " +
              whole(options, resource) + " (" + source(resource).all + "): it can never start here",
          reason, "queue"};
}

Error refuse_provisioned(Revision const& revision, SchedulerOptions const& options,
                         Resource resource, Amount const& kept) {
  return throttled(need_text(revision, resource) + ", but provisioned instances keep " +
                       amount(resource, kept[resource]) + " of this host's " +
                       whole(options, resource) + " (" + source(resource).all +
                       "): provision less, or raise it",
                   "ConcurrentInvocationLimitExceeded");
}

Error refuse_tenant(Revision const& revision) {
  return throttled("this function may have " + number(revision.limits.concurrency) +
                       " instances at once (Limits::concurrency), and all are provisioned, for "
                       "calls without a tenant: raise it, or provision less",
                   "ReservedFunctionConcurrentInvocationLimitExceeded");
}

Error refuse_reserved(FunctionState const& function) {
  std::string const reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
  if (*function.reserved == 0)
    return throttled(
        "this function is stopped: it may have 0 calls at once (reserved concurrency of the "
        "function)",
        reason);
  return throttled("this function may have " + number(*function.reserved) +
                       " calls at once (reserved concurrency of the function), and " +
                       number(function.calls) + " wait or run: retry later, or raise it",
                   reason);
}

Error refuse_account(AccountState const& account, unsigned limit, std::size_t unreserved) {
  std::string const where =
      account.limit ? "limit of the account" : "SchedulerOptions::account_concurrency";
  return throttled("functions of this account without reserved concurrency may have " +
                       number(unreserved) + " calls at once: " + number(limit) + " (" + where +
                       ") less " + number(account.reserved) + " that are reserved and " +
                       number(account.provisioned) + " that are provisioned; " +
                       number(account.spilled) + " wait or run: retry later, or raise it",
                   "ConcurrentInvocationLimitExceeded");
}

Error refuse_caller_rate(SchedulerOptions const& options, Duration wait) {
  unsigned const burst = options.caller_burst == 0 ? options.caller_rate : options.caller_burst;
  return throttled("one caller may make " + number(options.caller_rate) +
                       " calls a second (SchedulerOptions::caller_rate) and " + number(burst) +
                       " at once (SchedulerOptions::caller_burst): retry " + in_ms(wait),
                   "CallerRateLimitExceeded");
}

Error refuse_caller(SchedulerOptions const& options) {
  return throttled("this host keeps the rates of " + number(options.callers) +
                       " callers (SchedulerOptions::callers), and all of them called just now: "
                       "retry later, or raise it",
                   "CallerRateLimitExceeded");
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
  std::string const starts = revision.failures == 1 ? "the last start of this function failed"
                                                    : "the last " + number(revision.failures) +
                                                          " starts of this function failed";
  return {Errc::throttled,
          starts + ", for the reason that its log gives; the next one is " +
              in_ms(revision.rests_until - now) + " at the earliest",
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

Error refuse_scaling(SchedulerOptions const& options, Duration wait, std::string const& queue) {
  return throttled("one function may start " + number(options.scaling_burst) +
                       " instances at once (SchedulerOptions::scaling_burst) and then " +
                       number(options.scaling_rate) +
                       " a second (SchedulerOptions::scaling_rate); the next one starts " +
                       in_ms(wait) + none_waits(queue),
                   "FunctionInvocationRateLimitExceeded");
}

Error refuse_pressure(bool has_instance, std::string const& queue) {
  return throttled(std::string("the host is short of memory (PSI), and until that ends ") +
                       (has_instance ? "none is started for a function that has an instance"
                                     : "one instance a second is started") +
                       none_waits(queue),
                   "ConcurrentInvocationLimitExceeded");
}

Error refuse_host(Revision const& revision, SchedulerOptions const& options, Resource resource,
                  Amount const& used, std::string const& queue) {
  std::string const reason = "ConcurrentInvocationLimitExceeded";
  if (resource == Resource::instances)
    return throttled("all " + whole(options, resource) + " of this host are busy (" +
                         source(resource).all + ")" + none_waits(queue),
                     reason);
  return throttled(need_text(revision, resource) + ", but " + amount(resource, used[resource]) +
                       " of this host's " + whole(options, resource) + " are in use (" +
                       source(resource).all + ")" + none_waits(queue),
                   reason);
}

Error refuse_turn(std::string const& queue) {
  return throttled(
      "what is free on this host is kept for a function that has waited longer" + none_waits(queue),
      "ConcurrentInvocationLimitExceeded");
}

}  // namespace faas::inline v0::scheduler
