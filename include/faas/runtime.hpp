// The serverless runtime: deploy functions, call them, learn what happened.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <faas/code_cache.hpp>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/invoker.hpp>
#include <faas/layer.hpp>
#include <faas/observer.hpp>
#include <faas/outcome.hpp>
#include <faas/sandbox.hpp>
#include <faas/scheduler.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace faas::inline v0 {

struct Options {
  std::string state_dir;  // one owner at a time (flock); empty: in memory, gone with the runtime
  // 32 random bytes, which seal the environments of functions in the database (AES-256-GCM); what
  // was stored in clear before is sealed by the first open with a key. It takes the same key to
  // open the state again (denied, SecretsKeyWrong, which names the key wanted). Empty: they are
  // stored in clear, for whoever can read the state directory.
  std::string secrets_key;
  std::string runtimes = "/usr/bin";  // where interpreters are
  std::string region = "us-east-1";   // in ARNs only
  bool allow_degraded = false;  // open although the host lacks cgroup v2 controllers (see host.hpp)
  // true: keeps the executor busy until close, so that idle instances expire and are watched
  // between calls (a daemon). false: between calls nothing is outstanding and io.run() returns;
  // upkeep (freezing what is idle, too) is done with the next call; with several threads a lane
  // freezes with the next call in it
  bool upkeep = false;
  // that run the executor, 1 to 64: instances are shared out among as many lanes, each with its
  // reactor and its spawner, which work at once; what an instance says stays in its lane
  unsigned threads = 1;
  // start less while the host is short of memory, as the kernel's pressure stall information says
  // (15 % of two seconds); without effect where it has none, and without `upkeep`
  bool watch_pressure = true;
  // budgets; max_instances is refused above what RLIMIT_NOFILE carries, and as root above uid_count
  // less the ids of shells and, with several threads, 256 for each
  SchedulerOptions scheduler;
  // calls of an account at once, where it is not SchedulerOptions::account_concurrency; 0: no limit
  std::map<std::string, unsigned> account_concurrency;
  PackageLimits packages;
  std::string cgroup_root;  // see SandboxOptions
  std::uint32_t uid_base = 100'000'000;
  std::uint32_t uid_count = 65'536;
  // Made ahead as root while nothing starts, elsewhere without effect; see SandboxOptions. Shared
  // out among the lanes, at least one each.
  // networks and cgroups: starts in a row that find theirs ready; at most 256
  unsigned networks = 8;
  // whole jails that wait for their program, for each of the last four kinds of function (runtime,
  // limits) that were started; at most 64. Each holds a host id and about 400 KiB
  unsigned shells = 0;
  Bytes log_size{1 << 20};  // of one function's log on disk, kept twice (current and rotated)
  Duration init_timeout =
      std::chrono::seconds(10);  // an init over it is repeated once, with the function's timeout
  Bytes stream_limit = 200_MiB;  // of one streamed response, as in Lambda
  // a second, once the first 6 MiB of a streamed response are through, as in Lambda; 0: no limit
  Bytes stream_rate = 2_MiB;
  Observer* observer = nullptr;  // outlives the runtime
  // for unpacking and hashing; empty: a thread of the runtime's own
  asio::any_io_executor blocking;
};

// Trivially destructible on purpose: braced inside a co_await it is safe with g++ 12. The views are
// copied before the first suspension.
struct InvokeOptions {
  // 0: none. Counts everything from now: passed before dispatch it is an Error naming the layer;
  // after, the Outcome is `abandoned` and the function runs on
  Duration deadline{};
  bool log_tail = false;                       // fill Outcome::log_tail
  std::string_view account = kDefaultAccount;  // for a FunctionName that names none
  // a version's number, an alias, or empty: $LATEST. An alias is looked up when the call arrives
  std::string_view qualifier;
  // whose rate of calls is counted (SchedulerOptions::caller_rate); empty: nobody's
  std::string_view caller;
  std::string_view tenant;          // Lambda's X-Amz-Tenant-Id
  std::string_view client_context;  // decoded JSON
  std::string_view request_id;      // empty: a new UUID
  std::string_view content_type = "application/json";
  std::string_view trace_id;
};
static_assert(std::is_trivially_destructible_v<InvokeOptions>);

