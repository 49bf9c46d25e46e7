// Datagrams with descriptors, between the spawner and its library or its jails.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sandbox/spawner/spawner.hpp"

namespace spawner {

ssize_t send_with(int socket, void const* message, std::size_t size, int const* fds, int count) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  iovec io{const_cast<void*>(message), size};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  if (count) {
    auto const bytes = static_cast<std::size_t>(count) * sizeof(int);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(bytes);
    auto* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), fds, bytes);
  }
  ssize_t sent;
  do sent = sendmsg(socket, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t receive(int socket, void* buffer, std::size_t size, int flags, int* fds, int& count,
                pid_t* sender) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
  iovec io{buffer, size};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  count = 0;
  ssize_t const n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | flags);
  if (n < 0) return n;
  for (auto* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_RIGHTS) {
      count = static_cast<int>((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      memcpy(fds, CMSG_DATA(c), static_cast<std::size_t>(count) * sizeof(int));
    } else if (c->cmsg_type == SCM_CREDENTIALS && sender) {
      *sender = reinterpret_cast<ucred const*>(CMSG_DATA(c))->pid;
    }
  }
  return n;
}

}  // namespace spawner
