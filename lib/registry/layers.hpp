// Published layer versions: in memory for reading, in the store for keeping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/error.hpp>
#include <faas/layer.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace faas::inline v0::registry {

// A handle; thread-safe. The store outlives it. Changes run in the order they were asked for and
// show once they are committed, just before their Done, which runs on the store's writer thread and
// must not block. A row that cannot be read is not served and stays in the database.
class Layers {
 public:
  static Result<Layers> open(store::Store&);

  // Errors: not_found (ResourceNotFoundException).
  Result<LayerInfo> get(LayerName const&, std::uint64_t version) const;
  // The newest version that matches of at most `most` layers whose name follows `after`, by name.
  std::vector<LayerInfo> page(std::string_view account, std::string_view after, std::size_t most,
                              LayerFilter) const;
  // At most `most` that match of one layer, older than `before` (0: all), the newest first.
  std::vector<LayerInfo> versions(LayerName const&, std::uint64_t before, std::size_t most,
                                  LayerFilter) const;
  bool uses(Digest const&) const;
  // Of the uploaded bytes; those that several versions share count once.
  Bytes usage(std::string_view account) const;

  // `version` is given here: larger by one than any the layer had. The caller has validated it.
  // Errors: the store's.
  void publish(LayerInfo, std::function<void(Result<LayerInfo>)> done);
  // Not an error if unknown. Errors: the store's.
  void remove(LayerName, std::uint64_t version, std::function<void(Result<void>)> done);

 private:
  struct State;
  explicit Layers(std::shared_ptr<State>);
  std::shared_ptr<State> state_;
};

}  // namespace faas::inline v0::registry
