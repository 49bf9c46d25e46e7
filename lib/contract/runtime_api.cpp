#include "contract/runtime_api.hpp"

#include <utility>

#include "base/check.hpp"
#include "contract/machine.hpp"

namespace faas::inline v0::contract {

RuntimeApi::RuntimeApi(RuntimeApiEvents& events, Options options)
    : machine_(std::make_unique<Machine>(events, std::move(options))) {}
RuntimeApi::~RuntimeApi() = default;

std::optional<ConnectionId> RuntimeApi::open() { return machine_->open(); }
void RuntimeApi::receive(ConnectionId id, std::string_view bytes) { machine_->receive(id, bytes); }
void RuntimeApi::end_of_input(ConnectionId id) { machine_->end_of_input(id); }
void RuntimeApi::closed(ConnectionId id) { machine_->closed(id); }
bool RuntimeApi::wants_input(ConnectionId id) const { return machine_->wants_input(id); }
std::uint64_t RuntimeApi::unfinished_head(ConnectionId id) const {
  return machine_->unfinished_head(id);
}
void RuntimeApi::head_is_late(ConnectionId id) { machine_->head_is_late(id); }
std::uint64_t RuntimeApi::chatter() const { return machine_->chatter(); }
unsigned RuntimeApi::connections() const { return machine_->connections(); }

void RuntimeApi::invoke(Invocation invocation, std::size_t response_limit) {
  FAAS_CHECK(machine_->invocations() < machine_->capacity());
  machine_->invoke(std::move(invocation), response_limit);
}

void RuntimeApi::abandon() { machine_->abandon(); }
void RuntimeApi::abandon(std::string_view request_id) { machine_->abandon(request_id); }
void RuntimeApi::resume() { machine_->resume(); }
void RuntimeApi::resume(std::string_view request_id) { machine_->resume(request_id); }
bool RuntimeApi::busy() const { return machine_->invocations() > 0; }
bool RuntimeApi::awaited() const { return machine_->awaited(); }
bool RuntimeApi::idle() const { return machine_->idle(); }
bool RuntimeApi::initialized() const { return machine_->initialized(); }

}  // namespace faas::inline v0::contract
