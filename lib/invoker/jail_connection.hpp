// One connection of the runtime inside the jail.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <string>
#include <utility>

#include "invoker/jail_instance.hpp"

namespace faas::inline v0::invoker {

struct JailInstance::Connection final : Source {
  JailInstance& owner;
  contract::ConnectionId id;
  sys::Fd fd;
  std::string out;  // what the peer has not read yet
  // the contract is done with it: write `out`, then read until the peer closes
  bool closing = false;
  std::size_t dropped = 0;  // bytes read since
  bool given_up = false;    // it did not read: no further answer goes out
  std::uint32_t interest = EPOLLIN;
  Reactor::Timer head_timer = Reactor::Timer::none;  // half a request's head has come
  Reactor::Timer rest_timer = Reactor::Timer::none;  // it asked too much: not read until then

  Connection(JailInstance& o, contract::ConnectionId i, sys::Fd f)
      : owner(o), id(i), fd(std::move(f)) {}
  ~Connection() {
    owner.context_.reactor.cancel(head_timer);
    owner.context_.reactor.cancel(rest_timer);
  }
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  void on_ready(std::uint32_t events) override;
  bool on_expected() override;
  bool flush();
};

}  // namespace faas::inline v0::invoker
