// Jails on a kernel that has cgroup v2 with every controller: the limits bite, and a kill leaves
// nothing. Runs as the only user of a virtual machine (run.py), where /usr/bin/vm_victim is
// victim.c.
#include <dirent.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <faas/sandbox.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace faas;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::string const kCgroups = "/sys/fs/cgroup";

std::string slurp(fs::path const& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void put(fs::path const& path, std::string const& text) { std::ofstream(path) << text; }

Sandbox open(SandboxOptions options = {}) {
  auto sandbox = Sandbox::open(std::move(options));
  if (!sandbox) FAIL(sandbox.error().message);
  return std::move(*sandbox);
}

Spec victim(std::string verb, std::string argument = "0") {
  static int count = 0;
  Spec spec;
  spec.id = "victim-" + std::to_string(++count);
  spec.argv = {"/usr/bin/vm_victim", std::move(verb), std::move(argument)};
  spec.memory = 32_MiB;
  spec.tmp = 32_MiB;
  spec.processes = 64;
  return spec;
}

// A jail that was submitted, and what it printed.
struct Jail {
  Ticket ticket = 0;
  int output = -1;
  Started started;
  Exited exited;

  std::string printed() const {
    std::string text;
    char buffer[4096];
    pollfd readable{output, POLLIN, 0};
    while (::poll(&readable, 1, 0) > 0) {
      auto const n = ::read(output, buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }
};

template <class Event>
Event wait_for(Sandbox& sandbox, Ticket ticket, std::chrono::seconds patience = 60s) {
  auto const until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    while (auto event = sandbox.poll()) {
      if (auto* failed = std::get_if<Failed>(&*event))
        FAIL("no jail: step " << failed->step << ", errno " << failed->error);
      if (auto* found = std::get_if<Event>(&*event); found && found->ticket == ticket)
        return *found;
    }
    pollfd readable{sandbox.native_handle(), POLLIN, 0};
    ::poll(&readable, 1, 200);
  }
  FAIL("no event within the patience of this test");
  return {};
}

Jail start(Sandbox& sandbox, Spec spec) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  spec.output_fd = ends[1];
  auto ticket = sandbox.submit(spec);
  ::close(ends[1]);
  if (!ticket) FAIL(ticket.error().message);
  Jail jail{*ticket, ends[0], {}, {}};
  jail.started = wait_for<Started>(sandbox, jail.ticket);
  return jail;
}

Jail run(Sandbox& sandbox, Spec spec) {
  Jail jail = start(sandbox, std::move(spec));
  jail.exited = wait_for<Exited>(sandbox, jail.ticket);
  return jail;
}

void wait_until_printed(Jail const& jail) {
  pollfd readable{jail.output, POLLIN, 0};
  REQUIRE(::poll(&readable, 1, 30'000) == 1);
}

// The cgroup of a live jail, seen from outside.
fs::path cgroup_of(Jail const& jail) {
  auto const line = slurp("/proc/" + std::to_string(jail.started.pid) + "/cgroup");
  REQUIRE(line.starts_with("0::/"));
  return kCgroups + line.substr(3);
}

int victims_alive() {
  int count = 0;
  for (auto const& entry : fs::directory_iterator("/proc"))
    if (slurp(entry.path() / "comm") == "vm_victim") ++count;
  return count;
}

// Exit status of a process that gives its rights up and jails: 0 if everything went as it should.
int as_ordinary_user(fs::path const& subtree, int complaints) {
  auto failed = [&](int status, Error const& error) {
    (void)!::write(complaints, error.message.data(), error.message.size());
    return status;
  };
  put(subtree / "leaf" / "cgroup.procs", std::to_string(::getpid()));
  if (::setgid(1000) || ::setuid(1000)) return 10;
  SandboxOptions options;
  options.cgroup_root = subtree / "jails";
  auto sandbox = Sandbox::open(options);
  if (!sandbox) return failed(11, sandbox.error());
  if (sandbox->degraded()) return 12;
  if (sandbox->privilege() != Privilege::delegated) return 13;
  auto const bomb = sandbox->run(victim("heap", "500"));
  if (!bomb) return failed(14, bomb.error());
  if (!bomb->out_of_memory) return 15;
  Spec forks = victim("forks");
  forks.processes = 16;
  auto const forked = sandbox->run(forks);
  if (!forked) return failed(16, forked.error());
  if (forked->code != 0) return 17;
  auto const well = sandbox->run(victim("posture"));
  if (!well) return failed(18, well.error());
  return well->code == 0 ? 0 : 19;
}

double cpu_seconds(Exited const& exited) {
  return std::chrono::duration<double>(exited.cpu).count();
}

}  // namespace

TEST_CASE("with controllers the host is not degraded") {
  auto sandbox = open();
  CHECK_FALSE(sandbox.degraded());
  CHECK(sandbox.privilege() == Privilege::root);
}

TEST_CASE("limits are set in the jail's cgroup before its first instruction") {
  auto sandbox = open();
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

TEST_CASE("a heap bomb ends as out of memory, whole, and its neighbour goes on") {
  auto sandbox = open();
  Jail const neighbour = start(sandbox, victim("sleep", "5"));
  Jail const bomb = run(sandbox, victim("heap", "500"));
  CHECK(bomb.exited.out_of_memory);
  CHECK(bomb.exited.signal == 9);
  CHECK(bomb.exited.max_memory.count <= (64_MiB).count);
  CHECK(bomb.exited.max_memory.count >= (32_MiB).count);
  auto const other = wait_for<Exited>(sandbox, neighbour.ticket);
  CHECK(other.code == 0);
  CHECK_FALSE(other.out_of_memory);
}

TEST_CASE("memory within the limit is no reason to die") {
  auto sandbox = open();
  Jail const jail = run(sandbox, victim("heap", "16"));
  CHECK(jail.exited.code == 0);
  CHECK_FALSE(jail.exited.out_of_memory);
  CHECK(jail.exited.max_memory.count >= (16_MiB).count);
}

TEST_CASE("a full /tmp is ENOSPC, and memory beside it is still there") {
  auto sandbox = open();
  Jail const jail = run(sandbox, victim("fill-tmp", "16"));
  CAPTURE(jail.printed());
  CHECK(jail.exited.code == 0);
  CHECK_FALSE(jail.exited.out_of_memory);
}

TEST_CASE("memory that /tmp does not use is not the function's") {
  auto sandbox = open();
  Spec spec = victim("heap", "100");
  spec.tmp = 256_MiB;
  Jail const jail = run(sandbox, spec);
  CHECK(jail.exited.out_of_memory);
  CHECK_FALSE(jail.exited.code);
}

TEST_CASE("fork is refused at the limit of processes") {
  auto sandbox = open();
  Spec spec = victim("forks");
  spec.processes = 16;
  Jail const jail = run(sandbox, spec);
  CHECK(jail.exited.code == 0);
  int const count = std::stoi(jail.printed());
  CHECK(count <= 16);
  CHECK(count >= 14);
  CHECK(victims_alive() == 0);
}

TEST_CASE("a fork bomb is ended whole by one kill") {
  auto sandbox = open();
  Jail const jail = start(sandbox, victim("fork-bomb"));
  wait_until_printed(jail);
  auto const cgroup = cgroup_of(jail);
  sandbox.kill(jail.ticket);
  CHECK(wait_for<Exited>(sandbox, jail.ticket).signal == 9);
  CHECK(victims_alive() == 0);
  CHECK_FALSE(fs::exists(cgroup));
}

TEST_CASE("children that left the session, ignore signals or are stopped go with the jail") {
  auto sandbox = open();
  Jail const jail = start(sandbox, victim("orphans"));
  wait_until_printed(jail);
  CHECK(victims_alive() >= 6);
  sandbox.kill(jail.ticket);
  wait_for<Exited>(sandbox, jail.ticket);
  CHECK(victims_alive() == 0);
}

TEST_CASE("a quarter of a CPU is a quarter of a CPU") {
  auto sandbox = open();
  double const free = cpu_seconds(run(sandbox, victim("spin", "3")).exited);
  Spec spec = victim("spin", "3");
  spec.cpus = 0.25;
  double const held = cpu_seconds(run(sandbox, spec).exited);
  CAPTURE(free);
  CHECK(held <= 3 * 0.25 * 1.3);
  CHECK(free > held * 1.5);
}

TEST_CASE("the posture inside is what was promised") {
  auto sandbox = open();
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
    auto sandbox = open();
    cgroup = cgroup_of(start(sandbox, victim("sleep", "600")));
    CHECK(fs::exists(cgroup));
  }
  CHECK_FALSE(fs::exists(cgroup));
  CHECK(victims_alive() == 0);
}

TEST_CASE("an ordinary user with a delegated cgroup gets the same limits") {
  // What systemd's Delegate=yes does: a subtree of the user's own, who lives in a leaf of it.
  put(kCgroups + "/cgroup.subtree_control", "+cpu +memory +pids");
  fs::path const subtree = kCgroups + "/delegated";
  fs::create_directories(subtree / "leaf");
  fs::create_directories(subtree / "jails");
  put(subtree / "cgroup.subtree_control", "+cpu +memory +pids");
  for (auto const& folder : {subtree, subtree / "leaf", subtree / "jails"}) {
    REQUIRE(::chown(folder.c_str(), 1000, 1000) == 0);
    for (char const* file : {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"})
      REQUIRE(::chown((folder / file).c_str(), 1000, 1000) == 0);
  }
  // A child, because it gives its rights up. Its complaints come through the pipe.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t const child = ::fork();
  if (child == 0) ::_exit(as_ordinary_user(subtree, ends[1]));
  ::close(ends[1]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  char said[1024] = {};
  (void)!::read(ends[0], said, sizeof said - 1);
  CAPTURE(said);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  for (auto const& entry : fs::directory_iterator(subtree / "jails"))
    CHECK_FALSE(fs::is_directory(entry));  // no jail's cgroup is left
  CHECK(victims_alive() == 0);
}
