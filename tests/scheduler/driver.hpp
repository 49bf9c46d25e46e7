// A seeded random backend and its callers, with a model of its own that knows only what was
// promised. Every action is held against the model; a broken promise is thrown as a sentence.
#pragma once

#include <faas/scheduler.hpp>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace faas::scheduler_test {

using namespace std::chrono_literals;

struct BrokenPromise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Driver {
 public:
  explicit Driver(std::uint64_t seed);

  void step();       // one random event
  void calm_down();  // no more arrivals; what can start gets ready, what runs ends
  void finish();     // everything that was begun ends, and nothing is left

  std::uint64_t digest() const { return digest_; }  // of every action so far
  std::size_t arrived() const { return calls_.size(); }
  std::size_t ended_by(std::string const& how) const {
    auto found = endings_.find(how);
    return found == endings_.end() ? 0 : found->second;
  }

 private:
  struct Function {  // a revision
    RevisionId id{};
    FunctionName owner;
    unsigned provisioned = 0;
    Limits limits;
    unsigned capacity = 1;
    bool retired = false;
    bool broken = false;    // none of its starts gets ready
    unsigned failures = 0;  // in a row, each of a start begun after the one before
    std::uint64_t begun_at_failure = 0;
    std::vector<TimePoint> starts;  // since the first of these
    Bytes need() const { return limits.memory + limits.tmp; }
    std::uint64_t milli_cpus() const {
      return std::max<std::uint64_t>(1000, limits.memory.mib() * 1000 / 1769);
    }
    // As the scheduler sees it: one without a name is by itself.
    FunctionName key() const {
      auto const own = "#" + std::to_string(static_cast<std::uint64_t>(id));
      return {owner.account, owner.name.empty() ? own : owner.name};
    }
  };
  struct Used {
    Bytes memory;
    std::uint64_t instances = 0, milli_cpus = 0;
    void add(Function const& f, std::size_t count = 1) {
      memory.count += count * f.need().count;
      instances += count;
      milli_cpus += count * f.milli_cpus();
    }
  };
  struct Load {
    std::size_t calls = 0, tenant_calls = 0;
  };
  struct AccountModel {
    std::uint64_t limit = 0, reserved = 0, provisioned = 0, used = 0;
    std::uint64_t unreserved() const {
      return limit > reserved + provisioned ? limit - reserved - provisioned : 0;
    }
  };
  // The instances and calls of one revision.
  struct Row {
    std::size_t waiting = 0, starting = 0, present = 0, spare = 0;
    std::size_t common_starting = 0, common_standing = 0, common_idle = 0, tenants_idle = 0;
    TimePoint oldest = TimePoint::max();
  };
  enum class CallState { waiting, running, ended };
  struct CallModel {
    RevisionId revision{};
    std::string tenant;
    TimePoint arrived, deadline = TimePoint::max();
    CallState state = CallState::waiting;
    InstanceId instance{};
  };
  enum class Phase { starting, ready, stopping };
  struct InstanceModel {
    RevisionId revision{};
    Phase phase = Phase::starting;
    std::uint64_t begun = 0;
    std::string tenant;
    bool tenant_known = false;
    bool of_tenant = false;  // as it was started
    std::set<CallId> running;
  };

  // Random choices.
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  void add_function();
  void govern();  // a limit of somebody, what is provisioned, or the pressure changes
  void arrive();
  void cancel();
  void backend_event();
  void get_ready(InstanceId);
  void fail(InstanceId);
  void leave(InstanceId);
  void calm_event(InstanceId);
  void finish_call(CallId, bool reusable);
  void late_event();
  void pass_time();

  // The model.
  void tell(SchedulerEvent);
  void carry_out(action::Dispatch const&);
  void carry_out(action::Start const&);
  void carry_out(action::Stop const&);
  void carry_out(action::Refuse const&);
  void carry_out(action::Fail const&);
  void end(CallId, std::string const& how);
  void check_totals();
  void check_counts();
  void check_admission(event::Arrived const&, std::optional<std::string> const& over);
  std::optional<std::string> over_concurrency(Function const&, bool tenant) const;
  std::map<RevisionId, Load> loads() const;
  AccountModel account(std::string const& id, std::map<RevisionId, Load> const&) const;
  std::map<RevisionId, Row> rows() const;
  bool carries(Used, Function const&) const;
  void check_caller(std::string const& caller);
  void check_scaling(Function const&);
  void check_pressure(action::Start const&);
  void check_provisioned_is_met() const;
  void check_nothing_is_left() const;
  void check_nothing_forgotten();
  void check_rest(Function const&) const;
  bool in_crash_loop(Function const& f) const { return f.failures >= 10; }
  CallModel& waiting(CallId);
  InstanceModel& present(InstanceId);
  Function const& function(RevisionId id) const { return functions_.at(id); }
  void start_failed(InstanceModel const&);
  bool oldest_of_its_kind(CallId) const;
  static void promise(bool kept, char const* what) {
    if (!kept) throw BrokenPromise(what);
  }

  std::mt19937_64 random_;
  SchedulerOptions options_;
  Scheduler scheduler_;
  TimePoint now_{};
  std::map<RevisionId, Function> functions_;
  std::map<CallId, CallModel> calls_;
  std::set<CallId> waiting_;
  std::map<InstanceId, InstanceModel> instances_;
  std::map<std::string, std::size_t> endings_;
  SchedulerEvent const* current_ = nullptr;
  std::size_t fails_of_this_event_ = 0;
  std::uint64_t begun_ = 0;
  TimePoint crowded_at_{-10s};
  bool draining_ = false;
  bool pressure_ = false;
  bool stopping_before_ = false;  // an instance was leaving when this event came
  TimePoint relief_{-10s};
  std::map<FunctionName, unsigned> reserved_;
  std::map<std::string, unsigned> account_limits_;
  std::map<std::string, std::vector<TimePoint>> accepted_from_;
  std::map<FunctionName, std::vector<TimePoint>> starts_of_;
  std::optional<std::string> refused_for_;  // the reason of the last refusal of this event
  std::string refused_in_words_;
  std::uint64_t digest_ = 1469598103934665603u;
  std::uint64_t last_id_ = 0;
};

}  // namespace faas::scheduler_test
