// The sockets of a jail: accepting, reading, writing, and the limits on each (rows R8 and R16).
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "invoker/jail_connection.hpp"

namespace faas::inline v0::invoker {

constexpr std::size_t kMaxLingering = 32;
// Of bytes read from a connection that we have closed, so that its peer can read why.
constexpr std::size_t kLingerLimit = 16 * 1024 * 1024;
// Of answers that wait for their reader when it asks for more. One answer may be larger; a client
// reads it before its next request, and an asker that does not read is not given our memory.
constexpr std::size_t kUnreadLimit = 64 * 1024;
constexpr auto kListenerRest = std::chrono::milliseconds(100);
constexpr int kAcceptTurns = 64;
constexpr int kReadTurns = 16;  // a peer that writes without end gets its turn again after others

bool JailInstance::Connection::flush() {
  while (!out.empty()) {
    auto const n = ::send(fd.get(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    out.erase(0, static_cast<std::size_t>(n));
  }
  if (closing) ::shutdown(fd.get(), SHUT_WR);
  return true;
}

void JailInstance::Connection::on_ready(std::uint32_t events) {
  auto& instance = owner;
  if ((events & EPOLLOUT) != 0 && !flush()) return instance.destroy(*this);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !instance.read_connection(*this)) return;
  instance.set_interest(*this);
  instance.time_head(*this);
}

bool JailInstance::Connection::on_expected() {
  auto& instance = owner;
  auto const before = instance.reads_;
  if ((interest & EPOLLIN) == 0) return false;
  if (instance.read_connection(*this)) {
    if (instance.reads_ == before) return false;
    instance.set_interest(*this);
    instance.time_head(*this);
  }
  return true;
}

void JailInstance::accept_all() {
  for (int turn = 0; listener_ && (gone_ || turn < kAcceptTurns); ++turn) {
    sys::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return errno == EMFILE || errno == ENFILE ? rest_listener() : void();
    auto const id = api_->open();
    if (!id) continue;  // over the cap: closed at once
    auto connection = std::make_unique<Connection>(*this, *id, std::move(fd));
    if (!context_.reactor.watch(connection->fd.get(), EPOLLIN, connection.get())) {
      api_->closed(*id);
      continue;
    }
    auto& accepted = *connections_.emplace(*id, std::move(connection)).first->second;
    keep_pace(accepted);
    set_interest(accepted);
  }
}

// The host is out of descriptors, and epoll would tell of the waiting connection without end.
void JailInstance::rest_listener() {
  if (listener_rest_ != Reactor::Timer::none) return;
  context_.reactor.forget(listener_.get(), &listener_watch_);
  listener_rest_ = context_.reactor.at(std::chrono::steady_clock::now() + kListenerRest, [this] {
    listener_rest_ = Reactor::Timer::none;
    if (!context_.reactor.watch(listener_.get(), EPOLLIN, &listener_watch_)) rest_listener();
  });
}

bool JailInstance::read_connection(Connection& connection) {
  auto const outer = std::exchange(reading_, true);
  bool const alive = read_turns(connection);
  reading_ = outer;
  return alive;
}

bool JailInstance::read_turns(Connection& connection) {
  std::array<char, 65'536> buffer;
  // What a jail that has gone left behind has an end, and is read to it.
  for (int turn = 0; gone_ || turn < kReadTurns; ++turn) {
    if (!connection.closing && !may_read(connection)) break;
    auto const n = ::recv(connection.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    ++reads_;
    if (n == 0 && !connection.closing) api_->end_of_input(connection.id);
    if (n <= 0) {
      destroy(connection);
      return false;
    }
    if (connection.closing) {
      connection.dropped += static_cast<std::size_t>(n);
      if (connection.dropped > kLingerLimit) return destroy(connection), false;
    } else {
      api_->receive(connection.id, std::string_view(buffer.data(), static_cast<std::size_t>(n)));
      if (api_->chatter() != chatter_) keep_pace(connection);
    }
    // A short read has emptied the socket; level-triggered epoll tells of what comes later.
    if (static_cast<std::size_t>(n) < buffer.size()) break;
  }
  return true;
}

void JailInstance::read_everything() {
  accept_all();
  read_connections();
}

void JailInstance::read_connections() {
  std::vector<contract::ConnectionId> ids;
  for (auto const& [id, connection] : connections_) ids.push_back(id);
  for (auto const id : ids) {
    auto const found = connections_.find(id);
    if (found == connections_.end()) continue;
    auto& connection = *found->second;
    if (read_connection(connection)) set_interest(connection);
  }
}

bool JailInstance::may_read(Connection const& connection) const {
  return connection.rest_timer == Reactor::Timer::none && api_->wants_input(connection.id);
}

// R16. Answering a ping costs the host more than asking costs the jail, and only the jail's part is
// charged to it: who asks beyond the jail's pace is not read for a while, nor who connects
// meanwhile.
void JailInstance::keep_pace(Connection& connection) {
  auto const now = std::chrono::steady_clock::now();
  auto const asked = api_->chatter() - std::exchange(chatter_, api_->chatter());
  auto const rest = chatter_pace_.take(asked, now);
  if (rest == Duration{}) return;
  connection.rest_timer = context_.reactor.at(now + rest, [this, &connection] {
    connection.rest_timer = Reactor::Timer::none;
    set_interest(connection);
  });
}

// R8. A connection has one timer while half a head waits; a head that ends in time leaves it to
// find the next one, or none.
void JailInstance::time_head(Connection& connection) {
  auto const head = api_->unfinished_head(connection.id);
  if (head == 0 || connection.head_timer != Reactor::Timer::none) return;
  auto const end = std::chrono::steady_clock::now() + context_.options.head_timeout;
  connection.head_timer = context_.reactor.at(end, [this, &connection, head] {
    connection.head_timer = Reactor::Timer::none;
    if (api_->unfinished_head(connection.id) != head) return time_head(connection);
    api_->head_is_late(connection.id);
  });
}

void JailInstance::set_interest(Connection& connection) {
  std::uint32_t wanted = 0;
  if (connection.closing || may_read(connection)) wanted |= EPOLLIN;
  if (!connection.out.empty()) wanted |= EPOLLOUT;
  if (wanted == connection.interest) return;
  // Epoll tells of a hang-up whatever is asked for, again and again: a connection of which nothing
  // is wanted is not watched.
  auto const before = std::exchange(connection.interest, wanted);
  auto const fd = connection.fd.get();
  if (wanted == 0) return context_.reactor.forget(fd, &connection);
  if (before != 0) return context_.reactor.change(fd, wanted, &connection);
  if (!context_.reactor.watch(fd, wanted, &connection)) connection.interest = 0;
}

void JailInstance::destroy(Connection& connection) {
  context_.reactor.forget(connection.fd.get(), &connection);
  if (connection.closing) {
    std::erase_if(lingering_, [&](auto const& c) { return c.get() == &connection; });
    return;
  }
  auto const id = connection.id;
  auto const gone = std::move(connections_.find(id)->second);
  connections_.erase(id);
  api_->closed(id);
}

// One direct system call in the ordinary case; what the socket does not take waits for EPOLLOUT.
void JailInstance::send(contract::ConnectionId id, std::string_view head, std::string_view body) {
  auto const found = connections_.find(id);
  if (found == connections_.end()) return;
  auto& connection = *found->second;
  if (connection.given_up) return;
  if (connection.out.size() > kUnreadLimit) return give_up(connection);
  std::size_t sent = 0;
  if (connection.out.empty()) {
    std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                               iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = body.empty() ? 1 : 2;
    auto const n = ::sendmsg(connection.fd.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) sent = static_cast<std::size_t>(n);
  }
  if (sent < head.size()) connection.out.append(head.substr(sent));
  auto const body_sent = sent > head.size() ? sent - head.size() : 0;
  connection.out.append(body.substr(body_sent));
  time_head(connection);  // what waited behind the `next` that this answers may be half a head
  if (!connection.out.empty()) return set_interest(connection);
  context_.reactor.expect(&connection);
}

// What it sent is still read, then the end of it destroys the connection.
void JailInstance::give_up(Connection& connection) {
  connection.given_up = true;
  connection.out = {};
  ::shutdown(connection.fd.get(), SHUT_RDWR);
  set_interest(connection);
}

// The peer must be able to read what we wrote: closing with bytes unread would reset the
// connection.
void JailInstance::close(contract::ConnectionId id) {
  auto const found = connections_.find(id);
  if (found == connections_.end()) return;
  auto& connection = *found->second;
  connection.closing = true;
  lingering_.push_back(std::move(found->second));
  connections_.erase(found);
  if (connection.out.empty()) ::shutdown(connection.fd.get(), SHUT_WR);
  set_interest(connection);
  // A jail that never closes its side does not get to hold our descriptors.
  if (lingering_.size() > kMaxLingering) destroy(*lingering_.front());
}

}  // namespace faas::inline v0::invoker