// A change of a function; what is unset stays.
struct FunctionUpdate {
  std::optional<Digest> code;
  std::optional<std::vector<Digest>> layers;
  std::optional<std::string> runtime, handler, description;
  std::optional<Limits> limits;
  std::optional<std::map<std::string, std::string>> environment, annotations;
  // Lambda's RevisionId: Errc::conflict (PreconditionFailedException) if stale
  std::optional<std::string> expected_revision;
};

// What becomes a version. What is unset is as $LATEST has it.
struct Publication {
  std::optional<std::string> description;
  // refused if $LATEST has another: invalid_argument
  std::optional<std::string> code_sha256;
  // likewise: Errc::conflict (PreconditionFailedException)
  std::optional<std::string> expected_revision;
};

// A change of an alias; what is unset stays.
struct AliasUpdate {
  std::optional<std::string> version, description;
  std::optional<std::map<std::string, double>> weights;
  // Errc::conflict (PreconditionFailedException) if stale
  std::optional<std::string> expected_revision;
};

// What became of a Provision so far.
struct ProvisionedStatus {
  unsigned requested = 0;
  unsigned allocated = 0;  // starting or ready
  unsigned available = 0;  // ready, or busy with a call
  bool failing = false;    // the last start failed; it is tried again, ever more seldom
  SystemTime last_modified{};
};

// One limit that holds for a function, as `faasd why` shows it.
struct EffectiveLimit {
  std::string name;                    // "ReservedConcurrency", …
  std::optional<std::uint64_t> value;  // nothing: without limit
  std::uint64_t used = 0;
  std::string unit;    // "calls", "instances", "MiB", …
  std::string source;  // where it was set: an option, the function's configuration, …
};

// A response as it arrives. One reader. Destroying it early cancels nothing: the function runs on.
class ResponseStream {
 public:
  ResponseHead const& head() const;
  // The next bytes, in order; empty optional: the end, trailer() is set. The function is held back
  // while 256 KiB wait here.
  asio::awaitable<std::optional<std::string>> read();
  // How it ended; payload is empty unless it failed. Valid after read() returned nothing.
  Outcome const& trailer() const;

  struct Impl;
  explicit ResponseStream(std::shared_ptr<Impl>);

 private:
  std::shared_ptr<Impl> impl_;
};

// A part of a function's log. `next` is where to go on; positions survive rotation.
struct LogPage {
  std::string text;
  std::uint64_t next = 0;
};

struct InstanceInfo {
  InstanceId instance;
  FunctionName function;
  RevisionId revision;
  std::string phase;  // starting | idle | busy | stopping
  SystemTime started{};
  Bytes max_memory;
  std::uint64_t calls = 0;
  StartLevel level = StartLevel::cold;  // how it came to be, and
  Timing start;                         // the stages of that; `run` has no meaning here
};

struct RuntimeStatus {
  bool degraded = false;
  bool draining = false;
  Privilege privilege = Privilege::automatic;
  std::size_t functions = 0;
  SchedulerStats scheduler;
  std::string runtime_id;
  // of the key that environments are sealed with: 16 hex digits of its SHA-256; empty: they are
  // stored in clear
  std::string secrets_key_id;
};

// Thread-safe; a handle: copies name the same runtime. Handlers run on their associated executor,
// the runtime's own work on `executor`, and for a call that has an instance on the thread that
// invokes. When the last handle goes without close, queued calls end with Errc::unavailable,
// running ones as `lost`, and every jail is killed.
class Runtime {
 public:
  // Threads: two of its own at most (the store's writer; blocking work). Touches no signal, stream
  // or environment variable of the process. Errors: unsupported (kernel feature, or degraded host
  // without allow_degraded), conflict (the state directory is another's), denied (its secrets key
  // is another), invalid_argument, io.
  static Result<Runtime> open(asio::any_io_executor executor, Options);

