// What one warm call costs the host, counted: system calls of the thread that runs the loop, and
// allocations of this whole program. Times are the benches' affair.
#include <sys/syscall.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <new>

#include "support/host.hpp"
#include "support/system_calls.hpp"

namespace {
std::atomic<long> allocations{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace faas;
using namespace faas::test;

namespace {

constexpr int kCalls = 200;
constexpr long kCounted[] = {SYS_sendmsg,   SYS_sendto,     SYS_recvfrom,       SYS_read,
                             SYS_write,     SYS_accept4,    SYS_pwrite64,       SYS_getrandom,
                             SYS_epoll_ctl, SYS_epoll_wait, SYS_timerfd_settime};

// A function that answers with its event, warm, its log on disk.
struct Warm {
  TempDir state;
  Host host{options()};

  Warm() {
    TempDir directory;
    auto const bootstrap = directory / "bootstrap";
    std::filesystem::copy_file(FAAS_ECHO, bootstrap);
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
    Function function;
    function.name = "echo";
    function.runtime = "provided";
    function.handler = "echo";
    function.code = host.store(directory);
    host.deploy(std::move(function));
    for (int i = 0; i < 100; ++i) call("{}");
  }

  Options options() const {
    auto o = test_options();
    o.state_dir = state.path();
    return o;
  }

  void call(std::string payload) {
    auto const size = payload.size();
    bool answered = false;
    host.runtime().invoke("echo", std::move(payload), {}, [&](Result<Outcome> r) {
      answered = r.has_value() && r->ok() && r->payload.size() == size;
    });
    host.run();
    REQUIRE(answered);
  }

  // A call, by number. Nothing is checked while they are counted: a check that fails takes whoever
  // counts for a debugger.
  std::map<long, double> system_calls() {
    std::map<long, double> made;
    SystemCalls calls;
    for (long const number : kCounted) made[number] = static_cast<double>(-calls.of(number));
    for (int i = 0; i < kCalls; ++i) call("{}");
    for (long const number : kCounted)
      made[number] = (made[number] + static_cast<double>(calls.of(number))) / kCalls;
    return made;
  }

  double allocations_with(std::string const& payload) {
    call(payload);
    auto const before = allocations.load();
    for (int i = 0; i < kCalls; ++i) call(payload);
    return static_cast<double>(allocations - before) / kCalls;
  }
};

}  // namespace

TEST_CASE("the system calls of a warm call are counted, and do not grow") {
  Warm warm;
  auto const made = warm.system_calls();
  CHECK(made.at(SYS_sendmsg) == 2);     // the event, and the receipt of the answer
  CHECK(made.at(SYS_sendto) == 0);      // nothing is sent twice
  CHECK(made.at(SYS_recvfrom) <= 3);    // the answer, and `next`, which may not have come yet
  CHECK(made.at(SYS_read) <= 1.1);      // its output, before the call is over
  CHECK(made.at(SYS_pwrite64) <= 1.1);  // START, END and REPORT together
  CHECK(made.at(SYS_accept4) == 0);
  CHECK(made.at(SYS_getrandom) <= 0.1);
  CHECK(made.at(SYS_epoll_ctl) <= 2);
  double sum = 0;
  for (auto const& [number, count] : made) sum += count;
  CHECK(sum <= 12);
}

TEST_CASE("the allocations of a warm call are counted, and do not grow") {
  Warm warm;
  auto const each = warm.allocations_with("{}");
  CHECK(each > 0);
  CHECK(each <= 28);  // 27 when this was written
}

TEST_CASE("a warm call allocates nothing for each byte") {
  Warm warm;
  auto const small = warm.allocations_with(std::string(1'000, '1'));
  auto const large = warm.allocations_with(std::string(60'000, '1'));
  CHECK(large <= small + 2);
}
