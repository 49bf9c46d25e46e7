// Opening and ending the engine.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>

#include "runtime/core.hpp"
#include "runtime/pressure.hpp"

namespace faas::inline v0::runtime {
namespace {

constexpr std::uint64_t kDescriptorsEach =
    6;  // listener, output, connections, and what the spawner holds for us
constexpr std::uint64_t kDescriptorsOurs = 64;
constexpr std::uint64_t kDescriptorsOfLane = 8;  // each further one: reactor, spawner, group
constexpr unsigned kIdBlock = 256;               // as a sandbox claims them
// Of the spawner, whose limit may be no higher than ours: each network and its listener, and as
// many again that are kept for their functions. More than our own cgroups that wait.
constexpr std::uint64_t kDescriptorsOfNetwork = 4;
constexpr std::uint64_t kKinds = 4;  // of shells, each in their number

// What is kept ready is shared out among the lanes, in whole ones.
unsigned share(unsigned total, unsigned threads) { return (total + threads - 1) / threads; }

std::uint64_t shells_of(Options const& options) {
  return kKinds * share(options.shells, options.threads) * options.threads;
}

Result<void> check_descriptors(Options const& options) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  auto const instances = options.scheduler.max_instances;
  auto const networks = share(options.networks, options.threads) * options.threads;
  auto const needed = (instances + shells_of(options)) * kDescriptorsEach +
                      networks * kDescriptorsOfNetwork +
                      (options.threads - 1) * kDescriptorsOfLane + kDescriptorsOurs;
  if (limit.rlim_cur >= needed) return {};
  return Error{
      Errc::invalid_argument,
      fmt::format("max_instances is {}, networks {} and shells {}, which needs {} file "
                  "descriptors, but RLIMIT_NOFILE is {}: raise the limit (ulimit -n {}) "
                  "or lower max_instances",
                  instances, options.networks, options.shells, needed, limit.rlim_cur, needed),
      "TooManyInstances", "runtime"};
}

Result<void> check_threads(unsigned threads) {
  if (threads >= 1 && threads <= 64) return {};
  return Error{
      Errc::invalid_argument, fmt::format("threads is {}: 1 to 64", threads), {}, "runtime"};
}

Result<void> check_ids(Options const& options, Privilege privilege) {
  auto const instances = options.scheduler.max_instances;
  // A lane takes ids by the block.
  auto const for_blocks = options.threads > 1 ? kIdBlock * options.threads : 0;
  auto const needed = instances + shells_of(options) + for_blocks;
  if (privilege != Privilege::root || options.uid_count >= needed) return {};
  return Error{
      Errc::invalid_argument,
      fmt::format("max_instances is {} and shells {}, on {} threads: each instance and each "
                  "of {} shells has a host id of its own, which takes {} of them, but "
                  "uid_count is {}: raise uid_count or lower max_instances",
                  instances, options.shells, options.threads, shells_of(options), needed,
                  options.uid_count),
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

// A lane's own spawner, below a group of its own; what is kept ready is shared out.
InvokerOptions lane_options(Options const& options, std::string const& runtime_id, unsigned lane) {
  InvokerOptions invoker;
  auto& sandbox = invoker.sandbox;
  sandbox.runtime_id = lane == 0 ? runtime_id : fmt::format("{}l{}", runtime_id, lane);
  sandbox.cgroup_root = options.cgroup_root;
  sandbox.uid_base = options.uid_base;
  sandbox.uid_count = options.uid_count;
  sandbox.allow_degraded = options.allow_degraded;
  sandbox.networks = share(options.networks, options.threads);
  sandbox.shells = share(options.shells, options.threads);
  invoker.runtimes = options.runtimes;
  invoker.region = options.region;
  invoker.init_timeout = options.init_timeout;
  invoker.stream_limit = options.stream_limit;
  invoker.stream_rate = options.stream_rate;
  return invoker;
}

}  // namespace

Core::Core(asio::any_io_executor e, Options o, StateDir state, CodeCache code)
    : executor(std::move(e)),
      options(std::move(o)),
      state_dir_(std::move(state)),
      runtimes_(options.runtimes),
      blocking_(options.blocking),
      observer_strand_(asio::make_strand(executor)),
      watching_(std::make_shared<Watching>()),
      code_(std::make_shared<CodeCache>(std::move(code))),
      scheduler_(options.scheduler) {
  watching_->observer = options.observer;
}

Result<std::shared_ptr<Core>> Core::open(asio::any_io_executor executor, Options options) {
  if (auto valid = check_threads(options.threads); !valid) return valid.error();
  if (auto enough = check_descriptors(options); !enough) return enough.error();
  auto secrets = registry::Secrets::of(std::move(options.secrets_key));
  if (!secrets) return secrets.error();
  auto state = StateDir::open(options.state_dir);
  if (!state) return state.error();
  auto code = CodeCache::open({.directory = state->code(), .limits = options.packages});
  if (!code) return code.error();
  auto core = std::make_shared<Core>(std::move(executor), std::move(options), std::move(*state),
                                     std::move(*code));
  if (auto opened = core->open_parts(std::move(*secrets)); !opened) return opened.error();
  core->apply_settings();
  core->watch_pressure();
  return core;
}

Result<void> Core::open_parts(registry::Secrets secrets) {
  secrets_key_id_ = secrets.key_id();
  auto store = store::Store::open({.path = state_dir_.database()});
  if (!store) return store.error();
  store_ = std::move(*store);
  auto functions = registry::Registry::open(*store_, std::move(secrets));
  if (!functions) return functions.error();
  registry_.emplace(std::move(*functions));
  auto layers = registry::Layers::open(*store_);
  if (!layers) return layers.error();
  layers_.emplace(std::move(*layers));
  auto meter = metering::Meter::open(*store_);
  if (!meter) return meter.error();
  meter_ = std::move(*meter);
  auto logs = LogFiles::open(
      {.directory = state_dir_.logs(), .size = options.log_size, .writers = options.threads});
  if (!logs) return logs.error();
  remove_logs_of_nobody(*logs);
  logs_ = std::make_shared<Logs>(std::move(*logs), executor);
  remove_unused_packages();

  for (unsigned i = 0; i < options.threads; ++i) {
    auto lane = Lane::open(*this, i, lane_options(options, state_dir_.runtime_id(), i));
    if (!lane) return lane.error();
    lanes_.push_back(std::move(*lane));
  }
  crowds_.resize(lanes_.size());
  if (auto enough = check_ids(options, lanes_.front()->privilege()); !enough) return enough.error();
  if (blocking_) return {};
  SignalsBlocked const blocked;
  own_blocking_ = std::make_unique<asio::thread_pool>(1);
  blocking_ = own_blocking_->get_executor();
  return {};
}

void Core::watch_pressure() {
  if (!options.watch_pressure || !options.upkeep) return;
  pressure_ = PressureWatch::start(executor, [weak = weak_from_this()](bool high) {
    if (auto const self = weak.lock()) self->pressure(high);
  });
}

// Only at open is it certain that nobody is about to deploy what was stored.
void Core::remove_unused_packages() {
  for (auto const& package : code_->list()) {
    if (!registry_->uses(package.digest) && !layers_->uses(package.digest))
      (void)code_->remove(package.digest);
  }
}

// A kill between a function's removal and its log's. Done once every log has its function, which
// may be early: most functions have no log.
void Core::remove_logs_of_nobody(LogFiles& logs) const {
  auto left = logs.stored();
  if (left.empty()) return;
  registry_->each_name([&](FunctionName const& name) {
    if (auto const id = log_id(name)) left.erase(*id);
    return !left.empty();
  });
  logs.remove_stored(left);
}

Core::~Core() {
  shut_down();
  join_threads();
}

void Core::shut_down() {
  std::lock_guard one_at_a_time(closing_);  // who closes second waits for the first
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;  // nothing is decided any more
  }
  if (pressure_) pressure_->stop();
  for (auto const& lane : lanes_) lane->close();
  if (logs_) logs_->end_waiting();
  std::lock_guard lock(mutex_);
  for (auto const& [id, call] : calls_)
    if (!call->answered()) call->answer(closed_before_start());
  for (auto* waiters : {&idle_waiters_, &stop_waiters_}) {
    for (auto& waiter : *waiters) waiter.done(true);
    waiters->clear();
  }
  calls_.clear();
  instances_.clear();
  unused_.clear();
  // Trees keep the cache's directory, which is the next runtime's; who still holds a revision, for
  // the observer say, does not.
  for (auto const& [id, revision] : revisions_) revision->trees = {};
  revisions_.clear();
  callables_.clear();
  code_.reset();
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
