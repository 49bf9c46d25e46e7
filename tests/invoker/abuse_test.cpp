// How much of the host one jail can take through its Runtime API: rows R5, R7, R8, R15 and R16.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "invoker/jail.hpp"

using namespace faas;
using namespace faas::test;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

long resident_peak_kib() {
  rusage usage{};
  REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_maxrss;
}

// A sink that counts and forgets.
struct Counter final : CallSink {
  std::uint64_t bytes = 0;
  std::optional<Ending> ending;
  void on_head(ResponseHead const&) override {}
  bool on_chunk(std::string_view chunk) override {
    bytes += chunk.size();
    return true;
  }
  void on_end(Ending e) override { ending = std::move(e); }
};

std::string streams(std::uint64_t bytes) {
  return "TOTAL = " + std::to_string(bytes) + R"(
id = next_id(main)
main.sendall(answer_head(id, b'Transfer-Encoding: chunked\r\n'
                             b'Lambda-Runtime-Function-Response-Mode: streaming'))
piece = b'x' * (1 << 16)
try:
    for _ in range(TOTAL >> 16):
        main.sendall(b'10000\r\n' + piece + b'\r\n')
    main.sendall(b'0\r\n\r\n')
    print(main.recv(4096).split(b'\r\n')[0].decode(), flush=True)
except OSError:
    print('cut', flush=True)
next_id(connect())
)";
}

}  // namespace

TEST_CASE("half a head is told that it is late; who waits for work may wait for ever") {
  How how;
  how.options.head_timeout = 1s;
  Jail jail(R"(
id = next_id(main)
parked = connect()
slow = connect()
silent = connect()
slow.sendall(PING[:20])
told = slow.recv(4096)
assert told.startswith(b'HTTP/1.1 408 Request Timeout\r\n'), told
assert slow.recv(1) == b''
silent.sendall(PING)
assert silent.recv(4096).endswith(b'pong')
# Heads that end in time may leave half of another behind, again and again.
for _ in range(4):
    silent.sendall(PING[20:] if _ else PING + PING[:20])
    assert silent.recv(4096).endswith(b'pong')
    import time
    time.sleep(0.4)
    silent.sendall(PING[:20] if _ else b'')
finish(main, id, b'done')
finish(main, next_id(main), b'again')
next_id(main)
)",
            how);
  CHECK(jail.result_of(*jail.call()) == "done");
  jail.turns_in(1500ms);  // `next` waits longer than a head may
  CHECK(jail.result_of(*jail.call()) == "again");
}

TEST_CASE("half a head behind next is timed from the call that frees it") {
  How how;
  how.options.head_timeout = 500ms;
  Jail jail(R"(
main.sendall(NEXT + PING[:20])
data = b''
while b'408 Request Timeout' not in data:
    piece = main.recv(4096)
    assert piece
    data += piece
id = field(data, b'Lambda-Runtime-Aws-Request-Id')
other = connect()
other.sendall(answer(id, b'told'))
other.recv(4096)
next_id(other)
)",
            how);
  CHECK(jail.result_of(*jail.call()) == "told");
}

TEST_CASE("a jail has 32 connections, and those over it are closed at once") {
  Jail jail(R"(
id = next_id(main)
kept = [connect() for _ in range(100)]
served = 0
for s in kept:
    try:
        s.sendall(PING)
        served += s.recv(4096).endswith(b'pong')
    except OSError:
        pass
main.sendall(answer(id, b'%d' % served))
next_id(main)
)");
  auto const served = std::stoi(jail.result_of(*jail.call()));
  CHECK(served <= 31);  // and `main`, and the shim's own
  CHECK(served >= 30);
}

