// The jail's network: a loopback interface, and the listener of the Runtime API.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "sandbox/plan_builder.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr std::uint16_t kListenerPort = 9001;

void plan_listener(Builder& b) {
  // G11: identity is which listener accepted. Bound before any byte of the function runs and
  // without SO_REUSEPORT, so it can neither take the port nor share it.
  b.open(slot::listener, "listener-socket", FAAS_CALL(socket),
         {FAAS_N(AF_INET), FAAS_N(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK), number(0)});
  // What a jail before it left behind in a recycled network (TIME_WAIT) must not keep the port; a
  // listening socket keeps it all the same.
  b.step("listener-reuse", FAAS_CALL(setsockopt),
         {slot::listener, FAAS_N(SOL_SOCKET), FAAS_N(SO_REUSEADDR), structure(int{1}, "1"),
          number(sizeof(int))});
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kListenerPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  b.step("listener-bind", FAAS_CALL(bind),
         {slot::listener, structure(address, "127.0.0.1:9001"), number(sizeof address)});
  b.step("listener-listen", FAAS_CALL(listen), {slot::listener, number(128)});
}

}  // namespace

// Needs no mapped id, so it runs while the spawner writes the maps.
void plan_network(Builder& b) {
  b.in(wire::Where::network);
  // A new network namespace has a loopback that is down; nothing else is in it, so no route to the
  // host.
  b.open(slot::temp, "loopback-socket", FAAS_CALL(socket),
         {FAAS_N(AF_INET), FAAS_N(SOCK_DGRAM | SOCK_CLOEXEC), number(0)});
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  b.step("loopback-up", FAAS_CALL(ioctl),
         {slot::temp, FAAS_N(SIOCSIFFLAGS), structure(request, "{lo, IFF_UP|IFF_RUNNING}")});
  b.close(slot::temp);
  if (b.spec.listener) plan_listener(b);
  b.in(wire::Where::jail);
}

Plan make_network(Facts const& host) {
  Spec spec;
  spec.listener = true;
  Builder b(spec, host);
  plan_network(b);
  return std::move(b.plan);
}

}  // namespace faas::inline v0::sandbox
