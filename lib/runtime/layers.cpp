// Publishing and removing layer versions.
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "registry/validate.hpp"
#include "runtime/commit.hpp"

namespace faas::inline v0::runtime {

asio::awaitable<Result<LayerInfo>> Core::publish_layer(Layer layer) {
  auto const self = shared_from_this();
  if (auto valid = registry::validate(layer); !valid) co_return valid.error();
  auto const cache = code();
  if (!cache) co_return closed_error();
  auto const package = cache->find(layer.code);
  if (!package) co_return package.error();
  LayerInfo info;
  info.layer = std::move(layer);
  info.code_sha256 = package->code_sha256;
  info.code_size = package->size;
  info.created = std::chrono::system_clock::now();
  auto change = [self, info = std::move(info)](auto done) {
    self->layers_->publish(info, std::move(done));
  };
  auto published = co_await committed<LayerInfo>(std::move(change));
  co_return published;
}

asio::awaitable<Result<void>> Core::remove_layer(LayerName name, std::uint64_t version) {
  auto const self = shared_from_this();
  auto change = [self, name, version](auto done) {
    self->layers_->remove(name, version, std::move(done));
  };
  auto removed = co_await committed<void>(std::move(change));
  co_return removed;
}

}  // namespace faas::inline v0::runtime