TEST_CASE("requests that move no call are answered at their pace") {
  Jail jail(R"(
import threading, time
id = next_id(main)
s = connect()
def flood():
    try:
        while True: s.sendall(PING * 100)
    except OSError:
        pass
threading.Thread(target=flood, daemon=True).start()
until = time.monotonic() + 3
told = 0
s.settimeout(0.1)
while time.monotonic() < until:
    try:
        told += s.recv(1 << 20).count(b'pong')
    except TimeoutError:
        pass
main.sendall(answer(id, b'%d' % told))
next_id(main)
)");
  auto const told = std::stoi(jail.result_of(*jail.call()));
  CHECK(told > 500);
  // 1,000 at once, 1,000 a second, and what one read of 64 KiB may overdraw.
  CHECK(told < 1'000 + 3 * 1'000 + 2'000);
}

TEST_CASE("a new connection for each flood of requests is no way around the pace") {
  Jail jail(R"(
import time
id = next_id(main)
until = time.monotonic() + 3
told = 0
while time.monotonic() < until:
    s = connect()
    s.settimeout(0.02)
    try:
        s.sendall(PING * 700)
        while piece := s.recv(1 << 20):
            told += piece.count(b'pong')
    except OSError:
        pass
    s.close()
main.sendall(answer(id, b'%d' % told))
next_id(main)
)");
  auto const told = std::stoi(jail.result_of(*jail.call()));
  CHECK(told > 500);
  CHECK(told < 1'000 + 3 * 1'000 + 2'000);
}

TEST_CASE("the calls of a jail that says next ten thousand times are answered all the same") {
  Jail jail(R"(
import threading
id = next_id(main)
s = connect()
def flood():
    try:
        s.sendall(NEXT * 10_000)
        while s.recv(1 << 20): pass
    except OSError:
        pass
threading.Thread(target=flood, daemon=True).start()
wait = connect()
wait.sendall(PING)
wait.recv(4096)
main.sendall(answer(id, b'once'))
main.recv(4096)
main.recv(1)
)");
  auto const call = jail.call();
  CHECK(jail.result_of(*call) == "once");
}

TEST_CASE("a streamed response is cut at 200 MiB, and the environment stays usable") {
  How how;
  how.options.stream_rate = {0};
  auto const sink = std::make_shared<Counter>();
  Jail jail(streams(201 << 20), how);
  auto const memory_before = resident_peak_kib();
  jail.stream(sink);
  jail.run_until([&] { return sink->ending.has_value(); });
  CHECK(sink->bytes == 200u << 20);
  CHECK(sink->ending->error_type == "Function.ResponseSizeTooLarge");
  CHECK(sink->ending->reusable);
  CHECK(resident_peak_kib() - memory_before < 32 * 1024);
  jail.run_until([&] { return jail.output().find("413") != std::string::npos; });
}

TEST_CASE("a stream goes at its pace once its first 6 MiB are through") {
  How how;
  how.options.stream_rate = 1_MiB;
  auto const sink = std::make_shared<Counter>();
  Jail jail(streams(8 << 20), how);
  auto const begun = Clock::now();
  jail.stream(sink);
  jail.run_until([&] { return sink->bytes >= 6u << 20; });
  jail.run_until([&] { return sink->ending.has_value(); });
  CHECK(sink->ending->status == Status::ok);
  CHECK(sink->bytes == 8u << 20);
  CHECK(seconds_since(begun) > 1.8);  // 2 MiB beyond the burst
}

TEST_CASE("a collected response has no pace") {
  How how;
  how.options.stream_rate = {1};
  Jail jail(streams(4 << 20), how);
  CHECK(jail.result_of(*jail.call()).size() == 4u << 20);
}

TEST_CASE("what a jail sent ahead of its stream's pace is still read when it is gone") {
  How how;
  how.options.stream_rate = 64_KiB;
  auto const sink = std::make_shared<Counter>();
  Jail jail(R"(
import os
id = next_id(main)
body = b'x' * (6 << 20) + b'y' * 500_000
main.sendall(answer_head(id, b'Content-Length: %d' % len(body)) + body)
print('sent', flush=True)
os._exit(0)
)",
            how);
  jail.stream(sink);
  jail.run_until([&] { return sink->ending.has_value(); });
  CHECK(sink->ending->status == Status::ok);
  CHECK(sink->bytes == (6u << 20) + 500'000);
}

TEST_CASE("who goes on sending after its connection was closed is cut off") {
  Jail jail(R"(
id = next_id(main)
s = connect()
s.sendall(b'not HTTP\r\n\r\n')
sent = 0
try:
    while sent < 1 << 30:
        s.sendall(b'x' * (1 << 20))
        sent += 1 << 20
except OSError:
    pass
main.sendall(answer(id, b'%d' % (sent >> 20)))
next_id(main)
)");
  // 16 MiB are dropped for it, and the sockets hold some.
  CHECK(std::stoi(jail.result_of(*jail.call())) < 64);
}

TEST_CASE("an answer without end, fast or byte by byte, takes no memory and ends with the call") {
  SUBCASE("fast, in one chunk of 2^59 bytes") {
    Jail jail(R"(
id = next_id(main)
main.sendall(answer_head(id, b'Transfer-Encoding: chunked') + b'800000000000000\r\n')
try:
    while True: main.sendall(b'x' * (1 << 20))
except OSError:
    pass
next_id(connect())
)");
    auto const memory_before = resident_peak_kib();
    auto const sink = std::make_shared<Counter>();
    jail.call(sink);
    jail.run_until([&] { return sink->ending.has_value(); });
    CHECK(sink->ending->error_type == "Function.ResponseSizeTooLarge");
    CHECK(sink->bytes == 6'291'556);
    CHECK(resident_peak_kib() - memory_before < 16 * 1024);
  }
  SUBCASE("byte by byte") {
    Jail jail(R"(
import time
id = next_id(main)
main.sendall(answer_head(id, b'Transfer-Encoding: chunked'))
while True:
    main.sendall(b'1\r\nx\r\n')
    time.sleep(0.05)
)",
              {.timeout = 2s});
    auto const sink = std::make_shared<Counter>();
    jail.call(sink);
    jail.run_until([&] { return sink->ending.has_value(); });
    CHECK(sink->ending->status == Status::timed_out);
    CHECK(sink->bytes > 5);
  }
  SUBCASE("of a length that cannot be") {
    Jail jail(R"(
id = next_id(main)
main.sendall(answer_head(id, b'Content-Length: 1000000000000000000') + b'x')
print(main.recv(4096).split(b'\r\n')[0].decode(), flush=True)
next_id(connect())
)");
    auto const sink = std::make_shared<Counter>();
    jail.call(sink);
    jail.run_until([&] { return sink->ending.has_value(); });
    CHECK(sink->ending->error_type == "Function.ResponseSizeTooLarge");
    CHECK(sink->bytes == 0);
    jail.run_until([&] { return jail.output().find("413") != std::string::npos; });
  }
}
