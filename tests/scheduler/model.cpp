// The half of the driver that holds every action against what the header promises.
#include <algorithm>

#include "scheduler/driver.hpp"

namespace faas::scheduler_test {

using namespace std::chrono_literals;

void Driver::tell(SchedulerEvent event) {
  std::vector<SchedulerAction> actions;
  current_ = &event;
  fails_of_this_event_ = 0;
  refused_for_.reset();
  stopping_before_ = std::ranges::any_of(
      instances_, [](auto const& i) { return i.second.phase == Phase::stopping; });
  SchedulerEvent copy = event;
  scheduler_.on(std::move(copy), now_, actions);
  if (auto* exited = std::get_if<event::Exited>(&event)) instances_.erase(exited->instance);
  for (auto const& action : actions) {
    digest_ = (digest_ ^ (action.index() + 1)) * 1099511628211u;
    std::visit([this](auto const& a) { carry_out(a); }, action);
  }
  if (instances_.size() == options_.max_instances) crowded_at_ = now_;
  check_totals();
  check_counts();
  check_nothing_forgotten();
}

Driver::CallModel& Driver::waiting(CallId id) {
  auto found = calls_.find(id);
  promise(found != calls_.end(), "an action names a call that came");
  promise(found->second.state == CallState::waiting, "a call ends once and runs once");
  digest_ = (digest_ ^ static_cast<std::uint64_t>(id)) * 1099511628211u;
  return found->second;
}

Driver::InstanceModel& Driver::present(InstanceId id) {
  auto found = instances_.find(id);
  promise(found != instances_.end(), "an action names an instance that exists");
  digest_ = (digest_ ^ static_cast<std::uint64_t>(id)) * 1099511628211u;
  return found->second;
}

bool Driver::oldest_of_its_kind(CallId id) const {
  CallModel const& call = calls_.at(id);
  for (CallId other : waiting_) {
    if (other == id) return true;
    CallModel const& older = calls_.at(other);
    if (older.revision == call.revision && older.tenant == call.tenant) return false;
  }
  return true;
}

void Driver::carry_out(action::Dispatch const& a) {
  CallModel& call = waiting(a.call);
  InstanceModel& instance = present(a.instance);
  promise(instance.phase == Phase::ready, "calls go to instances that are ready");
  promise(instance.revision == call.revision, "calls go to instances of their revision");
  promise(!instance.tenant_known || instance.tenant == call.tenant, "tenants share no instance");
  promise(call.deadline > now_, "a call past its deadline is not started");
  promise(oldest_of_its_kind(a.call), "first in, first out");
  promise(a.waited == now_ - call.arrived, "the wait is told");
  bool const by_ready = std::holds_alternative<event::Ready>(*current_);
  promise((a.level == StartLevel::cold) == by_ready, "cold is what waited for a start");
  instance.tenant = call.tenant;
  instance.tenant_known = true;
  instance.running.insert(a.call);
  promise(instance.running.size() <= function(call.revision).capacity,
          "never more calls than capacity");
  call.state = CallState::running;
  call.instance = a.instance;
  waiting_.erase(a.call);
}

void Driver::carry_out(action::Start const& a) {
  promise(!instances_.contains(a.instance), "an instance starts once");
  promise(functions_.contains(a.revision), "starts are of known revisions");
  digest_ = (digest_ ^ static_cast<std::uint64_t>(a.instance)) * 1099511628211u;
  Function& f = functions_.at(a.revision);
  check_pressure(a);
  instances_[a.instance] = {.revision = a.revision, .begun = ++begun_, .of_tenant = a.tenant};
  promise(!a.provisioned || !a.tenant, "tenants have nothing provisioned");
  check_scaling(f);
  f.starts.push_back(now_);
  if (f.failures > 0) check_rest(f);
}

// Only where none was decided earlier and had to wait for room.
void Driver::check_rest(Function const& f) const {
  if (f.limits.concurrency != 0 || options_.memory.count > 0) return;
  if (options_.cpus > 0 || options_.pids > 0 || options_.fds > 0) return;
  if (now_ - crowded_at_ <= 1s) return;
  auto const in_last_second = [&](TimePoint start) { return start > now_ - 1s; };
  auto const count = std::count_if(f.starts.begin(), f.starts.end(), in_last_second);
  promise(count <= 10, "ten starts a second at most while they fail");
  bool const one = f.failures <= 10 || f.starts.size() < 2 ||
                   f.starts[f.starts.size() - 1] - f.starts[f.starts.size() - 2] >= 1s;
  promise(one, "one start a second in a crash loop");
}

void Driver::carry_out(action::Stop const& a) {
  InstanceModel& instance = present(a.instance);
  promise(instance.phase == Phase::ready && instance.running.empty(), "only idle ones are stopped");
  instance.phase = Phase::stopping;
  if (instance.of_tenant) return;
  Row const row = rows()[instance.revision];
  promise(row.common_standing >= function(instance.revision).provisioned,
          "what is provisioned is kept");
}

void Driver::carry_out(action::Refuse const& a) {
  CallModel const& call = waiting(a.call);
  Errc const code = a.error.code;
  promise(!a.error.message.empty(), "a refusal says why");
  refused_for_ = a.error.reason;
  refused_in_words_ = a.error.message;
  if (code == Errc::deadline) {
    promise(call.deadline <= now_, "a deadline refuses when it has passed");
    return end(a.call, "deadline");
  }
  auto* arrived = std::get_if<event::Arrived>(current_);
  bool const looping = a.error.reason == "StartsFailing" && in_crash_loop(function(call.revision));
  promise((arrived && arrived->call == a.call) || looping,
          "only the arriving call is refused for a limit, or one whose function cannot start");
  promise(code == Errc::throttled || code == Errc::unavailable || code == Errc::not_found,
          "the codes of a refusal");
  promise(code != Errc::not_found || function(call.revision).retired, "not found is true");
  promise(code == Errc::not_found || draining_ || !a.error.reason.empty(), "a limit has a reason");
  end(a.call, "refused");
}

void Driver::carry_out(action::Fail const& a) {
  CallModel const& call = waiting(a.call);
  promise(oldest_of_its_kind(a.call), "the oldest call pays for a failed start");
  promise(++fails_of_this_event_ == 1, "one failed start ends one call");
  if (auto* failed = std::get_if<event::StartFailed>(current_)) {
    promise(failed->instance == a.instance, "a call fails with the start that failed");
    promise(present(a.instance).revision == call.revision, "a call fails with a start of its own");
  } else {
    auto* exited = std::get_if<event::Exited>(current_);
    promise(exited && exited->instance == a.instance, "a call fails with the start that failed");
  }
  end(a.call, "failed");
}

void Driver::end(CallId id, std::string const& how) {
  CallModel& call = calls_.at(id);
  promise(call.state != CallState::ended, "a call ends once");
  if (call.state == CallState::running) instances_.at(call.instance).running.erase(id);
  call.state = CallState::ended;
  waiting_.erase(id);
  ++endings_[how];
}

void Driver::check_totals() {
  SchedulerStats model;
  std::map<RevisionId, std::size_t> of_revision;
  for (auto const& [id, instance] : instances_) {
    ++model.instances;
    ++of_revision[instance.revision];
    model.memory_reserved = model.memory_reserved + function(instance.revision).need();
    model.calls_running += instance.running.size();
    model.starting += instance.phase == Phase::starting;
    model.idle += instance.phase == Phase::ready && instance.running.empty();
  }
  Used used;
  for (auto const& [id, count] : of_revision) used.add(function(id), count);
  promise(used.instances <= options_.max_instances, "never over the budget of instances");
  promise(options_.memory.count == 0 || used.memory <= options_.memory,
          "never over the budget of memory");
  promise(options_.cpus == 0 || static_cast<double>(used.milli_cpus) <= options_.cpus * 1000,
          "never over the budget of CPUs");
  promise(options_.pids == 0 || used.instances * options_.instance_pids <= options_.pids,
          "never over the budget of processes");
  promise(options_.fds == 0 || used.instances * options_.instance_fds <= options_.fds,
          "never over the budget of descriptors");
  for (auto const& [id, count] : of_revision)
    promise(function(id).limits.concurrency == 0 || count <= function(id).limits.concurrency,
            "never over the concurrency of a function");
  SchedulerStats const told = scheduler_.stats();
  promise(told.calls_waiting == waiting_.size(), "stats: waiting");
  promise(told.calls_running == model.calls_running, "stats: running");
  promise(told.instances == model.instances, "stats: instances");
  promise(told.starting == model.starting, "stats: starting");
  promise(told.idle == model.idle, "stats: idle");
  promise(told.memory_reserved == model.memory_reserved, "stats: memory");
  promise(scheduler_.instances().size() == model.instances, "instances() tells all");
}

std::map<RevisionId, Driver::Row> Driver::rows() const {
  std::map<RevisionId, Row> rows;
  for (auto const& [id, instance] : instances_) {
    if (instance.phase == Phase::stopping) continue;
    Row& row = rows[instance.revision];
    bool const starting = instance.phase == Phase::starting;
    bool const idle = !starting && instance.running.empty();
    ++row.present;
    row.starting += starting;
    row.tenants_idle += instance.of_tenant && idle;
    row.common_starting += !instance.of_tenant && starting;
    row.common_standing += !instance.of_tenant && !starting;
    row.common_idle += !instance.of_tenant && idle;
  }
  for (CallId id : waiting_) {
    Row& row = rows[calls_.at(id).revision];
    ++row.waiting;
    row.oldest = std::min(row.oldest, calls_.at(id).arrived);
  }
  for (auto& [id, row] : rows) {
    std::size_t const kept = function(id).provisioned;
    std::size_t const surplus = row.common_standing > kept ? row.common_standing - kept : 0;
    row.spare = row.tenants_idle + std::min(row.common_idle, surplus);
  }
  return rows;
}

bool Driver::carries(Used used, Function const& f) const {
  used.add(f);
  return used.instances <= options_.max_instances &&
         (options_.memory.count == 0 || used.memory <= options_.memory) &&
         (options_.cpus == 0 || static_cast<double>(used.milli_cpus) <= options_.cpus * 1000) &&
         (options_.pids == 0 || used.instances * options_.instance_pids <= options_.pids) &&
         (options_.fds == 0 || used.instances * options_.instance_fds <= options_.fds);
}

// While an instance is leaving, its Exited will wake what waits. Otherwise a call that waits
// without a start, or one less than is provisioned, must have a reason: its concurrency, the host's
// budget, how fast its function may scale, pressure, or a big one that waits longer.
void Driver::check_nothing_forgotten() {
  if (pressure_) return;
  for (auto const& [id, instance] : instances_)
    if (instance.phase == Phase::stopping) return;
  auto all = rows();
  for (auto const& [id, f] : functions_)
    if (f.provisioned > 0) all[id];
  Used used, kept;
  for (auto const& [id, row] : all) {
    Function const& f = function(id);
    used.add(f, row.present - row.spare);
    kept.add(f, std::min<std::size_t>(f.provisioned, row.common_starting + row.common_standing));
  }
  bool reserved = false;
  for (auto const& [id, row] : all)
    reserved = reserved || (row.waiting > 0 && row.present == 0 && now_ - row.oldest >= 1s &&
                            !carries(used, function(id)) && carries(kept, function(id)));
  if (reserved) return;

  // With two sizes only the smallest of each is sure to go ahead.
  auto const less_memory = [](Function const& a, Function const& b) { return a.need() < b.need(); };
  auto const less_cpus = [](Function const& a, Function const& b) {
    return a.milli_cpus() < b.milli_cpus();
  };
  Function const* smallest = nullptr;
  Function const* least_cpus = nullptr;
  std::set<Function const*> unserved;
  for (auto const& [id, row] : all) {
    Function const& f = function(id);
    bool const lacks =
        !f.retired && !draining_ && row.common_starting + row.common_standing < f.provisioned;
    if (row.waiting == 0 && !lacks) continue;
    if (!smallest || less_memory(f, *smallest)) smallest = &f;
    if (!least_cpus || less_cpus(f, *least_cpus)) least_cpus = &f;
    bool const allowed =
        f.limits.concurrency == 0 || row.present < f.limits.concurrency || row.spare > 0;
    if ((row.waiting > row.starting * f.capacity || lacks) && allowed) unserved.insert(&f);
  }
  bool const two_sizes = options_.memory.count > 0 && options_.cpus > 0;
  bool const scales = options_.scaling_burst < 1000;  // and a start that was dropped has counted
  auto const wake = scheduler_.next_wake();
  for (Function const* f : unserved) {
    if (scales || (two_sizes && f != smallest && f != least_cpus)) continue;
    promise(!carries(used, *f) || f->failures > 0, "nothing waits while there is room");
    bool const tried = all[f->id].starting > 0;
    promise(!carries(used, *f) || tried || (wake && *wake <= now_ + 1s),
            "a function whose starts fail is tried again within a second");
  }
}

}  // namespace faas::scheduler_test
