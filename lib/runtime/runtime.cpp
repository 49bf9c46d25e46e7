#include <faas/runtime.hpp>

#include <boost/asio/cancellation_type.hpp>

#include "runtime/await.hpp"
#include "runtime/call.hpp"
#include "runtime/core.hpp"

namespace faas::inline v0 {

using runtime::awaited;
using runtime::CallInput;
using runtime::Core;

// The last handle ends the engine, whoever else still holds it for a moment.
struct Runtime::Impl {
  explicit Impl(std::shared_ptr<Core> c) : core(std::move(c)) {}
  ~Impl() {
    core->shut_down();
    core->join_threads();
  }
  std::shared_ptr<Core> core;
};

struct Runtime::Call {
  CallInput input;
};

struct ResponseStream::Impl {
  explicit Impl(std::shared_ptr<runtime::StreamState> s) : state(std::move(s)) {}
  ~Impl() { state->reader_left(); }
  std::shared_ptr<runtime::StreamState> state;
};

namespace {

// What would end a header line of the Runtime API, or begin another one.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::optional<Error> refuse_input(CallInput const& input) {
  for (auto const& [field, value] :
       {std::pair<std::string_view, std::string const&>{"request_id", input.request_id},
        {"qualifier", input.qualifier},
        {"tenant", input.tenant},
        {"content_type", input.content_type},
        {"trace_id", input.trace_id},
        {"client_context", input.client_context}}) {
    if (has_control(value)) {
      return Error{Errc::invalid_argument,
                   std::string(field) + " holds a control character: remove it",
                   "InvalidParameterValueException", "runtime"};
    }
  }
  return std::nullopt;
}

CallInput make_input(FunctionName name, std::string payload, InvokeOptions const& options) {
  CallInput input;
  input.function = std::move(name);
  if (input.function.account == kDefaultAccount) input.function.account = options.account;
  input.qualifier = options.qualifier;
  input.caller = options.caller;
  input.payload = std::move(payload);
  input.tenant = options.tenant;
  input.client_context = options.client_context;
  // Raw line ends in JSON can only stand between its tokens.
  for (char& c : input.client_context) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  input.request_id = options.request_id;
  input.content_type = options.content_type;
  input.trace_id = options.trace_id;
  if (options.deadline > Duration::zero())
    input.deadline = std::chrono::steady_clock::now() + options.deadline;
  input.log_tail = options.log_tail;
  return input;
}

asio::awaitable<Result<FunctionInfo>> deploy_in(std::shared_ptr<Core> core, Function function,
                                                FunctionSettings settings, HostCallable callable) {
  co_return co_await core->deploy(std::move(function), std::move(settings), std::move(callable));
}
asio::awaitable<Result<FunctionInfo>> update_in(std::shared_ptr<Core> core, FunctionName name,
                                                FunctionUpdate update) {
  co_return co_await core->update(std::move(name), std::move(update));
}
asio::awaitable<Result<void>> remove_in(std::shared_ptr<Core> core, FunctionName name) {
  co_return co_await core->remove(std::move(name));
}

asio::awaitable<Result<FunctionInfo>> publish_in(std::shared_ptr<Core> core, FunctionName name,
                                                 Publication wish) {
  co_return co_await core->publish(std::move(name), std::move(wish));
}
asio::awaitable<Result<void>> remove_version_in(std::shared_ptr<Core> core, FunctionName name,
                                                std::string version) {
  co_return co_await core->remove_version(std::move(name), std::move(version));
}
asio::awaitable<Result<AliasInfo>> create_alias_in(std::shared_ptr<Core> core, AliasInfo alias) {
  co_return co_await core->create_alias(std::move(alias));
}
asio::awaitable<Result<AliasInfo>> update_alias_in(std::shared_ptr<Core> core,
                                                   FunctionName function, std::string name,
                                                   AliasUpdate update) {
  co_return co_await core->update_alias(std::move(function), std::move(name), std::move(update));
}
asio::awaitable<Result<void>> remove_alias_in(std::shared_ptr<Core> core, FunctionName function,
                                              std::string name) {
  co_return co_await core->remove_alias(std::move(function), std::move(name));
}
asio::awaitable<Result<void>> reserve_in(std::shared_ptr<Core> core, FunctionName name,
                                         std::optional<unsigned> concurrency) {
  co_return co_await core->reserve(std::move(name), concurrency);
}
asio::awaitable<Result<void>> provision_in(std::shared_ptr<Core> core, FunctionName name,
                                           std::string qualifier, unsigned instances) {
  co_return co_await core->provision(std::move(name), std::move(qualifier), instances);
}
asio::awaitable<Result<void>> set_attribute_in(std::shared_ptr<Core> core, FunctionName name,
                                               AttributeKey key, std::optional<std::string> value,
                                               std::optional<std::string> expected) {
  co_return co_await core->set_attribute(std::move(name), std::move(key), std::move(value),
                                         std::move(expected));
}
asio::awaitable<Result<LayerInfo>> publish_layer_in(std::shared_ptr<Core> core, Layer layer) {
  co_return co_await core->publish_layer(std::move(layer));
}
asio::awaitable<Result<void>> remove_layer_in(std::shared_ptr<Core> core, LayerName name,
                                              std::uint64_t version) {
  co_return co_await core->remove_layer(std::move(name), version);
}

asio::awaitable<bool> drain_in(std::shared_ptr<Core> core, Duration patience) {
  auto const executor = core->executor;
  return awaited<bool>(executor,
                       [core, patience](auto done) { core->when_idle(patience, std::move(done)); });
}

asio::awaitable<bool> stop_in(std::shared_ptr<Core> core) {
  auto const executor = core->executor;
  return awaited<bool>(executor, [core](auto done) { core->when_stopped(std::move(done)); });
}

asio::awaitable<bool> observe_in(std::shared_ptr<Core> core) {
  auto const executor = core->executor;
  return awaited<bool>(executor, [core](auto done) { core->when_observed(std::move(done)); });
}

asio::awaitable<void> close_in(std::shared_ptr<Core> core, Duration patience) {
  co_await drain_in(core, patience);
  co_await stop_in(core);
  co_await core->flush();
  co_await observe_in(core);
  core->shut_down();
  core->join_threads();
}

asio::awaitable<Result<LogPage>> logs_in(std::shared_ptr<Core> core, FunctionName name,
                                         std::uint64_t position, std::uint64_t tail,
                                         Duration wait) {
  auto const executor = core->executor;
  return awaited<Result<LogPage>>(executor,
                                  [core, name = std::move(name), position, tail, wait](auto done) {
                                    core->read_logs(name, position, tail, wait, std::move(done));
                                  });
}

asio::awaitable<std::vector<InstanceInfo>> instances_in(std::shared_ptr<Core> core) {
  co_return core->instances();
}
asio::awaitable<RuntimeStatus> status_in(std::shared_ptr<Core> core) { co_return core->status(); }

// Completes with the first byte, with the end of a call that had none, or with why nothing ran.
asio::awaitable<Result<bool>> open_stream(std::shared_ptr<Core> core,
                                          std::shared_ptr<runtime::Call> call) {
  auto const executor = core->executor;
  return awaited<Result<bool>>(executor, [core, call](auto done) {
    call->stream = std::make_shared<runtime::StreamState>(core->executor, std::move(done));
    core->invoke(call);
  });
}

asio::awaitable<Result<ResponseStream>> stream_in(std::shared_ptr<Core> core, CallInput input) {
  if (auto refused = refuse_input(input)) co_return *refused;
  auto const call = std::make_shared<runtime::Call>(std::move(input));
  auto const opened = co_await open_stream(core, call);
  if (!opened) co_return opened.error();
  co_return ResponseStream(std::make_shared<ResponseStream::Impl>(call->stream));
}

}  // namespace