  // Refuses new calls, waits for running ones at most `patience`, stops every instance, joins the
  // threads, gives the state directory back. Calls that still run after it end as `lost`.
  asio::awaitable<void> close(Duration patience = Duration::zero());
  // Refuses new calls from now on; returns when none runs or `patience` has passed (false then).
  asio::awaitable<bool> drain(Duration patience);

  // A zip file or a directory on this host, or bytes; named by its digest. Errors: as
  // CodeCache::store.
  asio::awaitable<Result<Package>> store(std::string path);
  asio::awaitable<Result<Package>> store(std::shared_ptr<BlobSource>);
  // What was stored, and the uploaded bytes' path. Errors: not_found.
  Result<Package> package(Digest const&) const;
  Result<std::string> package_upload(Digest const&) const;

  // New only. Durable when it returns. Errors: conflict (ResourceConflictException: exists),
  // invalid_argument (names the field), not_found (the code or a layer's), too_large (code and
  // layers unpack to more than packages.unpacked), unsupported (runtime not installed; the message
  // lists those that are). Of settings attributes alone: reserve and provision it afterwards.
  asio::awaitable<Result<FunctionInfo>> deploy(Function, FunctionSettings = {});
  // A C++ function beside jailed ones. Not durable: deploy it again after each open. code and
  // runtime are ignored.
  asio::awaitable<Result<FunctionInfo>> deploy(Function, HostCallable);
  // After it returns no call reaches the old revision; calls under way finish on it. Errors: as
  // deploy, not_found.
  asio::awaitable<Result<FunctionInfo>> update(FunctionName, FunctionUpdate);
  // With its versions, aliases and settings. Running calls finish. Errors: not_found
  // (ResourceNotFoundException).
  asio::awaitable<Result<void>> remove(FunctionName);
  // `qualifier`: a version's number, an alias (the version it points at, weights aside), or empty:
  // $LATEST.
  Result<FunctionInfo> get(FunctionName const&, std::string_view qualifier = {}) const;
  // By name: a copy of each. Of many, rather page by page.
  std::vector<FunctionInfo> list(std::string_view account = kDefaultAccount) const;
  // At most `most` of them whose name follows `after`, by name; costs what the page costs.
  std::vector<FunctionInfo> list(std::string_view account, std::string_view after,
                                 std::size_t most) const;
  AccountUsage usage(std::string_view account = kDefaultAccount) const;

  // The next version of a layer, which functions then name by its package's digest. Durable when it
  // returns. Errors: invalid_argument (names the field), not_found (the code).
  asio::awaitable<Result<LayerInfo>> publish_layer(Layer);
  // Functions that have it keep it. Not an error if unknown.
  asio::awaitable<Result<void>> remove_layer(LayerName, std::uint64_t version);
  // Errors: not_found (ResourceNotFoundException).
  Result<LayerInfo> layer(LayerName const&, std::uint64_t version) const;
  // At most `most` layers whose name follows `after`, by name: of each the newest version that
  // matches.
  std::vector<LayerInfo> layers(std::string_view account, std::string_view after, std::size_t most,
                                LayerFilter filter = {}) const;
  // At most `most` versions of one layer that match, older than `before` (0: all), the newest
  // first.
  std::vector<LayerInfo> layer_versions(LayerName const&, std::uint64_t before, std::size_t most,
                                        LayerFilter filter = {}) const;

  // Versions: $LATEST as it is, for good. Nothing has changed since the newest: that one again.
  // Errors: not_found, conflict, invalid_argument (see Publication); unsupported (a host callable).
  asio::awaitable<Result<FunctionInfo>> publish(FunctionName, Publication);
  // At most `most` whose number follows `after`, by number.
  std::vector<FunctionInfo> versions(FunctionName const&, std::uint64_t after,
                                     std::size_t most) const;
  // Calls under way finish on it. Errors: not_found, conflict (an alias points at it).
  asio::awaitable<Result<void>> remove_version(FunctionName, std::string version);

