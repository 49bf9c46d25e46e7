// The spawner as its library sees it: a process, a socket, requests out and replies in.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/wire.hpp"
#include "sys/process.hpp"

namespace faas::inline v0::sandbox {

struct SpawnerReply {
  wire::Reply head;
  std::vector<sys::Fd> fds;
};

class SpawnerProcess {
 public:
  // Returns once it has said hello. Errors: io, internal (an image of another version).
  static Result<SpawnerProcess> start();
  SpawnerProcess(SpawnerProcess&&) noexcept = default;
  SpawnerProcess& operator=(SpawnerProcess&&) = delete;
  // Closes its socket and waits: it kills its jails, reaps them and ends.
  ~SpawnerProcess();

  int pid() const { return child_.pid; }
  bool alive() const { return !sys::has_ended(child_.pidfd.get()); }
  int socket() const { return socket_.get(); }

  // In order, now or when the socket has room: see wants_to_write. Descriptors are borrowed until
  // this returns. Errors: io (it is dead).
  Result<void> send(std::string message, std::vector<int> const& fds);
  bool wants_to_write() const { return !waiting_.empty(); }
  void write_more();

  // Nothing: no message yet. Errors: io (it is dead).
  Result<std::optional<SpawnerReply>> receive();

 private:
  struct Waiting {
    std::string message;
    std::vector<sys::Fd> fds;
  };
  SpawnerProcess(sys::Child child, sys::Fd socket)
      : child_(std::move(child)), socket_(std::move(socket)) {}

  sys::Child child_;
  sys::Fd socket_;
  std::deque<Waiting> waiting_;
};

}  // namespace faas::inline v0::sandbox
