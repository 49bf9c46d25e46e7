// A host without processes: events go in as words, decisions come out as text, e.g.
// arrives(1) == "start i1", ready(1) == "run c1 on i1 cold"; "keep i1" is a provisioned start.
#pragma once

#include <faas/scheduler.hpp>
#include <string>
#include <vector>

namespace faas::scheduler_test {

using namespace std::chrono_literals;

class Host {
 public:
  explicit Host(SchedulerOptions options = {}) : scheduler_(options) {}

  // The first function is revision 1 and so on.
  unsigned function(Limits limits = {}, unsigned capacity = 1) {
    on(event::RevisionAdded{RevisionId{++revisions_}, limits, Place::here, capacity});
    return revisions_;
  }
  // Another revision of this one.
  std::string version(FunctionName const& function, Limits limits = {}) {
    return on(event::RevisionAdded{RevisionId{++revisions_}, limits, Place::here, 1, function});
  }
  std::string reserves(FunctionName const& function, std::optional<unsigned> concurrency) {
    return on(event::Reserved{function, concurrency});
  }
  std::string may_have(std::string account, std::optional<unsigned> concurrency) {
    return on(event::AccountLimit{std::move(account), concurrency});
  }
  std::string provisions(unsigned revision, unsigned instances) {
    return on(event::Provisioned{RevisionId{revision}, instances});
  }
  std::string pressure(bool high) { return on(event::Pressure{high}); }
  std::string calls_from(std::string caller, unsigned call, unsigned revision = 1) {
    return on(event::Arrived{CallId{call}, RevisionId{revision}, {}, {}, std::move(caller)});
  }
  std::string retires(unsigned revision) {
    return on(event::RevisionRetired{RevisionId{revision}});
  }
  std::string arrives(unsigned call, unsigned revision = 1, std::string tenant = {}) {
    return on(event::Arrived{CallId{call}, RevisionId{revision}, {}, std::move(tenant)});
  }
  std::string arrives_for(Duration patience, unsigned call, unsigned revision = 1) {
    return on(event::Arrived{CallId{call}, RevisionId{revision}, now_ + patience, {}});
  }
  std::string moved(unsigned call, unsigned revision) {
    return on(event::Moved{CallId{call}, RevisionId{revision}});
  }
  std::string cancelled(unsigned call) { return on(event::Cancelled{CallId{call}}); }
  std::string ready(unsigned instance) { return on(event::Ready{InstanceId{instance}}); }
  std::string start_failed(unsigned instance) {
    return on(event::StartFailed{InstanceId{instance}});
  }
  std::string finished(unsigned call) { return on(event::Finished{CallId{call}, true}); }
  std::string finished_badly(unsigned call) { return on(event::Finished{CallId{call}, false}); }
  std::string exited(unsigned instance) { return on(event::Exited{InstanceId{instance}}); }
  std::string tick() { return on(event::Tick{}); }
  std::string drains() { return on(event::Drain{}); }
  std::string after(Duration time) {
    now_ += time;
    return tick();
  }
  void passes(Duration time) { now_ += time; }  // and nobody tells the scheduler

  // Arrives, starts, runs and ends: leaves one idle instance.
  void warm_up(unsigned call, unsigned instance, unsigned revision = 1, std::string tenant = {}) {
    arrives(call, revision, std::move(tenant));
    ready(instance);
    finished(call);
  }

  std::string on(SchedulerEvent event) {
    std::vector<SchedulerAction> actions;
    scheduler_.on(std::move(event), now_, actions);
    std::string text;
    for (auto const& action : actions)
      text += (text.empty() ? "" : ", ") + std::visit([this](auto& a) { return word(a); }, action);
    return text;
  }

  Error const& error() const { return error_; }  // of the last refusal
  Duration waited() const { return waited_; }    // of the last dispatch
  SchedulerStats stats() const { return scheduler_.stats(); }
  FunctionCounts of_function(FunctionName const& name) const {
    return scheduler_.function(name).value_or(FunctionCounts{});
  }
  bool knows(FunctionName const& name) const { return scheduler_.function(name).has_value(); }
  AccountCounts of_account(std::string_view id) const { return scheduler_.account(id); }
  ProvisionedCounts provisioned(unsigned revision) const {
    return scheduler_.provisioned(RevisionId{revision});
  }
  std::vector<InstanceState> instances() const { return scheduler_.instances(); }
  std::optional<Duration> next_wake() const {
    auto wake = scheduler_.next_wake();
    return wake ? std::optional(*wake - now_) : std::nullopt;
  }

 private:
  template <class Id>
  static std::string number(Id id) {
    return std::to_string(static_cast<std::uint64_t>(id));
  }
  std::string word(action::Dispatch const& a) {
    waited_ = a.waited;
    return "run c" + number(a.call) + " on i" + number(a.instance) + " " +
           std::string(to_string(a.level));
  }
  std::string word(action::Start const& a) {
    return (a.provisioned ? "keep i" : "start i") + number(a.instance);
  }
  std::string word(action::Stop const& a) { return "stop i" + number(a.instance); }
  std::string word(action::Refuse const& a) {
    error_ = a.error;
    return "refuse c" + number(a.call);
  }
  std::string word(action::Fail const& a) {
    return "fail c" + number(a.call) + " with i" + number(a.instance);
  }

  Scheduler scheduler_;
  TimePoint now_{1h};
  unsigned revisions_ = 0;
  Error error_;
  Duration waited_{};
};

}  // namespace faas::scheduler_test
