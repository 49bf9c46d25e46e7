// A function that abuses its Runtime API harms itself at most: rows R8 and R16, with a neighbour.
#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// Calls `name` while `peer` is called all the time; the outcome of `name`.
Outcome beside_peer(Host& host, std::string const& name, std::string const& payload, int& served) {
  std::optional<Outcome> outcome;
  host.runtime().invoke(FunctionName(name), payload, {},
                        [&](Result<Outcome> r) { outcome = std::move(r).value(); });
  do {
    std::optional<Outcome> answer;
    host.runtime().invoke("peer", "1", {},
                          [&](Result<Outcome> r) { answer = std::move(r).value(); });
    while (!answer) {
      host.io().restart();
      REQUIRE(host.io().run_one_for(60s) > 0);
    }
    REQUIRE(answer->status == Status::ok);
    ++served;
  } while (!outcome);
  return *outcome;
}

}  // namespace

TEST_CASE("a thousand slow connections hold up neither their own function nor its neighbour") {
  Host host;
  host.deploy_python("peer", kEcho);
  host.deploy_python("slow", R"(
import socket
PING = b'GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\n\r\n'
kept = []
def handler(event, context):
    for i in range(event):
        s = socket.socket()
        try:
            s.connect(('127.0.0.1', 9001))
            s.sendall(PING[:1] if i % 2 else PING)  # half a head, or an answer nobody reads
        except OSError:
            pass
        kept.append(s)
    return len(kept)
)",
                     {.timeout = 30s});
  int served = 0;
  CHECK(beside_peer(host, "slow", "1000", served).payload == "1000");
  auto const warm = beside_peer(host, "slow", "0", served);
  CHECK(warm.payload == "1000");
  CHECK(warm.start == StartLevel::warm);
  for (int i = 0; i < 100; ++i) CHECK(host.invoke("peer").value().ok());
}

TEST_CASE("a million tiny requests at once hold up neither their own function nor its neighbour") {
  Host host;
  host.deploy_python("peer", kEcho);
  host.deploy_python("flood", R"(
import socket, threading
PING = b'GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\n\r\n'
def flood(s):
    try:
        s.sendall(PING * 125_000)
    except OSError:
        pass
def drain(s):
    try:
        while s.recv(1 << 20): pass
    except OSError:
        pass
def handler(event, context):
    for _ in range(8):
        s = socket.create_connection(('127.0.0.1', 9001))
        for work in flood, drain:
            threading.Thread(target=work, args=(s,), daemon=True).start()
    return 'begun'
)",
                     {.memory = 512_MiB, .timeout = 30s});
  int served = 0;
  CHECK(beside_peer(host, "flood", "1", served).payload == "\"begun\"");
  // They go on while nobody waits for them.
  for (int i = 0; i < 300; ++i) CHECK(host.invoke("peer").value().ok());
}
