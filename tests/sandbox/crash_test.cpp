// Crash-only: a host process is killed with whatever it has, and the next start finds the machine
// as if there had never been one.
#include <signal.h>
#include <sys/wait.h>

#include <functional>
#include <random>

#include "jails.hpp"
#include "own_cgroups.hpp"
#include "sys/process.hpp"

using namespace faas;
using namespace faas::test;
using Names = std::set<std::string>;

namespace {

SandboxOptions options_in(OwnCgroups const& root, std::string const& id) {
  auto options = jail_options();
  options.cgroup_root = root.path();
  options.runtime_id = id;
  return options;
}

// A host process in a group below the root, so that its spawner, which is nobody's child, is found
// there as well.
pid_t start_host(OwnCgroups const& root, std::function<void()> const& work) {
  auto const group = root.make("hosts");
  pid_t const host = ::fork();
  REQUIRE(host >= 0);
  if (host == 0) {
    OwnCgroups::put(group, ::getpid());
    work();
    for (;;) ::pause();
  }
  return host;
}

void kill_and_wait(pid_t host) {
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
}

// Of a process, or of whoever holds the namespace: "net:[4026531840]".
std::string network_of(pid_t pid) {
  std::error_code ignored;
  return std::filesystem::read_symlink(
      std::filesystem::path("/proc") / std::to_string(pid) / "ns/net", ignored);
}
Names networks() {
  Names found;
  for (auto const& entry : std::filesystem::directory_iterator("/proc"))
    if (auto const pid = std::atoi(entry.path().filename().c_str()); pid > 0)
      found.insert(network_of(pid));
  return found;
}

std::string mounts() { return sys::read_text("/proc/self/mountinfo").value(); }

// What a host tells the test before it is killed.
struct Told {
  pid_t spawner;
  pid_t stubborn, frozen;
};

// Jails that run, that are full of daemons, and five that are being started.
void fill(SandboxOptions const& options, int tell) {
  Jails jails(options);
  auto stubborn = Jails::victim({"stubborn"});
  stubborn.listener = true;
  auto one = jails.start(stubborn);
  Jails::read(one, 6);
  auto frozen = Jails::victim({"sleep"});
  frozen.id = "frozen";
  auto two = jails.start(frozen);
  Jails::read(two, 6);
  Told const told{jails.sandbox().spawner_pid(), one.started.pid, two.started.pid};
  for (int i = 0; i < 5; ++i) (void)jails.sandbox().submit(Jails::victim({"daemons"}));
  if (::write(tell, &told, sizeof told) != sizeof told) ::_exit(1);
  for (;;) ::pause();
}

}  // namespace

TEST_SUITE_BEGIN("cgroup");

TEST_CASE("after kill -9 of a host with jails of every state, the next start finds nothing of it") {
  OwnCgroups root;
  { Jails warm(options_in(root, "warm")); }  // what the first start of all leaves for good
  auto const mounts_before = mounts();
  for (std::string const id : {"same", "other"})
    for (std::string const first : {"host", "spawner"}) {
      CAPTURE(id);
      CAPTURE(first);
      auto [ours, theirs] = Jails::pipe();
      pid_t const host =
          start_host(root, [&, fd = theirs.get()] { fill(options_in(root, "same"), fd); });
      Told told;
      REQUIRE(::read(ours.get(), &told, sizeof told) == sizeof told);
      sys::write_text(AT_FDCWD, root.path() + "/faas-same/frozen/cgroup.freeze", "1").value();
      Names const theirs_networks{network_of(told.stubborn), network_of(told.frozen)};
      REQUIRE(theirs_networks.size() == 2);
      if (first == "spawner") ::kill(told.spawner, SIGKILL);
      kill_and_wait(host);

      Jails next(options_in(root, id));
      CHECK(root.names() == Names{"faas-" + id, "hosts"});
      CHECK(OwnCgroups::below(root.path() + "/faas-" + id).empty());
      CHECK(root.empties());
      auto const left = networks();
      for (auto const& network : theirs_networks) CHECK_FALSE(left.contains(network));
      CHECK(mounts() == mounts_before);
      CHECK(next.attempt({"hello"}).exited->code == 0);
    }
  CHECK(root.names() == Names{"hosts"});
}

TEST_CASE("kill -9 at any moment of a hundred starts leaves nothing that one more does not find") {
  OwnCgroups root;
  std::mt19937 random(20261128);
  for (int round = 0; round < 100; ++round) {
    CAPTURE(round);
    auto const id = round % 2 ? "same" : "round" + std::to_string(round);
    pid_t const host = start_host(root, [&] {
      Jails jails(options_in(root, id));
      for (;;) {
        (void)jails.sandbox().submit(Jails::victim({"daemons"}));
        while (jails.sandbox().poll()) {
        }
      }
    });
    ::usleep(std::uniform_int_distribution<useconds_t>(0, 30'000)(random));
    kill_and_wait(host);
  }
  // A spawner on its way to its exec has its host's lock for a moment longer.
  REQUIRE(root.empties("hosts"));
  Jails next(options_in(root, "next"));
  CHECK(root.names() == Names{"faas-next", "hosts"});
  CHECK(root.empties());
  CHECK(next.attempt({"hello"}).exited->code == 0);
}

TEST_CASE("an id of a killed runtime is nobody's before the last of its jails has ended" *
          doctest::test_suite("root")) {
  OwnCgroups root;
  auto options = options_in(root, "dead");
  options.uid_count = 256 - options.uid_base % 256;  // one block: whoever comes next gets the same
  options.uid_base += 256 * 100;                     // one that no other test uses
  auto [ours, theirs] = Jails::pipe();
  pid_t const host = start_host(root, [&, fd = theirs.get()] { fill(options, fd); });
  Told told;
  REQUIRE(::read(ours.get(), &told, sizeof told) == sizeof told);
  auto next_options = options;
  next_options.runtime_id = "next";
  Jails next(next_options);
  REQUIRE(next.sandbox().privilege() == Privilege::root);
  auto const spawner = sys::open_process(told.spawner).value();
  sys::signal_process(spawner.get(), SIGSTOP);  // it would end the jails soon
  kill_and_wait(host);
  CHECK(root.names().contains("faas-dead"));
  auto running = next.start(Jails::victim({"sleep"}));
  CHECK_FALSE(root.names().contains("faas-dead"));
  sys::signal_process(spawner.get(), SIGKILL);
  next.sandbox().kill(running.ticket);
  CHECK(next.end(running).signal == SIGKILL);
}

TEST_SUITE_END();
