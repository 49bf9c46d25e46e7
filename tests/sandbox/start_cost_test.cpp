// What one start costs the host's side, counted: system calls of the thread that submits, and
// allocations of this whole program, for each kind of start. Times are the benches' affair.
#include <sys/syscall.h>

#include "jails.hpp"
#include "support/allocations.hpp"
#include "support/system_calls.hpp"

using namespace faas;
using namespace faas::test;

namespace {

struct Cost {
  StartedFrom from = StartedFrom::fresh;
  long allocations = 0, calls = 0, made = 0, opened = 0, sent = 0;
};

// With one call of the counting itself at most. Of one submit, the third of its function: the first
// has the filter compiled, and so on.
Cost cost(unsigned networks, unsigned shells) {
  auto options = jail_options();
  options.networks = networks;
  options.shells = shells;
  Jails jails(options);
  Cost cost;
  for (int i = 0; i < 3; ++i) {
    auto spec = Jails::victim({"hello"});
    spec.listener = true;
    jails.settle();
    Ticket ticket = 0;
    long total = 0;
    {
      SystemCalls const calls;
      auto const before = allocations.load();
      ticket = jails.sandbox().submit(spec).value();
      cost.allocations = allocations - before;
      for (long n = 0; n < 512; ++n) total += calls.of(n);
      cost.made = calls.of(SYS_mkdirat);
      cost.opened = calls.of(SYS_openat);
      cost.sent = calls.of(SYS_sendmsg);
    }
    cost.calls = total;
    auto const event = jails.next(ticket);
    REQUIRE(event.has_value());
    REQUIRE(std::holds_alternative<Started>(*event));
    cost.from = std::get<Started>(*event).from;
    ::close(std::get<Started>(*event).listener);
    REQUIRE(std::holds_alternative<Exited>(*jails.next(ticket)));
  }
  return cost;
}

bool without_root() { return skipped_unless(::geteuid() == 0, "only root has pools"); }

}  // namespace

TEST_CASE("a fresh start makes a cgroup and sends one message") {
  auto const found = cost(0, 0);
  CHECK(found.from == StartedFrom::fresh);
  CHECK(found.sent == 1);
  CHECK(found.made <= 1);
  CHECK(found.opened <= 1);
  CHECK(found.calls <= 6);
  CHECK(found.allocations <= 12);
}

TEST_CASE("a start from pools sends one message, and makes and opens nothing") {
  if (without_root()) return;
  auto const found = cost(2, 0);
  CHECK(found.from == StartedFrom::pooled);
  CHECK(found.sent == 1);
  CHECK(found.made + found.opened == 0);
  CHECK(found.calls <= 4);
  CHECK(found.allocations <= 12);
}

TEST_CASE("a start in a shell sends one message, and makes and opens nothing") {
  if (without_root()) return;
  auto const found = cost(0, 1);
  CHECK(found.from == StartedFrom::shell);
  CHECK(found.sent == 1);
  CHECK(found.made + found.opened == 0);
  CHECK(found.calls <= 6);
  CHECK(found.allocations <= 14);
}
