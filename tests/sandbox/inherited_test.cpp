// D17, A12, A4: whatever the host program asked for itself, a jail has what every jail has.
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

#include "jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string all_it_says(Jails::Running const& running) {
  std::string text;
  while (text.find("stronger") == std::string::npos || !text.ends_with('\n')) {
    auto const more = Jails::read(running);
    if (more.empty()) break;
    text += more;
  }
  return text;
}

// What a jail says whose host is a process spoiled like that.
std::string seen_from_host(void (*spoil)()) {
  auto [ours, theirs] = Jails::pipe();
  auto const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    spoil();
    std::string text = "nothing";
    {
      Jails jails;
      auto running = jails.start(Jails::victim({"inherited"}));
      text = all_it_says(running);
      auto const io = ::syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, running.started.pid);
      text += "io " + std::to_string(IOPRIO_PRIO_CLASS(io)) + "\n";
    }
    auto const written = ::write(theirs.get(), text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  theirs.reset();
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ours.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  return text;
}

void set_soft(decltype(RLIMIT_CORE) resource, rlim_t value) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  limit.rlim_cur = std::min(value, limit.rlim_max);
  ::setrlimit(resource, &limit);
}

// What anybody may ask for.
void be_odd() {
  for (int const s : {SIGHUP, SIGPIPE, SIGUSR1, SIGRTMIN + 3}) ::signal(s, SIG_IGN);
  sigset_t some;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &some, nullptr);
  set_soft(RLIMIT_SIGPENDING, 7);
  set_soft(RLIMIT_STACK, RLIM_INFINITY);
  set_soft(RLIMIT_CPU, 1000);
  set_soft(RLIMIT_FSIZE, 1 << 30);
  set_soft(RLIMIT_AS, 1ull << 47);  // room for the shadows of sanitizers
  ::prctl(PR_SET_TIMERSLACK, 1);
  ::personality(ADDR_NO_RANDOMIZE);
  cpu_set_t cpus, one;
  ::sched_getaffinity(0, sizeof cpus, &cpus);
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &cpus)) CPU_SET(i, &one);
  ::sched_setaffinity(0, sizeof one, &one);
  ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 0));
}

// And what root may.
void be_odd_and_strong() {
  be_odd();
  for (auto const resource : {RLIMIT_NICE, RLIMIT_RTPRIO}) {
    rlimit const all{99, 99};
    ::setrlimit(resource, &all);
  }
  ::setpriority(PRIO_PROCESS, 0, -5);
  ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0));
  sched_param const first{1};
  ::sched_setscheduler(0, SCHED_RR, &first);
}

std::string limit_of_host(decltype(RLIMIT_CORE) resource) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  return std::to_string(static_cast<long long>(limit.rlim_max));
}

std::string what_every_jail_has(std::string const& nice) {
  cpu_set_t cpus;
  ::sched_getaffinity(0, sizeof cpus, &cpus);
  auto const hard = [](decltype(RLIMIT_CORE) r) { return limit_of_host(r); };
  auto const both = [&](decltype(RLIMIT_CORE) r) { return hard(r) + " " + hard(r) + "\n"; };
  return "nice " + nice + " policy 0 cpus " + std::to_string(CPU_COUNT(&cpus)) + "\n" +
         "slack 50000 personality 0\nignored 0 blocked 0\n"
         "limit signals 1024 1024\nlimit nice 0 0\nlimit realtime 0 0\n"
         "limit stack 8388608 " +
         hard(RLIMIT_STACK) + "\nlimit cpu-time " + both(RLIMIT_CPU) + "limit file-size " +
         both(RLIMIT_FSIZE) + "limit addresses " + both(RLIMIT_AS) +
         "timers 1024 EAGAIN\nsignal EAGAIN\nstronger EACCES\nio 0\n";
}

}  // namespace

TEST_CASE("a jail has nothing of what its host program asked for itself (D17, A12)") {
  CHECK(seen_from_host([] {}) == what_every_jail_has("0"));
  CHECK(seen_from_host(be_odd) == what_every_jail_has("0"));
}

TEST_CASE("a jail of a host that may do more may not (A4, D17)" * doctest::test_suite("root")) {
  if (skipped_unless(::geteuid() == 0, "only root may ask for a better place")) return;
  CHECK(seen_from_host(be_odd_and_strong) == what_every_jail_has("0"));
}

TEST_CASE("a jail of a host that stands back stands back as well") {
  CHECK(seen_from_host([] { ::setpriority(PRIO_PROCESS, 0, 6); }) == what_every_jail_has("6"));
  auto const behind = seen_from_host([] {
    sched_param const none{0};
    ::sched_setscheduler(0, SCHED_IDLE, &none);
  });
  CHECK(behind.starts_with("nice 0 policy 5 "));
}

TEST_CASE("timers and queued signals end at a limit that no jail shares (A12)") {
  Jails jails;
  auto const first = jails.start(Jails::victim({"inherited"}));
  CHECK(all_it_says(first).find("timers 1024 EAGAIN\nsignal EAGAIN\n") != std::string::npos);
  auto const second = jails.start(Jails::victim({"inherited"}));  // while the first has them all
  CHECK(all_it_says(second).find("timers 1024 EAGAIN\nsignal EAGAIN\n") != std::string::npos);
  for (auto const* running : {&first, &second}) {
    jails.sandbox().kill(running->ticket);
    jails.end(*running);
  }
}
