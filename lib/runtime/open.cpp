// Opening and ending the engine.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/text.hpp"

#include "runtime/call.hpp"
#include "runtime/core.hpp"

namespace faas::inline v0::runtime {
namespace {

constexpr std::uint64_t kDescriptorsEach =
    6;  // listener, output, connections, and what the spawner holds for us
constexpr std::uint64_t kDescriptorsOurs = 64;
// Cold starts in a row that find their network and cgroup ready; 1.7 MiB of the kernel's.
constexpr unsigned kNetworks = 8;
// Of the spawner, whose limit may be no higher than ours: each network and its listener, and as
// many again that are kept for their functions. More than our own cgroups that wait.
constexpr std::uint64_t kDescriptorsReady = 4 * kNetworks;

Result<void> check_descriptors(unsigned max_instances) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  auto const needed = max_instances * kDescriptorsEach + kDescriptorsReady + kDescriptorsOurs;
  if (limit.rlim_cur >= needed) return {};
  return Error{Errc::invalid_argument,
               fmt::format("max_instances is {}, which needs {} file descriptors, but "
                           "RLIMIT_NOFILE is {}: raise the limit "
                           "(ulimit -n {}) or lower max_instances",
                           max_instances, needed, limit.rlim_cur, needed),
               "TooManyInstances", "runtime"};
}

Result<void> check_ids(Options const& options, Privilege privilege) {
  auto const needed = options.scheduler.max_instances;
  if (privilege != Privilege::root || options.uid_count >= needed) return {};
  return Error{Errc::invalid_argument,
               fmt::format("max_instances is {}, and each instance has a host id of its own, but "
                           "uid_count is {}: raise uid_count or lower max_instances",
                           needed, options.uid_count),
               "TooManyInstances", "runtime"};
}

// Host signals are the host's: a thread of ours takes none.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

SandboxOptions sandbox_options(Options const& options, std::string const& runtime_id) {
  SandboxOptions sandbox;
  sandbox.runtime_id = runtime_id;
  sandbox.cgroup_root = options.cgroup_root;
  sandbox.uid_base = options.uid_base;
  sandbox.uid_count = options.uid_count;
  sandbox.allow_degraded = options.allow_degraded;
  sandbox.networks = kNetworks;
  return sandbox;
}

}  // namespace

Core::Core(asio::any_io_executor e, Options o, StateDir state, CodeCache code)
    : executor(std::move(e)),
      options(std::move(o)),
      state_dir_(std::move(state)),
      runtimes_(options.runtimes),
      code_(std::make_shared<CodeCache>(std::move(code))),
      blocking_(options.blocking),
      observer_strand_(asio::make_strand(executor)),
      watching_(std::make_shared<Watching>()),
      scheduler_(options.scheduler) {
  watching_->observer = options.observer;
}

Result<std::shared_ptr<Core>> Core::open(asio::any_io_executor executor, Options options) {
  if (auto enough = check_descriptors(options.scheduler.max_instances); !enough)
    return enough.error();
  auto state = StateDir::open(options.state_dir);
  if (!state) return state.error();
  auto code = CodeCache::open({.directory = state->code(), .limits = options.packages});
  if (!code) return code.error();
  auto core = std::make_shared<Core>(std::move(executor), std::move(options), std::move(*state),
                                     std::move(*code));
  if (auto opened = core->open_parts(); !opened) return opened.error();
  return core;
}

