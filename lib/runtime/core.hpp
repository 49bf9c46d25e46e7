// The engine behind faas::Runtime: joins scheduler, lanes, registry, code cache, logs and meter.
// One mutex serialises its decisions. What they ask for is done in the lanes, when it is free: no
// input or output waits for it, and nothing of the host runs under it (handlers and observers are
// posted).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <faas/runtime.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "invoker/completion.hpp"
#include "invoker/launch.hpp"
#include "metering/meter.hpp"
#include "registry/layers.hpp"
#include "registry/registry.hpp"
#include "runtime/call.hpp"
#include "runtime/lane.hpp"
#include "runtime/logs.hpp"
#include "runtime/revision.hpp"
#include "runtime/state_dir.hpp"
#include "store/store.hpp"
#include "sys/random.hpp"

namespace faas::inline v0::runtime {

inline constexpr std::string_view kHostRuntime = "host";  // of a callable of the host
using FunctionVersion = std::pair<FunctionName, std::string>;

struct Instance {
  std::shared_ptr<Revision> revision;
  std::size_t lane = 0;
  TimePoint asked{};  // for the code stage
  Timing start;       // stages of its start
  StartLevel level = StartLevel::cold;
  bool tenant = false;
  bool provisioned = false;
  SystemTime started{};
  std::uint64_t calls = 0;
  std::optional<Ending> start_ending;  // how its start failed
  std::optional<Error> start_error;    // nothing ran: its code could not be had
};

Error closed_error();
Error closed_before_start();

class PressureWatch;

class Core final : public std::enable_shared_from_this<Core> {
 public:
  static Result<std::shared_ptr<Core>> open(asio::any_io_executor, Options);
  Core(asio::any_io_executor, Options, StateDir, CodeCache);  // for open; without the key
  ~Core();

  // Locks; called by the facade. Ends everything at once; later calls are refused.
  void shut_down();

  // --- calls (core.cpp); lock ---
  void invoke(std::shared_ptr<Call>);
  void cancel(Call const&);  // also one that was never taken, or has ended
  void when_idle(Duration patience, Completion<bool>);
  void when_stopped(Completion<bool>);   // stops every instance, then completes
  void when_observed(Completion<bool>);  // what was posted to the observer
  asio::awaitable<bool> flush();         // what the meter counted, to disk

  // --- from a lane, which goes on with what is decided (core.cpp); lock ---
  void code_touched(Lane&, InstanceId);  // it was not started: its code must be verified first
  void ready(Lane&, InstanceId, Timing const&);
  void start_failed(Lane&, InstanceId, Ending);
  void exited(Lane&, InstanceId);
  void finished(Lane&, Call const&, bool reusable);  // the call's run is over, and recorded
  void tick(Lane&);
  void pressure(bool high);

  // --- functions (functions.cpp) ---
  asio::awaitable<Result<FunctionInfo>> deploy(Function, FunctionSettings, HostCallable);
  asio::awaitable<Result<FunctionInfo>> update(FunctionName, FunctionUpdate);
  asio::awaitable<Result<void>> remove(FunctionName);
  asio::awaitable<Result<Package>> store(std::function<Result<Package>(CodeCache&)>);

  // --- versions and aliases (versions.cpp) ---
  asio::awaitable<Result<FunctionInfo>> publish(FunctionName, Publication);
  asio::awaitable<Result<void>> remove_version(FunctionName, std::string version);
  asio::awaitable<Result<AliasInfo>> create_alias(AliasInfo);
  asio::awaitable<Result<AliasInfo>> update_alias(FunctionName, std::string name, AliasUpdate);
  asio::awaitable<Result<void>> remove_alias(FunctionName, std::string name);

