// A change of the registry as an awaitable of the engine's own coroutines.
#pragma once

#include <memory>
#include <utility>

#include "runtime/await.hpp"
#include "runtime/core.hpp"

namespace faas::inline v0::runtime {

// `change` is given Done, which the registry calls on the writer thread; the caller continues on
// its own. Not submitted once the engine is closed: its store is going.
template <class T, class Change>
asio::awaitable<Result<T>> Core::committed(Change change) {
  return awaited<Result<T>>(executor,
                            [self = shared_from_this(), change = std::move(change)](auto done) {
                              std::lock_guard open_lock(self->mutex_);
                              if (self->closed_) return done(closed_error());
                              auto shared = std::make_shared<decltype(done)>(std::move(done));
                              change([shared](Result<T> result) { (*shared)(std::move(result)); });
                            });
}

}  // namespace faas::inline v0::runtime
