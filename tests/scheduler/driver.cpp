#include "scheduler/driver.hpp"

namespace faas::scheduler_test {

using namespace std::chrono_literals;

namespace {
SchedulerOptions random_options(std::mt19937_64& random) {
  auto const one_of = [&](std::uint64_t one_in, std::uint64_t least, std::uint64_t count) {
    return static_cast<unsigned>(random() % one_in == 0 ? least + random() % count : 0);
  };
  SchedulerOptions o{.memory = Bytes{random() % 3 ? (1 + random() % 12) * (256ull << 20) : 0},
                     .max_instances = static_cast<unsigned>(random() % 4 ? 1 + random() % 8 : 64),
                     .idle_expiry = (1 + random() % 20) * 100ms,
                     .queue = static_cast<unsigned>(random() % 3 ? 1000 : random() % 8)};
  o.cpus = one_of(4, 2, 16) * 0.5;
  o.pids = one_of(6, 100, 900), o.instance_pids = 100;
  o.fds = one_of(6, 16, 100), o.instance_fds = 16;
  o.account_concurrency = one_of(2, 1, 30);
  if (random() % 4 == 0) o.scaling_burst = 1 + random() % 6, o.scaling_rate = 2 + random() % 20;
  o.caller_rate = one_of(2, 1, 50), o.caller_burst = static_cast<unsigned>(random() % 5);
  o.callers = static_cast<unsigned>(random() % 4 ? 100 : random() % 4);
  return o;
}
}  // namespace

Driver::Driver(std::uint64_t seed)
    : random_(seed), options_(random_options(random_)), scheduler_(options_) {
  for (auto n = 1 + below(6); n > 0; --n) add_function();
}

void Driver::add_function() {
  Function f;
  f.id = RevisionId{++last_id_};
  static FunctionName const kOwners[] = {"f", "g", "h", {"111111111111", "f"}, ""};
  f.owner = kOwners[below(5)];
  f.limits.memory = Bytes{(1 + below(one_in(8) ? 24 : 6)) * (128ull << 20)};
  f.limits.tmp = Bytes{below(2) * (128ull << 20)};
  f.limits.concurrency = one_in(2) ? 0 : 1 + below(4);
  f.limits.queue = one_in(4) ? 0 : 1 + below(30);
  f.capacity = one_in(3) ? 2 + below(3) : 1;
  f.broken = one_in(5);
  functions_[f.id] = f;
  tell(event::RevisionAdded{f.id, f.limits, Place::here, f.capacity, f.owner});
}

void Driver::govern() {
  Function& f = std::next(functions_.begin(), below(functions_.size()))->second;
  switch (below(4)) {
    case 0: {
      if (f.owner.name.empty()) return;
      std::optional<unsigned> concurrency;
      if (!one_in(3)) concurrency = below(12);
      reserved_.erase(f.owner);
      if (concurrency) reserved_[f.owner] = *concurrency;
      return tell(event::Reserved{f.owner, concurrency});
    }
    case 1: {
      std::optional<unsigned> concurrency;
      if (!one_in(3)) concurrency = below(20);
      account_limits_.erase(f.owner.account);
      if (concurrency) account_limits_[f.owner.account] = *concurrency;
      return tell(event::AccountLimit{f.owner.account, concurrency});
    }
    case 2: {
      unsigned const instances = one_in(3) ? 0 : below(4);
      if (!f.retired) f.provisioned = instances;
      return tell(event::Provisioned{f.id, instances});
    }
    default: pressure_ = one_in(3); return tell(event::Pressure{pressure_});
  }
}

void Driver::step() {
  if (one_in(16)) return govern();
  switch (below(12)) {
    case 0:
    case 1:
    case 2:
    case 3: return arrive();
    case 4: return cancel();
    case 5: return pass_time();
    case 6: return late_event();
    case 7:
      if (one_in(40)) {
        Function& f = std::next(functions_.begin(), below(functions_.size()))->second;
        add_function();
        f.retired = true, f.provisioned = 0;
        return tell(event::RevisionRetired{f.id});
      }
      if (one_in(2000)) {
        draining_ = true;
        return tell(event::Drain{});
      }
      return arrive();
    default: return backend_event();
  }
}

void Driver::arrive() {
  static char const* const kTenants[] = {"", "", "", "blue", "red", "a tenant with a longer name"};
  Function const& f = std::next(functions_.begin(), below(functions_.size()))->second;
  CallId const id{++last_id_};
  CallModel call{.revision = f.id, .tenant = kTenants[below(6)], .arrived = now_};
  if (one_in(3)) call.deadline = now_ + below(3000) * 1ms;
  calls_[id] = call;
  waiting_.insert(id);
  std::optional<TimePoint> deadline;
  if (call.deadline != TimePoint::max()) deadline = call.deadline;
  static char const* const kCallers[] = {"", "ann", "bob", "cid", "a caller with a longer name"};
  event::Arrived const arrived{id, f.id, deadline, call.tenant, kCallers[below(5)]};
  auto const over = over_concurrency(f, !call.tenant.empty());
  tell(arrived);
  check_admission(arrived, over);
  bool const refused = calls_[id].state == CallState::ended;
  promise(refused || !draining_, "a draining scheduler accepts nothing");
  promise(refused || !f.retired, "a retired revision accepts nothing");
}

void Driver::cancel() {
  if (waiting_.empty()) return;
  CallId const id = *std::next(waiting_.begin(), below(waiting_.size()));
  // A deadline that has passed is told before the cancellation.
  if (calls_[id].deadline > now_) end(id, "cancelled");
  tell(event::Cancelled{id});
}

void Driver::pass_time() {
  now_ += below(one_in(10) ? 3000 : 50) * 1ms;
  auto wake = scheduler_.next_wake();
  if (!wake || (*wake > now_ && one_in(2))) return;
  now_ = std::max(now_, *wake);
  tell(event::Tick{});
}

void Driver::backend_event() {
  if (instances_.empty()) return;
  auto const [id, instance] = *std::next(instances_.begin(), below(instances_.size()));
  if (instance.phase == Phase::stopping || one_in(60)) return leave(id);  // some without a word
  if (instance.phase == Phase::starting)
    return function(instance.revision).broken || one_in(5) ? fail(id) : get_ready(id);
  if (!instance.running.empty())
    finish_call(*std::next(instance.running.begin(), below(instance.running.size())), !one_in(8));
}

void Driver::get_ready(InstanceId id) {
  InstanceModel& instance = instances_.at(id);
  instance.phase = Phase::ready;
  functions_.at(instance.revision).failures = 0;
  tell(event::Ready{id});
}

void Driver::fail(InstanceId id) {
  InstanceModel& instance = instances_.at(id);
  instance.phase = Phase::stopping;
  start_failed(instance);
  tell(event::StartFailed{id});
}

void Driver::leave(InstanceId id) {
  InstanceModel const instance = instances_.at(id);
  if (instance.phase == Phase::starting) start_failed(instance);
  for (CallId call : instance.running) end(call, "lost");
  tell(event::Exited{id});
}

void Driver::start_failed(InstanceModel const& instance) {
  Function& f = functions_.at(instance.revision);
  if (instance.begun <= f.begun_at_failure) return;
  f.begun_at_failure = begun_;
  if (f.failures++ == 0) f.starts.clear();
}

void Driver::finish_call(CallId id, bool reusable) {
  CallModel const call = calls_[id];
  end(id, "finished");
  if (!reusable) instances_[call.instance].phase = Phase::stopping;
  tell(event::Finished{id, reusable});
}

// Of ids that are unknown, long gone, or in another state than the event says.
void Driver::late_event() {
  std::uint64_t const any = 1 + below(last_id_ + 10);
  CallId const call{any};
  InstanceId const instance{any};
  auto known = instances_.find(instance);
  auto model = calls_.find(call);
  switch (below(5)) {
    case 0:
      if (model == calls_.end() || model->second.state != CallState::running)
        return tell(event::Finished{call, true});
      return;
    case 1:
      if (model == calls_.end() || model->second.state != CallState::waiting)
        return tell(event::Cancelled{call});
      return;
    case 2:
      if (known == instances_.end() || known->second.phase != Phase::starting)
        return tell(event::Ready{instance});
      return;
    case 3:
      if (known == instances_.end() || known->second.phase != Phase::starting)
        return tell(event::StartFailed{instance});
      return;
    default:
      if (known == instances_.end()) return tell(event::Exited{instance});
  }
}

void Driver::calm_event(InstanceId id) {
  InstanceModel const instance = instances_.at(id);
  if (instance.phase == Phase::stopping) return leave(id);
  if (instance.phase == Phase::starting)
    return function(instance.revision).broken ? fail(id) : get_ready(id);
  for (CallId call : instance.running) finish_call(call, true);
}

// Where nothing fails but what always does, what is provisioned is there in the end.
void Driver::calm_down() {
  pressure_ = false;
  tell(event::Pressure{false});
  for (int round = 0; round < 40; ++round) {
    std::vector<InstanceId> ids;
    for (auto const& [id, instance] : instances_) ids.push_back(id);
    for (InstanceId id : ids) calm_event(id);
    now_ += 500ms;
    tell(event::Tick{});
  }
  if (!draining_) check_provisioned_is_met();
}

void Driver::finish() {
  for (auto& [id, f] : functions_) {
    f.retired = true, f.provisioned = 0;
    tell(event::RevisionRetired{id});
    reserved_.erase(f.owner);
    if (!f.owner.name.empty()) tell(event::Reserved{f.owner, {}});
    account_limits_.erase(f.owner.account);
    tell(event::AccountLimit{f.owner.account, {}});
  }
  while (!waiting_.empty() || !instances_.empty()) {
    if (instances_.empty()) {  // nobody but the clock can help
      auto wake = scheduler_.next_wake();
      promise(wake.has_value(), "calls wait, no instance exists, and nothing will wake");
      now_ = std::max(now_, *wake);
      tell(event::Tick{});
      continue;
    }
    pass_time();
    backend_event();
  }
  check_nothing_is_left();
}

}  // namespace faas::scheduler_test