Result<Runtime> Runtime::open(asio::any_io_executor executor, Options options) {
  auto core = Core::open(std::move(executor), std::move(options));
  if (!core) return core.error();
  return Runtime(std::make_shared<Impl>(std::move(*core)));
}

asio::awaitable<void> Runtime::close(Duration patience) { return close_in(impl_->core, patience); }
asio::awaitable<bool> Runtime::drain(Duration patience) { return drain_in(impl_->core, patience); }

asio::awaitable<Result<Package>> Runtime::store(std::string path) {
  return impl_->core->store([path = std::move(path)](CodeCache& code) {
    return code.store(std::filesystem::path(path));
  });
}
asio::awaitable<Result<Package>> Runtime::store(std::shared_ptr<BlobSource> source) {
  return impl_->core->store(
      [source = std::move(source)](CodeCache& code) { return code.store(*source); });
}
Result<Package> Runtime::package(Digest const& digest) const {
  auto const code = impl_->core->code();
  if (!code) return runtime::closed_error();
  return code->find(digest);
}
Result<std::string> Runtime::package_upload(Digest const& digest) const {
  auto const code = impl_->core->code();
  if (!code) return runtime::closed_error();
  auto path = code->upload(digest);
  if (!path) return path.error();
  return path->string();
}

asio::awaitable<Result<FunctionInfo>> Runtime::deploy(Function function,
                                                      FunctionSettings settings) {
  return deploy_in(impl_->core, std::move(function), std::move(settings), {});
}
asio::awaitable<Result<FunctionInfo>> Runtime::deploy(Function function, HostCallable callable) {
  return deploy_in(impl_->core, std::move(function), {}, std::move(callable));
}
asio::awaitable<Result<FunctionInfo>> Runtime::update(FunctionName name, FunctionUpdate update) {
  return update_in(impl_->core, std::move(name), std::move(update));
}
asio::awaitable<Result<void>> Runtime::remove(FunctionName name) {
  return remove_in(impl_->core, std::move(name));
}
Result<FunctionInfo> Runtime::get(FunctionName const& name, std::string_view qualifier) const {
  return impl_->core->functions().get(name, qualifier);
}
std::vector<FunctionInfo> Runtime::list(std::string_view account) const {
  return impl_->core->functions().list(account);
}
std::vector<FunctionInfo> Runtime::list(std::string_view account, std::string_view after,
                                        std::size_t most) const {
  return impl_->core->functions().page(account, after, most);
}
AccountUsage Runtime::usage(std::string_view account) const { return impl_->core->usage(account); }

