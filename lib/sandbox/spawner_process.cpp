#include "sandbox/spawner_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <span>

#include "sys/memfd.hpp"
#include "sys/message.hpp"

extern "C" char const faas_spawner_begin[];
extern "C" char const faas_spawner_end[];

namespace faas::inline v0::sandbox {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

Error dead() { return {Errc::io, "the spawner process has ended", "SpawnerLost", "start"}; }

Result<bool> try_send(int socket, std::string const& message, std::span<int const> fds) {
  iovec part{const_cast<char*>(message.data()), message.size()};
  return sys::send_message(socket, {&part, 1}, fds);
}

}  // namespace

Result<SpawnerProcess> SpawnerProcess::start() {
  // G4: sealed, so that nothing a jail might reach leads to a program somebody can write
  // (CVE-2019-5736).
  std::string_view const image(faas_spawner_begin,
                               static_cast<std::size_t>(faas_spawner_end - faas_spawner_begin));
  auto program = sys::sealed_memfd("faas-spawner", image);
  if (!program) return program.error();
  auto pair = sys::seqpacket_pair();
  if (!pair) return pair.error();
  auto host = sys::open_process(::getpid());
  if (!host) return host.error();
  // Room for a start of any size; the kernel caps it at wmem_max.
  int const room = 2 * static_cast<int>(wire::kMaxMessage);
  ::setsockopt(pair->first.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  auto child = sys::spawn_hidden({.image = program->get(),
                                  .argv = {"faas-spawner"},
                                  .first = wire::kSpawnerSocket,
                                  .fds = {pair->second.get(), host->get()}});
  if (!child) return child.error();
  pair->second.reset();
  SpawnerProcess spawner(std::move(*child), std::move(pair->first));
  pollfd p{spawner.socket(), POLLIN, 0};
  while (::poll(&p, 1, 10'000) < 0 && errno == EINTR) {
  }
  auto hello = spawner.receive();
  if (!hello) return hello.error();
  if (!*hello || (*hello)->head.kind != wire::ReplyKind::hello ||
      (*hello)->head.version != wire::kVersion)
    return Error{Errc::internal, "the spawner does not speak this library's version", {}, "start"};
  return spawner;
}

SpawnerProcess::~SpawnerProcess() {
  if (!child_.pidfd) return;
  socket_.reset();
  if (!sys::wait_until_ended(child_.pidfd.get(), kPatience)) {
    sys::signal_process(child_.pidfd.get(), SIGKILL);  // stopped by somebody; its jails die with it
    sys::wait_until_ended(child_.pidfd.get(), kPatience);
  }
  sys::reap(child_.pidfd.get());
}

Result<void> SpawnerProcess::send(std::string message, std::vector<int> const& fds) {
  if (waiting_.empty()) {
    auto sent = try_send(socket_.get(), message, fds);
    if (!sent) return dead();
    if (*sent) return {};
  }
  Waiting later{std::move(message), {}};
  for (int const fd : fds) {
    later.fds.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!later.fds.back()) return sys::errno_error("fcntl F_DUPFD_CLOEXEC", errno);
  }
  waiting_.push_back(std::move(later));
  return {};
}

void SpawnerProcess::write_more() {
  while (!waiting_.empty()) {
    auto const& next = waiting_.front();
    std::vector<int> fds;
    for (auto const& fd : next.fds) fds.push_back(fd.get());
    auto sent = try_send(socket_.get(), next.message, fds);
    if (sent && !*sent) return;  // still full; if it failed, receive() says so
    waiting_.pop_front();
  }
}

Result<std::optional<SpawnerReply>> SpawnerProcess::receive() {
  SpawnerReply reply;
  auto message =
      sys::receive_message(socket_.get(), std::as_writable_bytes(std::span(&reply.head, 1)));
  if (!message && message.error().code == Errc::unavailable) return std::optional<SpawnerReply>();
  if (!message || message->size != sizeof reply.head) return dead();
  reply.fds = std::move(message->fds);
  return std::optional(std::move(reply));
}

}  // namespace faas::inline v0::sandbox