Result<void> Core::open_parts() {
  auto store = store::Store::open({.path = state_dir_.database()});
  if (!store) return store.error();
  store_ = std::move(*store);
  auto functions = registry::Registry::open(*store_);
  if (!functions) return functions.error();
  registry_.emplace(std::move(*functions));
  auto meter = metering::Meter::open(*store_);
  if (!meter) return meter.error();
  meter_ = std::move(*meter);
  auto logs = LogFiles::open({.directory = state_dir_.logs(), .size = options.log_size});
  if (!logs) return logs.error();
  logs_.emplace(std::move(*logs));
  remove_unused_packages();
  remove_logs_of_nobody();

  auto reactor = Reactor::open(executor, mutex_);
  if (!reactor) return reactor.error();
  reactor_ = std::move(*reactor);
  reactor_->after_turns([this](auto& lock) { give_answers(lock); });
  InvokerOptions invoker;
  invoker.sandbox = sandbox_options(options, state_dir_.runtime_id());
  invoker.runtimes = options.runtimes;
  invoker.region = options.region;
  invoker.init_timeout = options.init_timeout;
  invoker.stream_limit = options.stream_limit;
  invoker.stream_rate = options.stream_rate;
  std::lock_guard lock(*mutex_);
  auto jails = invoker::JailBackend::open(std::move(invoker), *reactor_, *this);
  if (!jails) return jails.error();
  if (auto enough = check_ids(options, (*jails)->privilege()); !enough) return enough.error();
  jails_ = std::move(*jails);
  hosts_ = std::make_unique<invoker::HostBackend>(executor, mutex_, *reactor_, *this);
  if (!blocking_) {
    SignalsBlocked const blocked;
    own_blocking_ = std::make_unique<asio::thread_pool>(1);
    blocking_ = own_blocking_->get_executor();
  }
  if (options.upkeep) upkeep_ = Hold(*reactor_);
  return {};
}

// Only at open is it certain that nobody is about to deploy what was stored.
void Core::remove_unused_packages() {
  for (auto const& package : code_->list()) {
    if (!registry_->uses(package.digest)) (void)code_->remove(package.digest);
  }
}

// A kill between a function's removal and its log's. Done once every log has its function, which
// may be early: most functions have no log.
void Core::remove_logs_of_nobody() {
  auto left = logs_->stored();
  if (left.empty()) return;
  registry_->each_name([&](FunctionName const& name) {
    if (auto const id = log_id(name)) left.erase(*id);
    return !left.empty();
  });
  logs_->remove_stored(left);
}

Core::~Core() {
  shut_down();
  join_threads();
}

void Core::shut_down() {
  std::lock_guard lock(*mutex_);
  if (closed_) return;
  closed_ = true;
  auto const calls = std::exchange(calls_, {});
  for (auto const& [id, call] : calls) {
    call->hold = Hold();
    if (!call->running) {
      call->answer(Error{Errc::unavailable,
                         "the runtime was closed before the function was started", "RuntimeClosed",
                         "queue"});
      continue;
    }
    Outcome lost = std::move(call->outcome);
    lost.status = Status::lost;
    lost.error_type = "Sandbox.Failure";
    lost.payload = error_document(
        lost.error_type,
        fmt::format("RequestId: {} Error: the runtime was closed", call->input.request_id));
    call->answer(std::move(lost));
  }
  for (auto& [name, readers] : log_readers_) {
    for (auto& reader : readers) {
      reader.hold = Hold();
      reader.done(LogPage{{}, reader.position});
    }
  }
  for (auto* waiters : {&idle_waiters_, &stop_waiters_}) {
    for (auto& waiter : *waiters) {
      waiter.hold = Hold();
      waiter.done(true);
    }
    waiters->clear();
  }
  log_readers_.clear();
  hosts_.reset();
  jails_.reset();  // every jail is gone when it returns
  instances_.clear();
  revisions_.clear();
  unused_.clear();
  code_.reset();
  upkeep_ = Hold();
  if (answer_) answer_->first(std::move(answer_->second));
  answer_.reset();
  reactor_.reset();
}

void Core::join_threads() {
  {
    // Not with another mutex of ours: it may be asking us something.
    std::lock_guard lock(watching_->mutex);
    watching_->observer = nullptr;
  }
  std::lock_guard one_at_a_time(joining_);  // who closes second waits for the first
  if (own_blocking_) own_blocking_->join();
  own_blocking_.reset();
  if (meter_) (void)meter_->flush();
  meter_.reset();
  store_.reset();
  state_dir_.release();  // handles may outlive close; the directory is the next runtime's
}

}  // namespace faas::inline v0::runtime
