// The engine behind faas::Runtime: joins scheduler, backends, registry, code cache, logs and meter.
// One mutex serialises it; nothing of the host runs under it (handlers and observers are posted).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <faas/runtime.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "invoker/completion.hpp"
#include "invoker/host_backend.hpp"
#include "invoker/jail_backend.hpp"
#include "invoker/launch.hpp"
#include "invoker/reactor.hpp"
#include "metering/meter.hpp"
#include "registry/registry.hpp"
#include "runtime/log_files.hpp"
#include "runtime/log_text.hpp"
#include "runtime/state_dir.hpp"
#include "runtime/stream.hpp"
#include "store/store.hpp"
#include "sys/random.hpp"

namespace faas::inline v0::runtime {

using invoker::Completion;
using invoker::Hold;
using invoker::Reactor;

class Call;

// A revision in use: made by its first call, forgotten when it is retired and nothing of it lives,
// or when a thousand others went unused after it.
struct Revision {
  registry::Entry info;
  std::string arn;
  Place place = Place::here;
  Tree tree;
  bool tree_was_cached = true;  // false: the next start is the first with this code
  bool pinning = false;
  std::vector<InstanceId> waiting;  // starts that wait for the tree
  bool retired = false;
  std::size_t calls = 0, instances = 0;
  std::optional<std::list<RevisionId>::iterator> unused;  // its place among those
};

struct Instance {
  std::shared_ptr<Revision> revision;
  TimePoint asked{};  // for the code stage
  Timing start;       // stages of its start
  StartLevel level = StartLevel::cold;
  bool tenant = false;
  LineAssembler lines;
  SystemTime started{};
  std::uint64_t calls = 0;
  std::vector<std::shared_ptr<Call>> running;  // on it
  std::optional<Ending> start_ending;          // how its start failed
  std::optional<Error> start_error;            // nothing ran: its code could not be had

  // Whose what it writes is: with several calls at once nobody can tell.
  Call* writer() const { return running.size() == 1 ? running.front().get() : nullptr; }
};

Error closed_error();

class Core final : public BackendEvents, public std::enable_shared_from_this<Core> {
 public:
  static Result<std::shared_ptr<Core>> open(asio::any_io_executor, Options);
  Core(asio::any_io_executor, Options, StateDir, CodeCache);  // for open
  ~Core() override;

  // Locks; called by the facade. Ends everything at once; later calls are refused.
  void shut_down();

  // --- calls (core.cpp); lock ---
  void invoke(std::shared_ptr<Call>);
  void answer(Completion<Result<Outcome>>, Outcome);
  void cancel(Call const&);  // also one that was never taken, or has ended
  void heard_of_reader(CallId, StreamState::News);
  void when_idle(Duration patience, Completion<bool>);
  void when_stopped(Completion<bool>);   // stops every instance, then completes
  void when_observed(Completion<bool>);  // what was posted to the observer
  asio::awaitable<bool> flush();         // what the meter counted, to disk

  // --- functions (functions.cpp) ---
  asio::awaitable<Result<FunctionInfo>> deploy(Function, HostCallable);
  asio::awaitable<Result<FunctionInfo>> update(FunctionName, FunctionUpdate);
  asio::awaitable<Result<void>> remove(FunctionName);
  asio::awaitable<Result<Package>> store(std::function<Result<Package>(CodeCache&)>);

  // --- questions (status.cpp); lock ---
  std::vector<InstanceInfo> instances() const;
  RuntimeStatus status() const;
  void read_logs(FunctionName, std::uint64_t position, std::uint64_t tail, Duration wait,
                 Completion<Result<LogPage>>);

  asio::any_io_executor const executor;
  Options const options;

  // Locks. Null once closed: its directory may be another runtime's by then.
  std::shared_ptr<CodeCache> code() const;
  registry::Registry const& functions() const { return *registry_; }
  void join_threads();  // after shut_down; no callback comes later

 private:
  friend class Call;
  Result<void> open_parts();
  void remove_unused_packages();
  void remove_logs_of_nobody();

  // What the scheduler wants is done here, in order, also when doing it tells the scheduler more.
  void tell(SchedulerEvent);
  void perform(SchedulerAction&);
  void do_start(action::Start const&);
  void do_dispatch(action::Dispatch const&);
  void do_refuse(action::Refuse&);
  void do_fail(action::Fail const&);
  void erase_instance(InstanceId);
  void pin(std::shared_ptr<Revision> const&);
  void pinned(std::shared_ptr<Revision> const&, Result<Tree>);
  void start_waiting(std::shared_ptr<Revision> const&);
  void start_instance(InstanceId, Instance&);
  void refuse_start(InstanceId, Error);
  void set_wake();

