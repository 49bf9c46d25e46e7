// Deploy, update, remove: validate, keep durably, retire what was.
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "invoker/launch.hpp"
#include "registry/validate.hpp"
#include "runtime/commit.hpp"
#include "runtime/core.hpp"
#include "sys/random.hpp"

namespace faas::inline v0::runtime {
namespace {

void apply(FunctionUpdate const& update, Function& function) {
  if (update.code) function.code = *update.code;
  if (update.layers) function.layers = *update.layers;
  if (update.runtime) function.runtime = *update.runtime;
  if (update.handler) function.handler = *update.handler;
  if (update.description) function.description = *update.description;
  if (update.limits) function.limits = *update.limits;
  if (update.environment) function.environment = *update.environment;
  if (update.annotations) function.annotations = *update.annotations;
}

// Its end is the host's and may call us: it comes on the host's executor, whoever lets go of it
// last, with whatever mutex.
std::shared_ptr<HostCallable const> keep_callable(asio::any_io_executor executor,
                                                  HostCallable callable) {
  auto const let_go = [home = std::move(executor)](HostCallable const* last) {
    asio::post(home, [gone = std::unique_ptr<HostCallable const>(last)] {});
  };
  return {new HostCallable const(std::move(callable)), let_go};
}

}  // namespace

Result<FunctionInfo> Core::describe(Function function, bool is_host) {
  if (auto valid = registry::validate(function); !valid) return valid.error();
  FunctionInfo info;
  info.revision_uuid = sys::random_uuid();
  info.last_modified = std::chrono::system_clock::now();
  if (is_host && function.limits.capacity > 1) {
    return Error{Errc::unsupported,
                 "capacity: a callable of the host takes one call an instance; leave it at 1 and "
                 "set concurrency",
                 "InvalidParameterValueException", "registry"};
  }
  if (!is_host) {
    if (auto installed = runtimes_.check(function.runtime); !installed) return installed.error();
    if (auto described = describe_code(info, function); !described) return described.error();
  }
  info.function = std::move(function);
  return info;
}

// Its code and layers are here, and together within the limit that each was stored under.
Result<void> Core::describe_code(FunctionInfo& info, Function const& function) const {
  auto const cache = code();
  if (!cache) return closed_error();
  auto const package = cache->find(function.code);
  if (!package) return package.error();
  info.code_sha256 = package->code_sha256;
  info.code_size = package->size;
  if (function.layers.empty()) return {};
  auto unpacked = package->unpacked.count;
  for (auto const& layer : function.layers) {
    auto const found = cache->find(layer);
    if (!found) return found.error();
    unpacked += found->unpacked.count;
  }
  auto const limit = options.packages.unpacked.count;
  if (unpacked <= limit) return {};
  return Error{Errc::too_large,
               fmt::format("Unzipped size must be smaller than {} bytes; the code and its {} "
                           "layers have {}: leave a layer out, or raise the limit of packages "
                           "where the runtime is opened",
                           limit, function.layers.size(), unpacked),
               "InvalidParameterValueException", "code"};
}

asio::awaitable<Result<FunctionInfo>> Core::deploy(Function function, FunctionSettings settings,
                                                   HostCallable callable) {
  auto const self = shared_from_this();
  bool const is_host = static_cast<bool>(callable);
  if (is_host) function.runtime = kHostRuntime;
  auto described = describe(std::move(function), is_host);
  if (!described) co_return described.error();
  auto const keep = is_host ? registry::Keep::this_process : registry::Keep::durable;
  // The callable is registered with the commit, before deploy returns.
  auto const shared = is_host ? keep_callable(executor, std::move(callable)) : nullptr;
  auto change = [self, info = std::move(*described), settings = std::move(settings), keep,
                 shared](auto done) {
    auto registered = [self, shared, done](Result<FunctionInfo> added) {
      if (added && shared) {
        std::lock_guard lock(self->mutex_);
        self->callables_.emplace(added->revision, shared);
      }
      done(std::move(added));
    };
    self->registry_->add(info, keep, std::move(registered), settings);
  };
  auto added = co_await committed<FunctionInfo>(std::move(change));
  co_return added;
}

asio::awaitable<Result<FunctionInfo>> Core::update(FunctionName name, FunctionUpdate update) {
  auto const self = shared_from_this();
  auto const entry = registry_->find(name);
  if (!entry) co_return not_found(name);
  auto function = entry->function;
  if (function.runtime == kHostRuntime) {
    co_return Error{
        Errc::unsupported,
        fmt::format("{} is a callable of the host: remove it and deploy it again", name.name),
        "InvalidParameterValueException", "registry"};
  }
  apply(update, function);
  auto described = describe(std::move(function), false);
  if (!described) co_return described.error();
  // What this update was made from must still be there when it commits: two updates at once do not
  // mix.
  auto const expected = update.expected_revision.value_or(entry->revision_uuid);
  auto change = [self, info = std::move(*described), expected](auto done) {
    self->registry_->put(info, expected, std::move(done));
  };
  auto stored = co_await committed<FunctionInfo>(std::move(change));
  if (stored) {
    Deciding const deciding(*this);
    if (closed_) co_return stored;
    retire_replaced(name);
    provision_again(name);  // an alias of $LATEST may be provisioned
  }
  co_return stored;
}

asio::awaitable<Result<void>> Core::remove(FunctionName name) {
  auto const self = shared_from_this();
  auto change = [self, name](auto done) { self->registry_->remove(name, std::move(done)); };
  auto removed = co_await committed<FunctionInfo>(std::move(change));
  if (!removed) co_return removed.error();
  {
    Deciding const deciding(*this);
    if (closed_) co_return Result<void>();
    retire_replaced(name);
    tell(event::Reserved{name, registry_->settings(name).reserved});
    if (revisions_.count(removed->revision) == 0) callables_.erase(removed->revision);
  }
  // A line that is written in this moment makes a log of nobody, which the next open removes.
  if (!registry_->revision(name)) logs_->remove(name);
  co_return Result<void>();
}

std::shared_ptr<CodeCache> Core::code() const {
  std::lock_guard lock(mutex_);
  return code_;
}

asio::awaitable<Result<Package>> Core::store(std::function<Result<Package>(CodeCache&)> work) {
  return awaited<Result<Package>>(
      executor, [self = shared_from_this(), work = std::move(work)](auto done) mutable {
        std::lock_guard open_lock(self->mutex_);
        if (self->closed_) return done(closed_error());
        asio::post(self->blocking_, [code = self->code_, home = self->executor,
                                     work = std::move(work), done = std::move(done)]() mutable {
          done(work(*code));
          // The source is the host's, and its end may end the runtime, which joins this thread.
          asio::post(home, [gone = std::move(work)] {});
        });
      });
}

asio::awaitable<bool> Core::flush() {
  return awaited<bool>(executor, [self = shared_from_this()](auto done) {
    std::lock_guard open_lock(self->mutex_);
    if (self->closed_) return done(true);
    auto shared = std::make_shared<decltype(done)>(std::move(done));
    self->meter_->flush([shared](Result<void> written) { (*shared)(written.has_value()); });
  });
}

// The registry shows a callable of the host a moment before it is registered here.
bool Core::can_run(FunctionInfo const& info) const {
  return info.function.runtime != kHostRuntime || callables_.count(info.revision) > 0;
}

Error Core::not_found(FunctionName const& name, std::string_view qualifier) const {
  return {Errc::not_found,
          fmt::format("Function not found: {}{}{}", function_arn(name, options.region),
                      qualifier.empty() ? "" : ":", qualifier),
          "ResourceNotFoundException", "registry"};
}

}  // namespace faas::inline v0::runtime
