// Network namespaces made before a jail asks for one. They belong to the user namespace of the
// spawner, so that no jail has a right over its own; loopback is up and the listener bound, by the
// steps a jail would walk.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/spawner/spawner.hpp"
#include "sandbox/spawner/state.hpp"

namespace spawner {
namespace {

// As many again of those that jails left.
struct Ready : Network {
  std::uint64_t only;  // 0: for any jail
  bool stubborn;       // its new listener could not be made yet
};
Ready ready[2 * wire::kMaxNetworks];
int count, fresh, wanted;
bool broken;  // none can be made: the host is out of something. Tried again after the next start.
int home = -1;
alignas(8) char plan[4096];
Start maker;  // what walks it

// Its listener, in the namespace this process is in.
int listen_here() {
  int error;
  for (int& slot : maker.slots) slot = -1;
  auto const* failed = walk(maker, side(wire::Where::network), error);
  if (!failed) return maker.slots[wire::kListener];
  for (int& slot : maker.slots) close_fd(slot);  // one that a step closed is free or another's here
  return -1;
}

void add(Network network, std::uint64_t only) {
  auto& place = ready[count++];
  static_cast<Network&>(place) = network;
  place.only = only;
  place.stubborn = false;
  fresh += only == 0;
}

Network take(int at) {
  Network const taken = ready[at];
  fresh -= ready[at].only == 0;
  memmove(ready + at, ready + at + 1, static_cast<std::size_t>(--count - at) * sizeof *ready);
  return taken;
}

void drop(int at) {
  auto network = take(at);
  close_network(network);
}

// A recycled one gets a listener of its own: on the old one a dead jail's calls may wait, and the
// host may hold it still.
bool renew(Ready& network) {
  if (network.listener >= 0) return true;
  network.stubborn = true;
  if (!enter_network(network)) return false;
  network.listener = listen_here();
  leave_network();
  network.stubborn = network.listener < 0;
  return !network.stubborn;
}

// One of the spawner's own; none: the host is out of something.
Network make() {
  if (unshare(CLONE_NEWNET) != 0) return kNoNetwork;
  Network made{open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), listen_here()};
  leave_network();
  if (made.space < 0 || made.listener < 0) close_network(made);
  return made;
}

// Networks of living jails that others may have after them.
int lent() {
  int sum = 0;
  for (int i = 0; i < state.highest; ++i)
    sum += state.jails[i].used && state.jails[i].network.space >= 0;
  return sum;
}

int find(std::uint64_t only) {
  for (int i = 0; i < count; ++i)
    if (ready[i].only == only) return i;
  return -1;
}

}  // namespace

void plan_networks(wire::Networks const& head, char const* steps) {
  auto const bytes = head.steps * sizeof(wire::Step) + head.arena;
  must(bytes <= sizeof plan && head.count <= wire::kMaxNetworks);
  memcpy(plan, steps, bytes);
  maker.head.steps = head.steps;
  maker.steps = reinterpret_cast<wire::Step const*>(plan);
  maker.arena = plan + head.steps * sizeof(wire::Step);
  must((home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) >= 0);
  wanted = static_cast<int>(head.count);
}

bool networks_wanted() {
  if (broken) return false;
  if (fresh < wanted) return true;
  for (int i = 0; i < count; ++i)
    if (ready[i].listener < 0 && !ready[i].stubborn) return true;
  return false;
}

void make_network() {
  for (int i = 0; i < count; ++i)
    if (ready[i].listener < 0 && !ready[i].stubborn) return (void)renew(ready[i]);
  Network const made = make();
  broken = made.space < 0;
  if (!broken) add(made, 0);
}

Network take_network(std::uint64_t only, bool listener) {
  broken = false;
  for (int at; only && (at = find(only)) >= 0; drop(at))
    if (!listener || renew(ready[at])) return take(at);
  int const at = find(0);
  return at < 0 ? kNoNetwork : take(at);
}

Network network_to_keep(std::uint64_t only) {
  return only && lent() + count - fresh < wanted ? make() : kNoNetwork;
}

void keep_network(Network& network, std::uint64_t only) {
  if (network.space < 0) return;
  int oldest = 0;
  while (oldest < count && ready[oldest].only == 0) ++oldest;
  if (count - fresh >= wanted && oldest < count) drop(oldest);
  add(network, only);
  network = kNoNetwork;
}

bool enter_network(Network const& network) { return setns(network.space, CLONE_NEWNET) == 0; }
void leave_network() { must(setns(home, CLONE_NEWNET) == 0); }

void close_network(Network& network) {
  close_fd(network.space);
  close_fd(network.listener);
}

}  // namespace spawner
