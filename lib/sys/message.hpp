// Messages with descriptors over a unix socket of records (SOCK_SEQPACKET).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "sys/fd.hpp"

namespace faas::inline v0::sys {

// A connected pair, both ends O_CLOEXEC.
Result<std::pair<Fd, Fd>> seqpacket_pair();

// Sends one record. False: the socket is full; nothing was sent. Never blocks, never raises
// SIGPIPE.
Result<bool> send_message(int socket, std::span<iovec const> parts, std::span<int const> fds);

struct Message {
  std::size_t size = 0;  // 0: the peer is gone
  std::vector<Fd> fds;   // O_CLOEXEC; at most 8
  // the record was longer than the buffer, or had more descriptors than fit into 8 and our table
  bool cut = false;
};
// Takes one record into `buffer`, a longer one cut to it. Never blocks: Errc::unavailable if there
// is none.
Result<Message> receive_message(int socket, std::span<std::byte> buffer);

}  // namespace faas::inline v0::sys