  // --- settings (settings.cpp) ---
  asio::awaitable<Result<void>> reserve(FunctionName, std::optional<unsigned> concurrency);
  asio::awaitable<Result<void>> provision(FunctionName, std::string qualifier, unsigned instances);
  Result<ProvisionedStatus> provisioned(FunctionName const&, std::string_view qualifier) const;
  asio::awaitable<Result<void>> set_attribute(FunctionName, AttributeKey,
                                              std::optional<std::string> value,
                                              std::optional<std::string> expected);
  Result<std::vector<EffectiveLimit>> limits(FunctionName const&, std::string_view qualifier) const;

  // --- layers (layers.cpp) ---
  asio::awaitable<Result<LayerInfo>> publish_layer(Layer);
  asio::awaitable<Result<void>> remove_layer(LayerName, std::uint64_t version);

  // --- questions (status.cpp); lock ---
  std::vector<InstanceInfo> instances() const;
  RuntimeStatus status() const;
  AccountUsage usage(std::string_view account) const;
  void read_logs(FunctionName const&, std::uint64_t position, std::uint64_t tail, Duration wait,
                 Completion<Result<LogPage>>);

  asio::any_io_executor const executor;
  Options const options;

  // Locks. Null once closed: its directory may be another runtime's by then.
  std::shared_ptr<CodeCache> code() const;
  registry::Registry const& functions() const { return *registry_; }
  registry::Layers const& layers() const { return *layers_; }
  void join_threads();  // after shut_down; no callback comes later

  // --- without the mutex: thread-safe by themselves ---
  Logs& logs() { return *logs_; }
  metering::Meter& meter() { return *meter_; }
  bool has_log(Revision const&) const;
  template <class F>
  void observe(F f) {
    if (options.observer == nullptr) return;
    asio::post(observer_strand_, [watching = watching_, tell_it = std::move(f)] {
      std::lock_guard lock(watching->mutex);
      if (watching->observer) tell_it(*watching->observer);
    });
  }

 private:
  class Deciding;
  Result<void> open_parts(registry::Secrets);
  void watch_pressure();
  void remove_unused_packages();
  void remove_logs_of_nobody(LogFiles&) const;

  // --- with the mutex ---
  // What the scheduler wants is decided here, in order, also when that tells the scheduler more.
  void tell(SchedulerEvent);
  void perform(SchedulerAction&);
  void do_start(action::Start const&);
  void do_dispatch(action::Dispatch const&);
  void do_refuse(action::Refuse&);
  void do_fail(action::Fail const&);
  void push(std::size_t lane, Task);
  void erase_instance(InstanceId);
  void pin(std::shared_ptr<Revision> const&);
  void pinned(std::shared_ptr<Revision> const&, Result<Trees>&);
  void start_waiting(std::shared_ptr<Revision> const&);
  void wait_for_code(InstanceId, Instance const&);
  enum class Code { verified, pinned };
  void start_instance(InstanceId, Instance&, Code);
  void refuse_start(InstanceId, Error);
  void instance_gone(InstanceId);
  std::size_t emptiest_lane() const;
  void set_wake();
  void set_hold();

  Result<FunctionInfo> describe(Function, bool is_host);
  Result<void> describe_code(FunctionInfo&, Function const&) const;
  bool can_run(FunctionInfo const&) const;
  Error not_found(FunctionName const&, std::string_view qualifier = {}) const;
  // Null: no such function or qualifier.
  std::shared_ptr<Revision> revision_of(FunctionName const&, std::string_view qualifier);
  std::shared_ptr<Revision> revision_of(FunctionName const&, registry::Target const&);
  // A change of the registry, submitted unless the engine is closed, as an awaitable.
  template <class T, class Change>
  asio::awaitable<Result<T>> committed(Change);
  std::shared_ptr<Revision> add_revision(registry::Entry const&);
  void retire_others(FunctionName const&, std::string_view version,
                     std::optional<RevisionId> current);
  void retire_replaced(FunctionName const&);
  void resolve_waiting_again(FunctionName const&);
  void refuse_gone(std::shared_ptr<Call> const&);
  bool still_meant(Call const&) const;
  void forget_if_done(std::shared_ptr<Revision> const&);
  void keep_unused(std::shared_ptr<Revision> const&);

