// Jails on a kernel that has cgroup v2 with every controller: their limits are set, a kill leaves
// nothing, and an ordinary user has all of it too.
#include <sys/stat.h>
#include <sys/wait.h>

#include "vm_jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// The suite "anyone" of this very program, by an ordinary user; its exit status. Never returns.
[[noreturn]] void run_as_ordinary_user(fs::path const& subtree, int output) {
  put(subtree / "leaf" / "cgroup.procs", std::to_string(::getpid()));
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::setenv("FAAS_TEST_CGROUP_ROOT", (subtree / "jails").c_str(), 1);
  if (::setgid(1000) || ::setuid(1000)) ::_exit(10);
  ::execl("/proc/self/exe", "jail_vm_test", "--test-suite=anyone", "--no-intro", nullptr);
  ::_exit(11);
}

}  // namespace

TEST_SUITE_BEGIN("anyone");

TEST_CASE("with controllers the host is not degraded") {
  auto sandbox = open_sandbox();
  CHECK_FALSE(sandbox.degraded());
  CHECK(sandbox.privilege() == (::getuid() == 0 ? Privilege::root : Privilege::delegated));
}

TEST_CASE("limits are set in the jail's cgroup before its first instruction") {
  auto sandbox = open_sandbox();
  Spec spec = victim("sleep", "600");
  spec.cpus = 0.5;
  Jail const jail = start(sandbox, spec);
  auto const cgroup = cgroup_of(jail);
  CHECK(slurp(cgroup / "memory.max") == std::to_string((64_MiB).count));
  CHECK(slurp(cgroup / "memory.oom.group") == "1");
  CHECK(slurp(cgroup / "memory.swap.max") == "0");
  CHECK(slurp(cgroup / "cpu.max") == "50000 100000");
  int const processes = std::stoi(slurp(cgroup / "pids.max"));
  CHECK(processes >= 64);
  CHECK(processes <= 66);  // the function's own and pid 1 of its jail
  sandbox.kill(jail.ticket);
  CHECK(wait_for<Exited>(sandbox, jail.ticket).signal == 9);
  CHECK_FALSE(fs::exists(cgroup));
}

TEST_CASE("the posture inside is what was promised") {
  auto sandbox = open_sandbox();
  Jail const jail = run(sandbox, victim("posture"));
  auto const text = jail.printed();
  CAPTURE(text);
  CHECK(jail.exited.code == 0);
  for (char const* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    CHECK(text.find(std::string(set) + ":\t0000000000000000") != std::string::npos);
  CHECK(text.find("NoNewPrivs:\t1") != std::string::npos);
  CHECK(text.find("Seccomp:\t2") != std::string::npos);
  CHECK(text.find("cgroupfs absent sys absent") != std::string::npos);
}

TEST_CASE("closing the sandbox ends its jails and leaves no cgroup") {
  fs::path cgroup;
  {
    auto sandbox = open_sandbox();
    cgroup = cgroup_of(start(sandbox, victim("sleep", "600")));
    CHECK(fs::exists(cgroup));
  }
  CHECK_FALSE(fs::exists(cgroup));
  CHECK(victims_alive() == 0);
}

TEST_SUITE_END();

TEST_CASE("an ordinary user with a delegated cgroup has the same limits, of every kind") {
  // What systemd's Delegate=yes does: a subtree of the user's own, who lives in a leaf of it.
  put(kCgroups / "cgroup.subtree_control", "+cpu +memory +pids");
  fs::path const subtree = kCgroups / "delegated";
  fs::create_directories(subtree / "leaf");
  fs::create_directories(subtree / "jails");
  put(subtree / "cgroup.subtree_control", "+cpu +memory +pids");
  for (auto const& folder : {subtree, subtree / "leaf", subtree / "jails"}) {
    REQUIRE(::chown(folder.c_str(), 1000, 1000) == 0);
    for (char const* file : {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"})
      REQUIRE(::chown((folder / file).c_str(), 1000, 1000) == 0);
  }
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  if (child == 0) run_as_ordinary_user(subtree, ends[1]);
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CAPTURE(said);
  CHECK(status == 0);
  CHECK(said.find("test cases: 0 ") == std::string::npos);
  for (auto const& entry : fs::directory_iterator(subtree / "jails"))
    CHECK_FALSE(fs::is_directory(entry));  // no jail's cgroup is left
  CHECK(victims_alive() == 0);
}
