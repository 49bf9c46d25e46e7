// Versions and aliases: published, moved, removed.
#include <fmt/format.h>

#include "registry/validate.hpp"
#include "runtime/commit.hpp"
#include "sys/random.hpp"

namespace faas::inline v0::runtime {

using registry::Registry;

asio::awaitable<Result<FunctionInfo>> Core::publish(FunctionName name, Publication wish) {
  auto const self = shared_from_this();
  auto const entry = registry_->find(name);
  if (entry && entry->function.runtime == kHostRuntime) {
    co_return Error{Errc::unsupported,
                    fmt::format("{} is a callable of the host: it has no versions", name.name),
                    "InvalidParameterValueException", "registry"};
  }
  registry::Publish publish{std::move(name),
                            std::move(wish.description),
                            std::move(wish.code_sha256),
                            std::move(wish.expected_revision),
                            sys::random_uuid(),
                            std::chrono::system_clock::now()};
  auto change = [self, publish = std::move(publish)](Registry::Done done) {
    self->registry_->publish(publish, std::move(done));
  };
  auto published = co_await committed<FunctionInfo>(std::move(change));
  co_return published;
}

asio::awaitable<Result<void>> Core::remove_version(FunctionName name, std::string version) {
  auto const self = shared_from_this();
  auto const number = registry::version_number(version);
  if (!number) co_return not_found(name, version);
  auto change = [self, name, number = *number](Registry::Done done) {
    self->registry_->remove_version(name, number, std::move(done));
  };
  auto removed = co_await committed<FunctionInfo>(std::move(change));
  if (!removed) co_return removed.error();
  Deciding const deciding(*this);
  if (closed_) co_return Result<void>();
  retire_replaced(name);
  provision_again(name);
  co_return Result<void>();
}

asio::awaitable<Result<AliasInfo>> Core::create_alias(AliasInfo alias) {
  auto const self = shared_from_this();
  if (auto valid = registry::validate_alias(alias.name, alias.description); !valid)
    co_return valid.error();
  alias.revision_uuid = sys::random_uuid();
  auto change = [self, alias = std::move(alias)](Registry::DoneOf<AliasInfo> done) {
    self->registry_->add_alias(alias, std::move(done));
  };
  auto created = co_await committed<AliasInfo>(std::move(change));
  co_return created;
}

asio::awaitable<Result<AliasInfo>> Core::update_alias(FunctionName function, std::string name,
                                                      AliasUpdate update) {
  auto const self = shared_from_this();
  if (auto valid = registry::validate_alias(name, update.description.value_or("")); !valid)
    co_return valid.error();
  registry::AliasChange wish{function,
                             std::move(name),
                             std::move(update.version),
                             std::move(update.description),
                             std::move(update.weights),
                             std::move(update.expected_revision),
                             sys::random_uuid()};
  auto change = [self, wish = std::move(wish)](Registry::DoneOf<AliasInfo> done) {
    self->registry_->put_alias(wish, std::move(done));
  };
  auto updated = co_await committed<AliasInfo>(std::move(change));
  if (!updated) co_return updated;
  Deciding const deciding(*this);
  if (closed_) co_return updated;
  resolve_waiting_again(function);
  provision_again(function);
  co_return updated;
}

asio::awaitable<Result<void>> Core::remove_alias(FunctionName function, std::string name) {
  auto const self = shared_from_this();
  auto change = [self, function, name](Registry::DoneOf<FunctionSettings> done) {
    self->registry_->remove_alias(function, name, std::move(done));
  };
  auto removed = co_await committed<FunctionSettings>(std::move(change));
  if (!removed) co_return removed.error();
  Deciding const deciding(*this);
  if (closed_) co_return Result<void>();
  resolve_waiting_again(function);
  provision_again(function);
  co_return Result<void>();
}

}  // namespace faas::inline v0::runtime