  Result<FunctionInfo> describe(Function, bool is_host);
  bool can_run(FunctionInfo const&) const;
  Error not_found(FunctionName const&) const;
  std::shared_ptr<Revision> revision_of(FunctionName const&);  // null: no such function
  std::shared_ptr<Revision> add_revision(registry::Entry const&);
  void retire_others(FunctionName const&, std::optional<RevisionId> current);
  void retire_replaced(FunctionName const&);
  void forget_if_done(std::shared_ptr<Revision> const&);
  void keep_unused(std::shared_ptr<Revision> const&);

  void abandon(std::shared_ptr<Call>);
  void finish(Call&, Ending);  // the call's run is over
  void end_outcome(Call&, Ending const&, TimePoint ended);
  void give_back_instance(Call&);
  InvocationRecord record_of(Call const&) const;
  void log_end(Call&, Ending const&, InvocationRecord const&);
  void drop(Call&);  // its scheduler entry is gone
  void check_waiters();
  void give_answers(std::unique_lock<std::mutex>&);

  void on_ready(InstanceId, Timing const&) override;
  void on_start_failed(InstanceId, Ending) override;
  void on_exited(InstanceId) override;
  void on_output(InstanceId, std::string_view) override;

  Backend& backend(Place place);
  bool has_log(Revision const&) const;
  void log_function(Revision const&, Call*, std::string_view text);
  // START waits for what follows it: one write a call.
  void log_platform(Call&, std::string_view lines, LogFiles::Write);
  void wake_log_readers(FunctionName const&);
  template <class F>
  void observe(F f) {
    if (options.observer == nullptr) return;
    asio::post(observer_strand_, [watching = watching_, tell_it = std::move(f)] {
      std::lock_guard lock(watching->mutex);
      if (watching->observer) tell_it(*watching->observer);
    });
  }

  // The observer until the end, which waits for it. Recursive: it may itself drop the last handle.
  struct Watching {
    std::recursive_mutex mutex;
    Observer* observer;
  };

  struct LogReader {
    std::uint64_t position;
    Completion<Result<LogPage>> done;
    Reactor::Timer timer = Reactor::Timer::none;
    Hold hold;
  };
  struct IdleWaiter {
    Completion<bool> done;
    Reactor::Timer timer = Reactor::Timer::none;
    Hold hold;
  };

  StateDir state_dir_;
  invoker::Runtimes runtimes_;
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
  std::unique_ptr<store::Store> store_;
  std::optional<registry::Registry> registry_;
  std::unique_ptr<metering::Meter> meter_;
  std::shared_ptr<CodeCache> code_;
  std::optional<LogFiles> logs_;
  std::unique_ptr<asio::thread_pool> own_blocking_;
  asio::any_io_executor blocking_;
  asio::strand<asio::any_io_executor> observer_strand_;
  std::shared_ptr<Watching> watching_;

  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<invoker::JailBackend> jails_;
  std::unique_ptr<invoker::HostBackend> hosts_;
  Scheduler scheduler_;
  Hold upkeep_;
  Reactor::Timer wake_timer_ = Reactor::Timer::none;
  TimePoint wake_at_{};
  std::vector<SchedulerAction> actions_;
  std::vector<InstanceId> exited_;  // while performing_
  bool performing_ = false;
  bool closed_ = false;
  bool draining_ = false;
  bool stopping_ = false;  // nothing is started any more
  std::mutex joining_;

  std::optional<std::pair<Completion<Result<Outcome>>, Outcome>>
      answer_;  // of this turn, the first
  std::uint64_t next_call_ = 1;
  sys::RandomUuids request_ids_;
  std::unordered_map<CallId, std::shared_ptr<Call>> calls_;
  std::unordered_map<InstanceId, Instance> instances_;
  std::unordered_map<RevisionId, std::shared_ptr<Revision>> revisions_;
  std::list<RevisionId> unused_;  // of revisions_: no call, no instance, not retired; oldest first
  std::map<FunctionName, RevisionId> current_;    // of revisions_, those not retired
  std::map<RevisionId, HostCallable> callables_;  // registered by this process
  std::map<FunctionName, std::vector<LogReader>> log_readers_;
  std::list<IdleWaiter> idle_waiters_;
  std::list<IdleWaiter> stop_waiters_;
};

}  // namespace faas::inline v0::runtime