  // Aliases. After a change returned, new calls run what the alias points at then; calls under way
  // finish where they are. Errors: not_found (function, version or alias), conflict (exists, or
  // changed meanwhile), invalid_argument (name, weights).
  asio::awaitable<Result<AliasInfo>> create_alias(AliasInfo);
  asio::awaitable<Result<AliasInfo>> update_alias(FunctionName, std::string name, AliasUpdate);
  // Not an error if there is none of that name.
  asio::awaitable<Result<void>> remove_alias(FunctionName, std::string name);
  Result<AliasInfo> alias(FunctionName const&, std::string_view name) const;
  std::vector<AliasInfo> aliases(FunctionName const&, std::string_view after,
                                 std::size_t most) const;

  // Settings: no instance ends by them. Errors: not_found; invalid_argument (in Lambda's words: too
  // little would be left to others).
  FunctionSettings settings(FunctionName const&) const;  // empty ones if there is no such function
  // Nothing: no reservation.
  asio::awaitable<Result<void>> reserve(FunctionName, std::optional<unsigned> concurrency);
  // Instances of a version or of what an alias points at; 0: none any more. Errors: also conflict
  // (an alias and its version cannot both be provisioned).
  asio::awaitable<Result<void>> provision(FunctionName, std::string qualifier, unsigned instances);
  // Errors: not_found (function, or ProvisionedConcurrencyConfigNotFoundException).
  Result<ProvisionedStatus> provisioned(FunctionName const&, std::string_view qualifier) const;
  // No value: removed. `expected`: what it must be now, empty if it must not be there; else
  // conflict. Errors: also too_large.
  asio::awaitable<Result<void>> set_attribute(FunctionName, AttributeKey,
                                              std::optional<std::string> value,
                                              std::optional<std::string> expected = {});
  // What a call of it may meet, and where each was set. Errors: not_found.
  Result<std::vector<EffectiveLimit>> limits(FunctionName const&,
                                             std::string_view qualifier = {}) const;

  // One call. Completes with Result<Outcome>: Error while nothing ran, Outcome once it did. A
  // payload over 6,291,456 bytes is refused (too_large). Cancelling (terminal) ends the wait, not
  // the function.
  template <class Token = asio::use_awaitable_t<>>
  auto invoke(FunctionName name, std::string payload, InvokeOptions options = {},
              Token&& token = {}) {
    auto call = copy(std::move(name), std::move(payload), options);
    return asio::async_initiate<Token, void(Result<Outcome>)>(
        [](auto handler, Runtime self, std::shared_ptr<Call> c) {
          self.start(std::move(c), std::move(handler));
        },
        token, *this, std::move(call));
  }
  // The same, handed on as it arrives, without the limit on the response. Errors: as invoke. A call
  // that fails before its first byte still yields a stream, whose trailer says so.
  asio::awaitable<Result<ResponseStream>> invoke_stream(FunctionName name, std::string payload,
                                                        InvokeOptions options = {});

  // From `position` on; `tail` > 0: rather the last `tail` bytes. With `wait` it returns as soon as
  // there is something new, or an empty page after that time. Errors: not_found.
  asio::awaitable<Result<LogPage>> logs(FunctionName name, std::uint64_t position = 0,
                                        std::uint64_t tail = 0, Duration wait = Duration::zero());
  asio::awaitable<std::vector<InstanceInfo>> instances() const;
  asio::awaitable<RuntimeStatus> status() const;

  struct Impl;

 private:
  struct Call;
  explicit Runtime(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Call> copy(FunctionName, std::string payload, InvokeOptions const&) const;
  void start(std::shared_ptr<Call>, asio::any_completion_handler<void(Result<Outcome>)>) const;
  std::shared_ptr<Impl> impl_;
};

}  // namespace faas::inline v0