asio::awaitable<Result<FunctionInfo>> Runtime::publish(FunctionName name, Publication wish) {
  return publish_in(impl_->core, std::move(name), std::move(wish));
}
std::vector<FunctionInfo> Runtime::versions(FunctionName const& name, std::uint64_t after,
                                            std::size_t most) const {
  return impl_->core->functions().versions(name, after, most);
}
asio::awaitable<Result<void>> Runtime::remove_version(FunctionName name, std::string version) {
  return remove_version_in(impl_->core, std::move(name), std::move(version));
}
asio::awaitable<Result<AliasInfo>> Runtime::create_alias(AliasInfo alias) {
  return create_alias_in(impl_->core, std::move(alias));
}
asio::awaitable<Result<AliasInfo>> Runtime::update_alias(FunctionName function, std::string name,
                                                         AliasUpdate update) {
  return update_alias_in(impl_->core, std::move(function), std::move(name), std::move(update));
}
asio::awaitable<Result<void>> Runtime::remove_alias(FunctionName function, std::string name) {
  return remove_alias_in(impl_->core, std::move(function), std::move(name));
}
Result<AliasInfo> Runtime::alias(FunctionName const& function, std::string_view name) const {
  return impl_->core->functions().alias(function, name);
}
std::vector<AliasInfo> Runtime::aliases(FunctionName const& function, std::string_view after,
                                        std::size_t most) const {
  return impl_->core->functions().aliases(function, after, most);
}

