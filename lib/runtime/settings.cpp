// Settings of functions: kept by the registry, obeyed by the scheduler, shown as limits.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/commit.hpp"

namespace faas::inline v0::runtime {

using registry::Registry;

registry::AccountConcurrency Core::concurrency_of(std::string const& account) const {
  auto const found = options.account_concurrency.find(account);
  return {found != options.account_concurrency.end() ? found->second
                                                     : options.scheduler.account_concurrency};
}

// Once, at open.
void Core::apply_settings() {
  Deciding const deciding(*this);
  for (auto const& [account, limit] : options.account_concurrency)
    tell(event::AccountLimit{account, limit});
  std::vector<FunctionName> provisioned;
  std::map<FunctionName, unsigned> reserved;
  registry_->each_settings([&](FunctionName const& name, FunctionSettings const& settings) {
    if (settings.reserved) reserved.emplace(name, *settings.reserved);
    if (!settings.provisioned.empty()) provisioned.push_back(name);
    return true;
  });
  for (auto const& [name, concurrency] : reserved) tell(event::Reserved{name, concurrency});
  for (auto const& name : provisioned) provision_again(name);
}

// Instances by version, as settings and aliases are now. An alias with weights has its instances
// where its calls go.
std::map<FunctionVersion, unsigned> Core::wanted_instances(FunctionName const& name) const {
  std::map<FunctionVersion, unsigned> wanted;
  for (auto const& [qualifier, provision] : registry_->settings(name).provisioned) {
    auto const alias = registry_->alias(name, qualifier);
    auto left = provision.instances;
    if (alias) {
      for (auto const& [version, share] : alias->weights) {
        auto const part =
            std::min(left, static_cast<unsigned>(std::ceil(provision.instances * share)));
        wanted[{name, version}] += part;
        left -= part;
      }
    }
    wanted[{name, alias ? alias->version : qualifier}] += left;
  }
  return wanted;
}

// New ones first: they are started before what served until now goes.
void Core::provision_again(FunctionName const& name) {
  auto const wanted = wanted_instances(name);
  for (auto const& [version, instances] : wanted) {
    auto const id = registry_->revision(name, version.second);
    auto const revision = id ? revision_of(name, {*id, version.second}) : nullptr;
    if (revision) keep_provisioned(revision, instances);
  }
  std::vector<std::shared_ptr<Revision>> others;
  for (auto at = current_.lower_bound({name, {}}); at != current_.end() && at->first.first == name;
       ++at) {
    auto const& revision = revisions_.at(at->second);
    if (revision->provisioned > 0 && !wanted.contains(at->first)) others.push_back(revision);
  }
  for (auto const& revision : others) keep_provisioned(revision, 0);
}

void Core::keep_provisioned(std::shared_ptr<Revision> const& revision, unsigned instances) {
  if (revision->provisioned != instances) {
    revision->provisioned = instances;
    tell(event::Provisioned{revision->info->revision, instances});
  }
  forget_if_done(revision);
}

asio::awaitable<Result<void>> Core::reserve(FunctionName name,
                                            std::optional<unsigned> concurrency) {
  auto const self = shared_from_this();
  auto change = [self, name, concurrency](Registry::DoneOf<FunctionSettings> done) {
    self->registry_->reserve(name, concurrency, self->concurrency_of(name.account),
                             std::move(done));
  };
  auto stored = co_await committed<FunctionSettings>(std::move(change));
  if (!stored) co_return stored.error();
  Deciding const deciding(*this);
  // Who made the change may hear of it after the next one.
  if (!closed_) tell(event::Reserved{name, registry_->settings(name).reserved});
  co_return Result<void>();
}

asio::awaitable<Result<void>> Core::provision(FunctionName name, std::string qualifier,
                                              unsigned instances) {
  auto const self = shared_from_this();
  if (instances > options.scheduler.max_instances) {
    co_return Error{Errc::invalid_argument,
                    fmt::format("This host runs {} instances at most (SchedulerOptions::max_"
                                "instances); {} cannot be kept ready",
                                options.scheduler.max_instances, instances),
                    "InvalidParameterValueException", "runtime"};
  }
  std::optional<Provision> provision;
  if (instances > 0) provision = Provision{instances, std::chrono::system_clock::now()};
  auto change = [self, name, qualifier, provision](Registry::DoneOf<FunctionSettings> done) {
    self->registry_->provision(name, qualifier, provision, self->concurrency_of(name.account),
                               std::move(done));
  };
  auto stored = co_await committed<FunctionSettings>(std::move(change));
  if (!stored) co_return stored.error();
  Deciding const deciding(*this);
  if (!closed_) provision_again(name);
  co_return Result<void>();
}

Result<ProvisionedStatus> Core::provisioned(FunctionName const& name,
                                            std::string_view qualifier) const {
  if (!registry_->revision(name)) return not_found(name);
  auto const settings = registry_->settings(name);
  auto const found = settings.provisioned.find(std::string(qualifier));
  if (found == settings.provisioned.end()) {
    return Error{Errc::not_found, "No Provisioned Concurrency Config found for this function",
                 "ProvisionedConcurrencyConfigNotFoundException", "registry"};
  }
  ProvisionedStatus status{.requested = found->second.instances,
                           .last_modified = found->second.last_modified};
  auto const alias = registry_->alias(name, qualifier);
  std::vector<std::string> versions{alias ? alias->version : std::string(qualifier)};
  if (alias)
    for (auto const& [version, share] : alias->weights) versions.push_back(version);
  std::lock_guard lock(mutex_);
  for (auto const& version : versions) {
    auto const id = registry_->revision(name, version);
    if (!id) continue;
    auto const counts = scheduler_.provisioned(*id);
    status.allocated += counts.allocated;
    status.available += counts.available;
    status.failing = status.failing || counts.failing;
  }
  // Another alias of the same version has its own.
  status.allocated = std::min(status.allocated, status.requested);
  status.available = std::min(status.available, status.requested);
  return status;
}

asio::awaitable<Result<void>> Core::set_attribute(FunctionName name, AttributeKey key,
                                                  std::optional<std::string> value,
                                                  std::optional<std::string> expected) {
  auto const self = shared_from_this();
  auto change = [self, name, key = std::move(key), value = std::move(value),
                 expected = std::move(expected)](Registry::DoneOf<FunctionSettings> done) {
    self->registry_->set_attribute(name, key, value, expected, std::move(done));
  };
  auto stored = co_await committed<FunctionSettings>(std::move(change));
  if (!stored) co_return stored.error();
  co_return Result<void>();
}

namespace {

using Limit = std::optional<std::uint64_t>;

// 0 is how an option says that there is no limit.
Limit unless_zero(std::uint64_t value) { return value == 0 ? std::nullopt : Limit(value); }

template <class T>
std::string option(std::string_view name, T value, T otherwise) {
  return fmt::format("{}{}", name, value == otherwise ? " (default)" : "");
}

void add_account(std::vector<EffectiveLimit>& out, AccountCounts const& account,
                 FunctionCounts const& function, SchedulerOptions const& options,
                 bool is_override) {
  auto const source =
      is_override ? std::string("Options::account_concurrency")
                  : option("SchedulerOptions::account_concurrency", options.account_concurrency,
                           SchedulerOptions{}.account_concurrency);
  out.push_back(
      {"AccountConcurrency", unless_zero(account.limit), account.unreserved_used, "calls", source});
  if (function.reserved) {
    out.push_back({"ReservedConcurrency", *function.reserved, function.calls, "calls",
                   "reserved concurrency of the function"});
    return;
  }
  out.push_back({"UnreservedConcurrency",
                 account.limit == 0 ? std::nullopt : Limit(account.unreserved_limit),
                 account.unreserved_used, "calls",
                 "AccountConcurrency less what functions reserve or have provisioned"});
}

void add_function(std::vector<EffectiveLimit>& out, Limits const& limits) {
  constexpr std::string_view kSource = "configuration of the function";
  auto const add = [&](std::string name, Limit value, std::string unit) {
    out.push_back({std::move(name), value, 0, std::move(unit), std::string(kSource)});
  };
  add("InstancesOfVersion", unless_zero(limits.concurrency), "instances");
  add("CallsInOneInstance", limits.capacity, "calls");
  add("FunctionQueue", limits.queue, "calls");
  add("Timeout", std::chrono::duration_cast<std::chrono::milliseconds>(limits.timeout).count(),
      "ms");
  add("MemorySize", limits.memory.mib(), "MiB");
  add("EphemeralStorage", limits.tmp.mib(), "MiB");
}

void add_host(std::vector<EffectiveLimit>& out, SchedulerOptions const& o,
              SchedulerStats const& stats) {
  SchedulerOptions const usual;
  out.push_back({"HostInstances", o.max_instances, stats.instances, "instances",
                 option("SchedulerOptions::max_instances", o.max_instances, usual.max_instances)});
  out.push_back({"HostMemory", unless_zero(o.memory.mib()), stats.memory_reserved.mib(), "MiB",
                 option("SchedulerOptions::memory", o.memory.count, usual.memory.count)});
  out.push_back({"HostQueue", o.queue, stats.calls_waiting, "calls",
                 option("SchedulerOptions::queue", o.queue, usual.queue)});
  out.push_back({"NewInstancesASecond", unless_zero(o.scaling_rate), 0, "instances",
                 option("SchedulerOptions::scaling_rate", o.scaling_rate, usual.scaling_rate)});
  out.push_back({"CallerRate", unless_zero(o.caller_rate), 0, "calls a second",
                 option("SchedulerOptions::caller_rate", o.caller_rate, usual.caller_rate)});
}

}  // namespace

Result<std::vector<EffectiveLimit>> Core::limits(FunctionName const& name,
                                                 std::string_view qualifier) const {
  auto const info = registry_->get(name, qualifier);
  if (!info) return info.error();
  auto const provisioned = this->provisioned(name, qualifier);
  std::lock_guard lock(mutex_);
  auto counts = scheduler_.function(name).value_or(FunctionCounts{});
  std::vector<EffectiveLimit> out;
  add_account(out, scheduler_.account(name.account), counts, options.scheduler,
              options.account_concurrency.contains(name.account));
  if (provisioned) {
    out.push_back({"ProvisionedConcurrency", provisioned->requested, provisioned->available,
                   "instances", fmt::format("provisioned concurrency of {}", qualifier)});
  }
  add_function(out, info->function.limits);
  add_host(out, options.scheduler, scheduler_.stats());
  return out;
}

}  // namespace faas::inline v0::runtime
