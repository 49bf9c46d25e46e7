// What a warm native call costs the host: counted, not timed. The C library's calls are replaced by
// ones that count and then do the same.
#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "invoker/channel.hpp"

namespace {

struct Counts {
  long sends = 0, receives = 0, watches = 0, allocations = 0, bytes = 0;
} counts;

}  // namespace

extern "C" ssize_t sendmsg(int fd, msghdr const* message, int flags) {
  ++counts.sends;
  return ::syscall(SYS_sendmsg, fd, message, flags);
}
extern "C" ssize_t recvmsg(int fd, msghdr* message, int flags) {
  ++counts.receives;
  return ::syscall(SYS_recvmsg, fd, message, flags);
}
extern "C" int epoll_ctl(int epoll, int op, int fd, epoll_event* event) noexcept {
  struct stat status {};
  // Not Asio's own, which is for the reactor's descriptor.
  if (::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) ++counts.watches;
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, op, fd, event));
}

void* operator new(std::size_t size) {
  ++counts.allocations;
  counts.bytes += static_cast<long>(size);
  if (void* p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace faas;
using namespace faas::test;

namespace {

// Of the host's part of `calls` calls; the test's own reading and writing is not counted.
Counts cost_of(int calls, std::size_t size) {
  Channel channel(Channel::Ready{});
  channel.answer.reserve(1 << 20);
  Counts total;
  for (int call = 1; call <= calls + 10; ++call) {
    std::string event(size, 'y');
    auto answer =
        record(FAAS_RESPONSE_, static_cast<std::uint64_t>(call), "a/b", event, FAAS_ASKS_);
    iovec const part{answer.data(), answer.size()};
    channel.answer.clear();
    counts = {};
    channel.call(std::move(event));
    auto const sent = counts;
    channel.take();
    REQUIRE(sys::send_message(channel.guest.get(), {&part, 1}, {}).value());
    counts = {};
    channel.turn();
    if (call <= 10) continue;  // buffers grow to what they need
    total.sends += sent.sends + counts.sends;
    total.receives += sent.receives + counts.receives;
    total.watches += sent.watches + counts.watches;
    total.allocations += sent.allocations + counts.allocations;
    total.bytes += sent.bytes + counts.bytes;
  }
  CHECK(channel.answers == calls + 10);
  return total;
}

}  // namespace

TEST_CASE("a warm native call is one send and one receive, and watches nothing anew") {
  auto const cost = cost_of(100, 1000);
  CHECK(cost.sends == 100);
  CHECK(cost.receives == 100);
  CHECK(cost.watches == 0);
}

TEST_CASE("what a warm native call allocates does not grow with its payload") {
  auto const small = cost_of(100, 100), large = cost_of(100, 3500);
  CHECK(large.allocations == small.allocations);
  CHECK(large.bytes == small.bytes);
  CHECK(small.allocations <= 200);
}