FunctionSettings Runtime::settings(FunctionName const& name) const {
  return impl_->core->functions().settings(name);
}
asio::awaitable<Result<void>> Runtime::reserve(FunctionName name,
                                               std::optional<unsigned> concurrency) {
  return reserve_in(impl_->core, std::move(name), concurrency);
}
asio::awaitable<Result<void>> Runtime::provision(FunctionName name, std::string qualifier,
                                                 unsigned instances) {
  return provision_in(impl_->core, std::move(name), std::move(qualifier), instances);
}
Result<ProvisionedStatus> Runtime::provisioned(FunctionName const& name,
                                               std::string_view qualifier) const {
  return impl_->core->provisioned(name, qualifier);
}
asio::awaitable<Result<void>> Runtime::set_attribute(FunctionName name, AttributeKey key,
                                                     std::optional<std::string> value,
                                                     std::optional<std::string> expected) {
  return set_attribute_in(impl_->core, std::move(name), std::move(key), std::move(value),
                          std::move(expected));
}
Result<std::vector<EffectiveLimit>> Runtime::limits(FunctionName const& name,
                                                    std::string_view qualifier) const {
  return impl_->core->limits(name, qualifier);
}

asio::awaitable<Result<LayerInfo>> Runtime::publish_layer(Layer layer) {
  return publish_layer_in(impl_->core, std::move(layer));
}
asio::awaitable<Result<void>> Runtime::remove_layer(LayerName name, std::uint64_t version) {
  return remove_layer_in(impl_->core, std::move(name), version);
}
Result<LayerInfo> Runtime::layer(LayerName const& name, std::uint64_t version) const {
  return impl_->core->layers().get(name, version);
}
std::vector<LayerInfo> Runtime::layers(std::string_view account, std::string_view after,
                                       std::size_t most, LayerFilter filter) const {
  return impl_->core->layers().page(account, after, most, filter);
}
std::vector<LayerInfo> Runtime::layer_versions(LayerName const& name, std::uint64_t before,
                                               std::size_t most, LayerFilter filter) const {
  return impl_->core->layers().versions(name, before, most, filter);
}

asio::awaitable<Result<LogPage>> Runtime::logs(FunctionName name, std::uint64_t position,
                                               std::uint64_t tail, Duration wait) {
  return logs_in(impl_->core, std::move(name), position, tail, wait);
}
asio::awaitable<std::vector<InstanceInfo>> Runtime::instances() const {
  return instances_in(impl_->core);
}
asio::awaitable<RuntimeStatus> Runtime::status() const { return status_in(impl_->core); }

std::shared_ptr<Runtime::Call> Runtime::copy(FunctionName name, std::string payload,
                                             InvokeOptions const& options) const {
  return std::make_shared<Call>(Call{make_input(std::move(name), std::move(payload), options)});
}

void Runtime::start(std::shared_ptr<Call> prepared,
                    asio::any_completion_handler<void(Result<Outcome>)> handler) const {
  auto const& core = impl_->core;
  auto slot = asio::get_associated_cancellation_slot(handler);
  auto call = std::make_shared<runtime::Call>(std::move(prepared->input));
  call->done = {std::move(handler), core->executor};
  if (auto refused = refuse_input(call->input)) return call->answer(std::move(*refused));
  // First: once it is invoked, the slot may be gone with the handler, on another thread.
  if (slot.is_connected()) {
    slot.assign([weak_core = std::weak_ptr(core),
                 weak_call = std::weak_ptr(call)](asio::cancellation_type type) {
      auto const self = weak_core.lock();
      auto const cancelled = weak_call.lock();
      if (self && cancelled &&
          (type & asio::cancellation_type::terminal) != asio::cancellation_type::none)
        self->cancel(*cancelled);
    });
  }
  core->invoke(call);
}

asio::awaitable<Result<ResponseStream>> Runtime::invoke_stream(FunctionName name,
                                                               std::string payload,
                                                               InvokeOptions options) {
  return stream_in(impl_->core, make_input(std::move(name), std::move(payload), options));
}

ResponseStream::ResponseStream(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ResponseHead const& ResponseStream::head() const { return impl_->state->response_head(); }
Outcome const& ResponseStream::trailer() const { return impl_->state->trailer(); }

namespace {
asio::awaitable<std::optional<std::string>> read_from(std::shared_ptr<runtime::StreamState> state) {
  auto const executor = state->executor();
  return awaited<std::optional<std::string>>(executor,
                                             [state](auto done) { state->read(std::move(done)); });
}
}  // namespace

asio::awaitable<std::optional<std::string>> ResponseStream::read() {
  return read_from(impl_->state);
}

}  // namespace faas::inline v0
