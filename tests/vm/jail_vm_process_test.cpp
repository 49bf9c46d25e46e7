// Processes, CPU time and what the kernel keeps for each of them, on cgroup v2.
#include <csignal>
#include <sstream>

#include "vm_jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

double cpu_seconds(Exited const& exited) {
  return std::chrono::duration<double>(exited.cpu).count();
}

long cpu_us(fs::path const& cgroup) { return field(cgroup / "cpu.stat", "usage_usec"); }

void freeze(fs::path const& cgroup, bool on) {
  put(cgroup / "cgroup.freeze", on ? "1" : "0");
  for (int tries = 0; tries < 300 && field(cgroup / "cgroup.events", "frozen") != on; ++tries)
    std::this_thread::sleep_for(10ms);
  REQUIRE(field(cgroup / "cgroup.events", "frozen") == on);
}

// Open files of the whole machine.
long files_open() {
  std::istringstream text(slurp("/proc/sys/fs/file-nr"));
  long count = 0;
  text >> count;
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("anyone");

TEST_CASE("fork is refused at the limit of processes, and the end says so") {
  Neighbourhood here;
  Spec spec = victim("forks");
  spec.processes = 16;
  Jail const jail = here.bomb(spec);
  CHECK(jail.exited.code == 0);
  CHECK(here.printed() == "16 processes, then: Resource temporarily unavailable\n");
  CHECK(jail.exited.out_of_processes);
}

TEST_CASE("threads count as processes") {
  Neighbourhood here;
  Spec spec = victim("threads");
  spec.processes = 16;
  Jail const jail = here.bomb(spec);
  CHECK(here.printed() == "16 EAGAIN\n");
  CHECK(jail.exited.out_of_processes);
}

TEST_CASE("a jail that stays within its processes is not said to have met a limit") {
  Neighbourhood here;
  Jail const jail = here.bomb(victim("heap", "1"));
  CHECK_FALSE(jail.exited.out_of_processes);
  CHECK_FALSE(jail.exited.out_of_memory);
}

TEST_CASE("a fork bomb is ended whole by one kill") {
  Neighbourhood here;
  Jail const jail = here.killed_bomb(victim("fork-bomb"), [](fs::path const& cgroup) {
    return field(cgroup / "pids.events", "max") > 0;
  });
  CHECK(jail.exited.out_of_processes);
}

TEST_CASE("a fork bomb goes with the spawner that dies under it") {
  auto sandbox = open_sandbox();
  Jail const jail = start(sandbox, victim("fork-bomb"));
  wait_until_printed(jail);
  auto const cgroup = cgroup_of(jail);
  ::kill(sandbox.spawner_pid(), SIGKILL);
  CHECK(wait_for<Exited>(sandbox, jail.ticket).lost);
  CHECK(victims_alive() == 0);
  CHECK_FALSE(fs::exists(cgroup));
}

TEST_CASE("children that left the session, ignore signals or are stopped go with the jail") {
  Neighbourhood here;
  here.killed_bomb(victim("orphans"), [](fs::path const& cgroup) {
    return lines_of(cgroup / "cgroup.procs") >= 10;  // pid 1, itself, and four of five pairs
  });
}

TEST_CASE("a quarter of a CPU is a quarter of a CPU") {
  auto sandbox = open_sandbox();
  double const free = cpu_seconds(run(sandbox, victim("spin", "3")).exited);
  Spec spec = victim("spin", "3");
  spec.cpus = 0.25;
  double const held = cpu_seconds(run(sandbox, spec).exited);
  CAPTURE(free);
  CHECK(held <= 3 * 0.25 * 1.3);
  CHECK(free > held * 1.5);
}

TEST_CASE("a frozen jail uses no CPU, goes on when thawed, and dies frozen") {
  Neighbourhood here;
  Jail const jail = start(here.sandbox, victim("spinners", "4"));
  wait_until_printed(jail);
  auto const cgroup = cgroup_of(jail);
  freeze(cgroup, true);
  auto const frozen_at = cpu_us(cgroup);
  std::this_thread::sleep_for(500ms);
  CHECK(here.neighbour.answers());
  CHECK(cpu_us(cgroup) == frozen_at);
  freeze(cgroup, false);
  for (int tries = 0; tries < 300 && cpu_us(cgroup) == frozen_at; ++tries)
    std::this_thread::sleep_for(10ms);
  CHECK(cpu_us(cgroup) > frozen_at);
  freeze(cgroup, true);
  here.sandbox.kill(jail.ticket);
  CHECK(wait_for<Exited>(here.sandbox, jail.ticket).signal == 9);
  CHECK_FALSE(fs::exists(cgroup));
  CHECK(victims_alive() == 1);
}

TEST_CASE("open files are bounded by processes times files, and come back") {  // B6
  Neighbourhood here;
  Spec spec = victim("open-files");
  spec.processes = 24;
  spec.open_files = 128;
  auto const before = files_open();
  Jail const jail = start(here.sandbox, spec);
  wait_until_printed(jail);
  CHECK(jail.printed() == "started\n");
  auto const taken = files_open() - before;
  CHECK(taken <= 24 * 128 + 64);
  CHECK(taken >= 20 * 100);
  CHECK(here.neighbour.answers());
  here.sandbox.kill(jail.ticket);
  wait_for<Exited>(here.sandbox, jail.ticket);
  for (int tries = 0; tries < 50 && files_open() > before + 64; ++tries)
    std::this_thread::sleep_for(100ms);
  CHECK(files_open() <= before + 64);
}

TEST_SUITE_END();

TEST_CASE("spinners, four for each CPU, stay within the jail's quota") {  // A3
  Neighbourhood here;
  Spec spec = victim("spinners", "8");
  spec.cpus = 0.5;
  Jail jail = start(here.sandbox, spec);
  wait_until_printed(jail);
  auto const cgroup = cgroup_of(jail);
  auto const used = cpu_us(cgroup);
  auto const since = Clock::now();
  while (Clock::now() - since < 10s) {
    CHECK(here.neighbour.answers());
    std::this_thread::sleep_for(50ms);
  }
  auto const spent = static_cast<double>(cpu_us(cgroup) - used);
  auto const wall = std::chrono::duration<double, std::micro>(Clock::now() - since).count();
  CAPTURE(wall);
  CHECK(spent <= wall * 0.5 * 1.05 + 50'000);  // and what one period may have had before
  CHECK(spent >= wall * 0.05);
  CHECK(field(cgroup / "cpu.stat", "nr_throttled") > 0);
  here.sandbox.kill(jail.ticket);
  wait_for<Exited>(here.sandbox, jail.ticket);
  CHECK(victims_alive() == 1);
}

// An ordinary user's jails share the user's own id on the host, and so what the kernel counts for
// it (SECURITY.md).
TEST_CASE("a jail that has used up the kernel's limits of a user takes nothing from another") {
  Neighbourhood here;
  auto const watches = slurp("/proc/sys/fs/epoll/max_user_watches");
  put("/proc/sys/fs/epoll/max_user_watches", "20000");  // the kernel's own takes a minute here
  Spec spec = victim("user-limits");
  spec.memory = 128_MiB;
  Jail const greedy = start(here.sandbox, spec);
  wait_until_printed(greedy);
  CHECK(greedy.printed().find("watch: ENOSPC") != std::string::npos);
  Jail const other = run(here.sandbox, victim("small-objects"));
  CHECK(other.printed() == "all there\n");
  CHECK(other.exited.code == 0);
  here.sandbox.kill(greedy.ticket);
  wait_for<Exited>(here.sandbox, greedy.ticket);
  put("/proc/sys/fs/epoll/max_user_watches", watches);
}