  // What the settings ask of the scheduler (settings.cpp).
  void apply_settings();
  void provision_again(FunctionName const&);
  std::map<FunctionVersion, unsigned> wanted_instances(FunctionName const&) const;
  void keep_provisioned(std::shared_ptr<Revision> const&, unsigned instances);
  registry::AccountConcurrency concurrency_of(std::string const& account) const;

  void drop(CallId);  // its scheduler entry is gone
  void check_waiters();
  void stop_waiting(asio::steady_timer const*);  // locks

  // The observer until the end, which waits for it. Recursive: it may itself drop the last handle.
  struct Watching {
    std::recursive_mutex mutex;
    Observer* observer;
  };

  struct Waiter {
    Completion<bool> done;
    std::unique_ptr<asio::steady_timer> timer;  // null: it waits for as long as it takes
  };

  StateDir state_dir_;
  invoker::Runtimes runtimes_;
  std::unique_ptr<store::Store> store_;
  std::string secrets_key_id_;
  std::optional<registry::Registry> registry_;
  std::optional<registry::Layers> layers_;
  std::unique_ptr<metering::Meter> meter_;
  std::shared_ptr<Logs> logs_;
  std::unique_ptr<asio::thread_pool> own_blocking_;
  asio::any_io_executor blocking_;
  asio::strand<asio::any_io_executor> observer_strand_;
  std::shared_ptr<Watching> watching_;
  std::shared_ptr<PressureWatch> pressure_;   // with upkeep alone: it holds the executor
  std::vector<std::shared_ptr<Lane>> lanes_;  // as they were opened; at most 64
  std::mutex closing_, joining_;

  mutable std::mutex mutex_;  // of all that follows
  std::shared_ptr<CodeCache> code_;
  Scheduler scheduler_;
  std::optional<TimePoint> wake_at_;  // what the first lane was asked for
  std::vector<SchedulerAction> actions_;
  std::vector<InstanceId> exited_;  // while performing_
  bool performing_ = false;
  std::uint64_t touched_ = 0;  // lanes with tasks of this decision, a bit each
  std::vector<std::shared_ptr<Revision>> forgotten_;  // of this decision; their trees go after it
  bool closed_ = false;
  bool draining_ = false;
  bool stopping_ = false;  // nothing is started any more

  std::uint64_t next_call_ = 1;
  sys::RandomUuids request_ids_;
  std::unordered_map<CallId, std::shared_ptr<Call>> calls_;
  std::size_t queued_ = 0;  // of calls_
  bool held_ = false;       // the first lane is asked to hold, for them
  std::unordered_map<InstanceId, Instance> instances_;
  std::vector<std::size_t> crowds_;  // instances of each lane
  std::unordered_map<RevisionId, std::shared_ptr<Revision>> revisions_;
  // of revisions_: no call, no instance, not provisioned, not retired; oldest first
  std::list<RevisionId> unused_;
  std::minstd_rand weights_{std::random_device{}()};  // which version an alias with weights runs
  std::map<FunctionVersion, RevisionId> current_;     // of revisions_, those not retired
  std::map<RevisionId, std::shared_ptr<HostCallable const>> callables_;  // of this process
  std::list<Waiter> idle_waiters_;
  std::list<Waiter> stop_waiters_;
};

// The engine's mutex for one decision. At its end, outside the mutex, the lanes do what it asked
// for: `here`, in which the decider is, by itself; the others now, or one hop later if the decider
// is in a lane.
class Core::Deciding {
 public:
  explicit Deciding(Core& core, Lane* here = nullptr)
      : core_(core), here_(here), lock_(core.mutex_) {}
  ~Deciding();
  Deciding(Deciding const&) = delete;

 private:
  Core& core_;
  Lane* here_;
  std::unique_lock<std::mutex> lock_;
};

}  // namespace faas::inline v0::runtime
