#include "contract/machine.hpp"

#include <algorithm>
#include <utility>

namespace faas::inline v0::contract {
namespace {

// Without a share of its own, each of 32 connections could hold a head of the limit in the host's
// memory.
constexpr std::size_t kSmallHead = 64 * 1024;
// Requests sent behind one that waits.
constexpr std::size_t kPipelineLimit = 64 * 1024;

}  // namespace

RuntimeApi::Machine::Machine(RuntimeApiEvents& events, Options options)
    : events_(events), options_(std::move(options)), extensions_(options_.capacity) {}

// They are in the order of their ids.
Connection* RuntimeApi::Machine::find(ConnectionId id) const {
  auto const found = std::lower_bound(connections_.begin(), connections_.end(), id,
                                      [](auto const& c, auto wanted) { return c->id < wanted; });
  bool const there = found != connections_.end() && (*found)->id == id;
  return there && (*found)->phase != Phase::gone ? found->get() : nullptr;
}

unsigned RuntimeApi::Machine::connections() const {
  return static_cast<unsigned>(std::count_if(connections_.begin(), connections_.end(),
                                             [](auto& c) { return c->phase != Phase::gone; }));
}

std::optional<ConnectionId> RuntimeApi::Machine::open() {
  if (connections() >= options_.max_connections) return std::nullopt;
  HeadLimits const limits{.head = options_.head_limit};
  return connections_.emplace_back(std::make_unique<Connection>(++last_id_, limits))->id;
}

void RuntimeApi::Machine::receive(ConnectionId id, std::string_view bytes) {
  Scope scope(*this);
  auto* connection = find(id);
  if (!connection) return;
  if (connection->working || !connection->input.empty()) {
    connection->input.append(bytes);
    return run(*connection);
  }
  bytes.remove_prefix(feed(*connection, bytes));
  bool const more = !connection->input.empty();  // received from inside an event
  connection->input.insert(0, bytes);
  if (more) run(*connection);
}

// Reads what is held. What cannot be read yet stays where it is: no copy for each byte that
// trickles in.
void RuntimeApi::Machine::run(Connection& c) {
  if (c.working) return;
  bool more = true;
  while (more) {
    auto held = std::exchange(c.input, {});
    held.erase(0, feed(c, held));
    more = !c.input.empty();  // received from inside an event
    held.append(c.input);
    c.input = held.empty() ? std::string() : std::move(held);
  }
}

std::size_t RuntimeApi::Machine::feed(Connection& c, std::string_view bytes) {
  auto rest = bytes;
  c.working = true;
  while (advance(c, rest)) {
  }
  c.working = false;
  if (c.phase == Phase::parked && rest.size() > kPipelineLimit) close(c);
  return c.phase == Phase::gone ? bytes.size() : bytes.size() - rest.size();
}

bool RuntimeApi::Machine::advance(Connection& c, std::string_view& rest) {
  switch (c.phase) {
    case Phase::head: return read_head(c, rest);
    case Phase::body: return !c.paused && read_body(c, rest);
    default: return false;
  }
}

bool RuntimeApi::Machine::read_head(Connection& c, std::string_view& rest) {
  if (rest.empty()) return false;
  auto const status = c.scanner.scan(rest);
  if (status == HeadScanner::Status::need_more) {
    if (!may_hold_head(c, rest.size()))
      refuse_and_close(c, replies::refusal(431, "InvalidRequest",
                                           "Another connection of this environment is sending a "
                                           "request head above 65536 bytes"));
    return false;
  }
  if (status == HeadScanner::Status::refused) {
    refuse_and_close(c, replies::refusal(c.scanner.status(), "InvalidRequest", c.scanner.reason()));
    return false;
  }
  if (large_head_ == c.id) large_head_ = 0;
  rest.remove_prefix(c.scanner.size());
  begin(c, c.scanner.head(), !rest.empty());
  c.scanner.reset();
  return true;
}

bool RuntimeApi::Machine::may_hold_head(Connection const& c, std::size_t size) {
  if (size <= kSmallHead) return true;
  if (large_head_ == 0) large_head_ = c.id;
  return large_head_ == c.id;
}

bool RuntimeApi::Machine::read_body(Connection& c, std::string_view& rest) {
  auto const step = c.body.next(rest);
  switch (step.status) {
    case BodyDecoder::Status::need_more: return false;
    case BodyDecoder::Status::data: take(c, step.data); return true;
    case BodyDecoder::Status::complete: finish(c); return true;
    case BodyDecoder::Status::refused: break;
  }
  interrupted(c, c.body.reason());
  if (c.phase != Phase::gone)
    refuse_and_close(c, replies::refusal(400, "InvalidRequest", c.body.reason()));
  return false;
}

void RuntimeApi::Machine::reply(Connection& c, Reply const& answer, std::string_view content_type) {
  if (c.phase == Phase::gone) return;
  ++answers_;
  events_.send(c.id, reply_head(answer, content_type, c.keep_alive), answer.body);
  if (!c.keep_alive) close(c);
}

void RuntimeApi::Machine::refuse_and_close(Connection& c, Reply const& answer) {
  c.keep_alive = false;
  reply(c, answer);
}

void RuntimeApi::Machine::close(Connection& c) {
  if (c.phase == Phase::gone) return;
  drop(c);
  events_.close(c.id);
}

void RuntimeApi::Machine::drop(Connection& c) {
  c.phase = Phase::gone;
  gone_ = true;
  std::erase(parked_, c.id);
  extensions_.connection_closed(c.id);
  if (large_head_ == c.id) large_head_ = 0;
}

void RuntimeApi::Machine::sweep() {
  if (std::exchange(gone_, false))
    std::erase_if(connections_, [](auto const& c) { return c->phase == Phase::gone; });
  ended_.clear();
}

void RuntimeApi::Machine::end_of_input(ConnectionId id) {
  Scope scope(*this);
  auto* c = find(id);
  if (!c) return;
  bool const cut = c->phase == Phase::body || unfinished_head(id) != 0;
  if (c->phase == Phase::body)
    interrupted(*c, "the connection was closed before the end of the body");
  if (cut) return refuse_and_close(*c, replies::truncated());
  close(*c);
}

void RuntimeApi::Machine::closed(ConnectionId id) {
  Scope scope(*this);
  auto* c = find(id);
  if (!c) return;
  bool const mid_body = c->phase == Phase::body;
  drop(*c);
  if (mid_body) interrupted(*c, "the connection was closed before the end of the body");
}

bool RuntimeApi::Machine::wants_input(ConnectionId id) const {
  auto const* c = find(id);
  return c && !c->paused;
}

std::uint64_t RuntimeApi::Machine::unfinished_head(ConnectionId id) const {
  auto const* c = find(id);
  return c && c->phase == Phase::head && !c->input.empty() ? c->request : 0;
}

void RuntimeApi::Machine::head_is_late(ConnectionId id) {
  Scope scope(*this);
  if (unfinished_head(id) == 0) return;
  refuse_and_close(*find(id), replies::refusal(408, "InvalidRequest",
                                               "The request's head did not come in time"));
}

}  // namespace faas::inline v0::contract
