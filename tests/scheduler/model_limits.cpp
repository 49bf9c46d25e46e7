// What the model knows of functions, accounts, callers and of what is provisioned. It counts anew
// each time, from the calls that live.
#include <algorithm>

#include "scheduler/driver.hpp"

namespace faas::scheduler_test {

using namespace std::chrono_literals;

// A waiting call whose deadline has passed is refused before any event is looked at.
std::map<RevisionId, Driver::Load> Driver::loads() const {
  std::map<RevisionId, Load> loads;
  auto const count = [&](CallModel const& call) {
    ++(call.tenant.empty() ? loads[call.revision].calls : loads[call.revision].tenant_calls);
  };
  for (CallId id : waiting_)
    if (calls_.at(id).deadline > now_) count(calls_.at(id));
  for (auto const& [id, instance] : instances_)
    for (CallId call : instance.running) count(calls_.at(call));
  return loads;
}

Driver::AccountModel Driver::account(std::string const& id,
                                     std::map<RevisionId, Load> const& loads) const {
  AccountModel model;
  auto const own = account_limits_.find(id);
  model.limit = own == account_limits_.end() ? options_.account_concurrency : own->second;
  for (auto const& [name, concurrency] : reserved_)
    if (name.account == id) model.reserved += concurrency;
  for (auto const& [revision, f] : functions_) {
    if (f.owner.account != id || reserved_.contains(f.key())) continue;
    model.provisioned += f.provisioned;
    auto const found = loads.find(revision);
    if (found == loads.end()) continue;
    Load const& load = found->second;
    model.used += load.tenant_calls;
    if (load.calls > f.provisioned) model.used += load.calls - f.provisioned;
  }
  return model;
}

// The reason for which one more call is refused.
std::optional<std::string> Driver::over_concurrency(Function const& f, bool tenant) const {
  auto loads = this->loads();
  if (!tenant) --loads[f.id].calls;  // the model has it already
  if (tenant) --loads[f.id].tenant_calls;
  if (auto const found = reserved_.find(f.key()); found != reserved_.end()) {
    std::size_t calls = 0;
    for (auto const& [id, load] : loads)
      if (function(id).key() == f.key()) calls += load.calls + load.tenant_calls;
    if (calls < found->second) return {};
    return "ReservedFunctionConcurrentInvocationLimitExceeded";
  }
  AccountModel const model = account(f.owner.account, loads);
  if (model.limit == 0 || (!tenant && loads[f.id].calls < f.provisioned)) return {};
  if (model.used < model.unreserved()) return {};
  return "ConcurrentInvocationLimitExceeded";
}

void Driver::check_admission(event::Arrived const& arrived,
                             std::optional<std::string> const& over) {
  bool const gated =
      refused_for_ && (refused_in_words_.find("(reserved concurrency") != std::string::npos ||
                       refused_in_words_.find("of this account") != std::string::npos);
  if (gated) {
    promise(over.has_value(), "no call is refused for a concurrency that it keeps");
    promise(over == refused_for_, "a refusal names the concurrency that is used up");
    ++endings_["gated"];
  }
  if (calls_.at(arrived.call).state == CallState::ended) return;
  promise(!over, "never over the concurrency of a function or an account");
  check_caller(arrived.caller);
}

void Driver::check_caller(std::string const& caller) {
  if (caller.empty() || options_.caller_rate == 0) return;
  auto& times = accepted_from_[caller];
  times.push_back(now_);
  auto const burst = options_.caller_burst == 0 ? options_.caller_rate : options_.caller_burst;
  for (std::size_t i = 0; i < times.size(); ++i) {
    std::chrono::duration<double> const window = now_ - times[i];
    double const most = burst + window.count() * options_.caller_rate;
    promise(static_cast<double>(times.size() - i) <= most + 0.001, "never over a caller's rate");
  }
}

// Only where a start never had to wait for room after it was decided.
void Driver::check_scaling(Function const& f) {
  auto& times = starts_of_[f.key()];
  times.push_back(now_);
  if (options_.memory.count > 0 || options_.max_instances < 64 || options_.cpus > 0) return;
  if (options_.pids > 0 || options_.fds > 0 || crowded_at_ > TimePoint{}) return;
  for (auto const& [id, other] : functions_)
    if (other.key() == f.key() && other.limits.concurrency > 0) return;
  for (std::size_t i = 0; i < times.size(); ++i) {
    std::chrono::duration<double> const window = now_ - times[i];
    double const most = options_.scaling_burst + window.count() * options_.scaling_rate;
    promise(static_cast<double>(times.size() - i) <= most + 0.001,
            "never faster than a function may scale");
  }
}

// What waits for an instance to leave was decided before.
void Driver::check_pressure(action::Start const& start) {
  if (!pressure_ || stopping_before_) return;
  promise(now_ - relief_ >= 1s, "one start a second under pressure");
  relief_ = now_;
  if (start.provisioned || start.tenant) return;
  Row const row = rows()[start.revision];
  promise(row.common_starting + row.common_standing == 0,
          "under pressure no instance beside another of its revision");
}

void Driver::check_counts() {
  auto const loads = this->loads();
  std::map<FunctionName, FunctionCounts> functions;
  for (auto const& [name, concurrency] : reserved_) functions[name].reserved = concurrency;
  for (auto const& [id, load] : loads)
    functions[function(id).key()].calls += load.calls + load.tenant_calls;
  for (auto const& [id, instance] : instances_)
    ++functions[function(instance.revision).key()].instances;
  for (auto const& [id, f] : functions_) functions[f.key()].provisioned += f.provisioned;
  for (auto const& [name, model] : functions) {
    FunctionCounts const told = scheduler_.function(name).value_or(FunctionCounts{});
    promise(told.reserved == model.reserved, "function(): reserved");
    promise(told.calls == model.calls, "function(): calls");
    promise(told.instances == model.instances, "function(): instances");
    promise(told.provisioned == model.provisioned, "function(): provisioned");
  }
  for (std::string const id : {"000000000000", "111111111111"}) {
    AccountModel const model = account(id, loads);
    AccountCounts const told = scheduler_.account(id);
    promise(told.limit == model.limit, "account(): limit");
    promise(told.reserved == model.reserved, "account(): reserved");
    promise(told.unreserved_limit == model.unreserved(), "account(): unreserved limit");
    promise(told.unreserved_used == model.used, "account(): unreserved used");
  }
  auto rows = this->rows();
  for (auto const& [id, f] : functions_) {
    ProvisionedCounts const told = scheduler_.provisioned(id);
    std::size_t const standing = rows[id].common_standing;
    promise(told.requested == f.provisioned, "provisioned(): requested");
    promise(told.available == std::min<std::size_t>(f.provisioned, standing),
            "provisioned(): available");
    promise(told.allocated >= told.available && told.allocated <= told.requested,
            "provisioned(): allocated");
  }
}

void Driver::check_provisioned_is_met() const {
  auto rows = this->rows();
  Used used;
  for (auto const& [id, row] : rows) used.add(function(id), row.present - row.spare);
  for (auto const& [id, f] : functions_) {
    if (f.provisioned == 0 || f.broken) continue;
    Row const& row = rows[id];
    bool const allowed = f.limits.concurrency == 0 || row.present < f.limits.concurrency;
    bool const met = scheduler_.provisioned(id).available == f.provisioned;
    promise(met || !allowed || !carries(used, f), "what is provisioned is there in the end");
  }
}

void Driver::check_nothing_is_left() const {
  SchedulerStats const stats = scheduler_.stats();
  promise(stats.revisions == 0 && stats.instances == 0 && stats.memory_reserved == 0_B,
          "in the end there is nothing");
  for (auto const& [id, f] : functions_)
    promise(!scheduler_.function(f.key()), "a function that nothing needs is forgotten");
  for (std::string const id : {"000000000000", "111111111111"}) {
    AccountCounts const told = scheduler_.account(id);
    promise(told.limit == options_.account_concurrency && told.reserved == 0 &&
                told.unreserved_used == 0 && told.unreserved_limit == told.limit,
            "in the end an account uses nothing");
  }
  promise(!scheduler_.next_wake(), "where nothing is nothing wakes");
}

}  // namespace faas::scheduler_test
