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

  void step();    // one random event
  void finish();  // no more arrivals; everything that was begun ends

  std::uint64_t digest() const { return digest_; }  // of every action so far
  std::size_t arrived() const { return calls_.size(); }
  std::size_t ended_by(std::string const& how) const {
    auto found = endings_.find(how);
    return found == endings_.end() ? 0 : found->second;
  }

 private:
  struct Function {
    RevisionId id{};
    Limits limits;
    unsigned capacity = 1;
    bool retired = false;
    bool broken = false;    // none of its starts gets ready
    unsigned failures = 0;  // in a row, each of a start begun after the one before
    std::uint64_t begun_at_failure = 0;
    std::vector<TimePoint> starts;  // since the first of these
    Bytes need() const { return limits.memory + limits.tmp; }
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
    std::set<CallId> running;
  };

  // Random choices.
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  void add_function();
  void arrive();
  void cancel();
  void backend_event();
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
  std::uint64_t digest_ = 1469598103934665603u;
  std::uint64_t last_id_ = 0;
};

}  // namespace faas::scheduler_test
