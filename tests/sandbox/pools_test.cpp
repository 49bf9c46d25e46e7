// What is made ahead of a start: network namespaces with their listeners, and cgroups. They are as
// good as those a jail makes for itself, are never two jails' at once, and leak nothing.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "jails.hpp"
#include "sandbox/cgroups.hpp"
#include "sys/message.hpp"
#include "sys/process.hpp"
#include "sys/text_file.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr unsigned kNetworks = 4;

SandboxOptions with_pools() {
  auto options = jail_options();
  options.networks = kNetworks;
  return options;
}

std::string namespace_of(int pid) {
  std::error_code error;
  return std::filesystem::read_symlink(fmt::format("/proc/{}/ns/net", pid), error).string();
}

std::string cgroup_of(int pid) {
  auto const text = sys::read_text("/proc/" + std::to_string(pid) + "/cgroup").value();
  auto const at = text.rfind('/');
  return text.substr(at + 1, text.size() - at - 2);
}

std::string cgroup_directory_of(int pid) {
  auto const text = sys::read_text(fmt::format("/proc/{}/cgroup", pid)).value();
  auto const at = text.find("0::/") + 3;
  auto const mounts = sys::read_text("/proc/self/mountinfo").value();
  return sandbox::find_cgroup2(mounts).mount + text.substr(at, text.find('\n', at) - at);
}

Spec sleeper(std::string recycle = {}) {
  auto spec = Jails::victim({"sleep"});
  spec.listener = true;
  spec.recycle = std::move(recycle);
  return spec;
}

// Where a jail was, once it is gone.
struct Seen {
  std::string network, cgroup;
  StartedFrom from;
};

struct Pools {
  Pools() : jails(with_pools()) {
    jails.attempt({"hello"});
    jails.settle();
  }
  Seen see(Spec const& spec) {
    auto running = jails.start(spec);
    sys::Fd const listener(running.started.listener);
    Seen const seen{namespace_of(running.started.pid), cgroup_of(running.started.pid),
                    running.started.from};
    jails.sandbox().kill(running.ticket);
    jails.end(running);
    return seen;
  }
  Jails jails;
};

struct Shells {
  Shells() : jails(with_shells()) {
    jails.attempt({"hello"});
    jails.settle();
  }
  static SandboxOptions with_shells() {
    auto options = jail_options();
    options.networks = 0;
    options.shells = 2;
    return options;
  }
  Jails jails;
};

// So many that are asked for at once, and all live until `end`.
class Crowd {
 public:
  Crowd(Sandbox& sandbox, unsigned count, Spec spec) : sandbox_(sandbox) {
    for (unsigned i = 0; i < count; ++i) {
      spec.id = fmt::format("crowd-{}", i);
      tickets_.push_back(sandbox_.submit(spec).value());
    }
    for (unsigned i = 0; i < count; ++i) {
      auto const event = next();
      REQUIRE(std::holds_alternative<Started>(event));
      auto const& started = std::get<Started>(event);
      networks_.insert(namespace_of(started.pid));
      ::close(started.listener);
    }
  }
  void end() {
    for (auto const ticket : tickets_) sandbox_.kill(ticket);
    for (std::size_t i = 0; i < tickets_.size(); ++i)
      REQUIRE(std::holds_alternative<Exited>(next()));
  }
  std::set<std::string> const& networks() const { return networks_; }

 private:
  SandboxEvent next() {
    pollfd p{sandbox_.native_handle(), POLLIN, 0};
    for (;;) {
      if (auto event = sandbox_.poll()) return std::move(*event);
      REQUIRE(::poll(&p, 1, 60'000) == 1);
    }
  }
  Sandbox& sandbox_;
  std::vector<Ticket> tickets_;
  std::set<std::string> networks_;
};

// `held`: the host has not closed the old listener yet.
void check_unheard(Pools& pools, bool held) {
  auto spec = Jails::victim({"talk"});
  spec.listener = true;
  spec.recycle = "talker";
  auto running = pools.jails.start(spec);
  auto const network = namespace_of(running.started.pid);
  sys::Fd old(running.started.listener);
  pollfd p{old.get(), POLLIN, 0};
  REQUIRE(::poll(&p, 1, 10'000) == 1);  // its call waits, and nobody has taken it
  pools.jails.sandbox().kill(running.ticket);
  pools.jails.end(running);
  if (!held) old.reset();
  auto next = pools.jails.start(sleeper("talker"));
  sys::Fd const listener(next.started.listener);
  if (!held) CHECK(namespace_of(next.started.pid) == network);
  REQUIRE(static_cast<bool>(listener));
  sys::Fd const nobody(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  CHECK_FALSE(static_cast<bool>(nobody));
  pools.jails.sandbox().kill(next.ticket);
  pools.jails.end(next);
}

std::vector<int> children_of(int pid) {
  std::istringstream text(sys::read_text(fmt::format("/proc/{0}/task/{0}/children", pid)).value());
  std::vector<int> children;
  for (int child; text >> child;) children.push_back(child);
  return children;
}

bool without_root() { return skipped_unless(::geteuid() == 0, "only root has pools"); }

}  // namespace

TEST_CASE("a start takes what is ready, each network and each cgroup once") {
  if (without_root()) return;
  Pools pools;
  std::set<std::string> groups;
  for (unsigned i = 0; i < 5 * kNetworks; ++i) {
    auto const seen = pools.see(sleeper());
    groups.insert(seen.cgroup);
    if (i < kNetworks) CHECK(seen.from == StartedFrom::pooled);
    if (i < kNetworks) CHECK(seen.cgroup.starts_with("_"));
  }
  CHECK(groups.size() == 5 * kNetworks);
}

TEST_CASE("a listener made ahead answers its own jail") {
  if (without_root()) return;
  Pools pools;
  auto spec = Jails::victim({"talk"});
  spec.listener = true;
  auto running = pools.jails.start(spec);
  CHECK(running.started.from == StartedFrom::pooled);
  sys::Fd const listener(running.started.listener);
  pollfd p{listener.get(), POLLIN, 0};
  REQUIRE(::poll(&p, 1, 10'000) == 1);
  sys::Fd const peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(::send(peer.get(), "welcome", 7, 0) == 7);
  CHECK(Jails::read(running, 15) == "answer welcome\n");
  pools.jails.end(running);
}

TEST_CASE("a jail that wants no listener gets a network without one") {
  if (without_root()) return;
  Pools pools;
  auto const story = pools.jails.attempt({"talk"});
  CHECK(story.started->from == StartedFrom::pooled);
  CHECK(story.output == "connect: Connection refused\n");
}

TEST_CASE("the port of a listener made ahead cannot be taken") {
  if (without_root()) return;
  Pools pools;
  auto spec = Jails::victim({"steal-port"});
  spec.listener = true;
  auto running = pools.jails.start(spec);
  sys::Fd const listener(running.started.listener);
  CHECK(Jails::read(running, 40) == "bind any: EADDRINUSE\nbind loopback: EADDRINUSE\n");
  pools.jails.end(running);
}

TEST_CASE("a network goes to the next jail with the same key, and to no other") {
  if (without_root()) return;
  Pools pools;
  auto const first = pools.see(sleeper("function-1")).network;
  CHECK(pools.see(sleeper("function-2")).network != first);
  for (unsigned i = 0; i < 3 * kNetworks; ++i)  // also when it is the only one that is ready
    CHECK(pools.see(sleeper()).network != first);
  CHECK(pools.see(sleeper("function-1")).network == first);
}

TEST_CASE("of many kept networks each goes to its own function, with a listener and without") {
  if (without_root()) return;
  Pools pools;
  std::map<std::string, std::string> homes;
  std::set<std::string> all;
  for (std::string const function : {"a", "b", "c", "d"})
    all.insert(homes[function] = pools.see(sleeper(function)).network);
  CHECK(all.size() == kNetworks);
  for (std::string const function : {"c", "a", "d", "d", "b", "c", "a", "b"}) {
    CAPTURE(function);
    CHECK(pools.see(sleeper(function)).network == homes[function]);
  }
  auto deaf = sleeper("e");
  deaf.listener = false;
  CHECK_FALSE(all.contains(pools.see(deaf).network));
}

TEST_CASE("a living jail's network is nobody else's, whatever the key") {
  if (without_root()) return;
  Pools pools;
  std::set<std::string> networks;
  std::vector<Jails::Running> running;
  for (unsigned i = 0; i < 2 * kNetworks; ++i) {
    running.push_back(pools.jails.start(sleeper("one-function")));
    networks.insert(namespace_of(running.back().started.pid));
    ::close(running.back().started.listener);
  }
  CHECK(networks.size() == running.size());
  for (auto const& jail : running) {
    pools.jails.sandbox().kill(jail.ticket);
    pools.jails.end(jail);
  }
}

TEST_CASE("what a dead jail said to its listener is not heard on the next one's") {
  if (without_root()) return;
  Pools pools;
  check_unheard(pools, false);
  check_unheard(pools, true);
}

TEST_CASE("after ten times the pool the spawner and the cgroups hold what they held") {
  if (without_root()) return;
  Pools pools;
  auto const spawner = pools.jails.sandbox().spawner_pid();
  auto const files = Jails::files_of(spawner), own = Jails::files_of(::getpid());
  for (unsigned i = 0; i < 10 * kNetworks; ++i) {
    auto spec = sleeper(i % 2 ? std::string() : "function-" + std::to_string(i));
    spec.listener = i % 3 != 0;
    pools.see(spec);
  }
  pools.jails.settle();
  CHECK(Jails::files_of(spawner) <=
        files + 2 * kNetworks);  // the last keys' networks, with listeners
  CHECK(Jails::files_of(::getpid()) == own);
}

TEST_CASE("a network made for a start that found none serves those after it") {
  if (without_root()) return;
  Jails jails(with_pools());  // before anything could be made ahead
  auto first = jails.start(sleeper("function"));
  auto const network = namespace_of(first.started.pid);
  jails.sandbox().kill(first.ticket);
  ::close(first.started.listener);
  jails.end(first);
  auto next = jails.start(sleeper("function"));
  sys::Fd const its_own(next.started.listener);
  CHECK(namespace_of(next.started.pid) == network);
  CHECK(static_cast<bool>(its_own));
  jails.sandbox().kill(next.ticket);
  jails.end(next);
}

TEST_CASE("ten times the pool at once: all start, each for itself, and the pool is full again") {
  if (without_root()) return;
  Pools pools;
  auto const spawner = pools.jails.sandbox().spawner_pid();
  auto const full = Jails::files_of(spawner);
  Crowd crowd(pools.jails.sandbox(), 10 * kNetworks, sleeper("function"));
  auto const networks = crowd.networks();
  CHECK(networks.size() == 10 * kNetworks);
  crowd.end();
  pools.jails.settle();
  // With as many of the crowd's, and a listener each.
  CHECK(Jails::files_of(spawner) == full + 2 * kNetworks);
  CHECK(networks.contains(pools.see(sleeper("function")).network));
  CHECK_FALSE(networks.contains(pools.see(sleeper("another")).network));
}

TEST_CASE("a jail that waits takes package, program, streams and channel") {
  if (without_root()) return;
  Shells shells;
  for (int i = 0; i < 8; ++i) {
    auto channel = sys::seqpacket_pair().value();
    REQUIRE(::send(channel.first.get(), "ping", 4, 0) == 4);
    auto spec = Jails::victim({"channel"});
    spec.channel_fd = channel.second.get();
    auto running = shells.jails.start(spec);
    CHECK(running.started.from == StartedFrom::shell);
    CHECK(Jails::read(running, 33) == "channel: answered\nopen 3 flags 0\n");
    CHECK(shells.jails.end(running).code == 0);
    shells.jails.settle();
  }
}

TEST_CASE("a shell is for its own limits, class, files and listener, and for no other") {
  if (without_root()) return;
  Shells shells;
  auto const from = [&](auto change) {
    shells.jails.settle();
    auto spec = Jails::victim({"hello"});
    change(spec);
    auto const story = shells.jails.run(spec);
    CHECK(story.output == "hello\n");
    return story.started->from;
  };
  CHECK(from([](Spec&) {}) == StartedFrom::shell);
  CHECK(from([](Spec& s) { s.environment = {"ANY=thing"}; }) == StartedFrom::shell);
  CHECK(from([](Spec& s) { s.memory = 64_MiB; }) != StartedFrom::shell);
  CHECK(from([](Spec& s) { s.tmp = 64_MiB; }) != StartedFrom::shell);
  CHECK(from([](Spec& s) { s.processes = 7; }) != StartedFrom::shell);
  CHECK(from([](Spec& s) { s.open_files = 17; }) != StartedFrom::shell);
  CHECK(from([](Spec& s) { s.cpus = 1; }) != StartedFrom::shell);
  CHECK(from([](Spec& s) { s.seccomp = SeccompClass::python; }) != StartedFrom::shell);
  CHECK(from([](Spec& s) { s.files = {{"/etc/mine", "x"}}; }) != StartedFrom::shell);
}

TEST_CASE("a shell that was killed while it waited is not used, and another start serves") {
  if (without_root()) return;
  Shells shells;
  auto const spawner = shells.jails.sandbox().spawner_pid();
  auto const waited = children_of(spawner);
  ::kill(spawner, SIGSTOP);  // it hears of it and of the next start at once
  for (int const pid : waited) {
    auto const process = sys::open_process(pid).value();
    ::kill(pid, SIGKILL);
    REQUIRE(sys::wait_until_ended(process.get(), milliseconds(10'000)));
  }
  CHECK_FALSE(waited.empty());
  auto const ticket = shells.jails.sandbox().submit(Jails::victim({"hello"})).value();
  ::kill(spawner, SIGCONT);
  auto const event = shells.jails.next(ticket);
  REQUIRE(event.has_value());
  REQUIRE(std::holds_alternative<Started>(*event));
  CHECK(std::get<Started>(*event).from != StartedFrom::shell);
  CHECK(std::get<Exited>(*shells.jails.next(ticket)).code == 0);
}

TEST_CASE("a jail that waited under a spawner that has ended is not used, and those after it are") {
  if (without_root()) return;
  Shells shells;
  auto& sandbox = shells.jails.sandbox();
  for (int i = 0; i < 4; ++i) {
    auto const spawner = sys::open_process(sandbox.spawner_pid()).value();
    sys::signal_process(spawner.get(), SIGKILL);
    REQUIRE(sys::wait_until_ended(spawner.get(), milliseconds(10'000)));
    if (i % 2) CHECK_FALSE(sandbox.poll().has_value());  // it hears of it before the submit
    auto running = shells.jails.start(Jails::victim({"sleep"}));
    CHECK(running.started.from != StartedFrom::shell);
    CHECK(Jails::read(running, 6) == "ready\n");
    sandbox.kill(running.ticket);
    auto const end = shells.jails.end(running);
    CHECK_FALSE(end.lost);
    CHECK(end.signal == SIGKILL);
    shells.jails.settle();
    CHECK(shells.jails.attempt({"hello"}).started->from == StartedFrom::shell);
    shells.jails.settle();
  }
}

TEST_CASE("a jail that waited for what cannot be received has ended when its failure is told") {
  if (without_root()) return;
  Shells shells;
  auto const spawner = shells.jails.sandbox().spawner_pid();
  auto const waited = children_of(spawner);
  REQUIRE(waited.size() == 2);
  std::vector<std::string> groups;
  for (int const pid : waited) groups.push_back(cgroup_directory_of(pid));
  rlimit usual;
  REQUIRE(::prlimit(spawner, RLIMIT_NOFILE, nullptr, &usual) == 0);
  rlimit const none{4, usual.rlim_max};
  REQUIRE(::prlimit(spawner, RLIMIT_NOFILE, &none, nullptr) == 0);
  auto const story = shells.jails.attempt({"hello"});
  CHECK(std::count_if(waited.begin(), waited.end(), [](int p) { return ::kill(p, 0) == 0; }) == 1);
  CHECK(std::count_if(groups.begin(), groups.end(),
                      [](auto const& path) { return std::filesystem::exists(path); }) == 1);
  REQUIRE(story.failed.has_value());
  CHECK(story.failed->step == "receive-files");
  CHECK(story.failed->error == EMFILE);
  REQUIRE(::prlimit(spawner, RLIMIT_NOFILE, &usual, nullptr) == 0);
  CHECK(shells.jails.attempt({"hello"}).exited->code == 0);
  shells.jails.settle();
  CHECK(children_of(spawner).size() == 2);
}

TEST_CASE("what cannot be mounted into a shell fails by its name, and nothing has run") {
  if (without_root()) return;
  Shells shells;
  auto spec = Jails::victim({"hello"});
  spec.task = "/nowhere-at-all";
  auto const story = shells.jails.run(spec);
  REQUIRE(story.failed.has_value());
  CHECK(story.failed->step == "open-task");
  CHECK(story.output.empty());
  shells.jails.settle();
  CHECK(shells.jails.attempt({"hello"}).started->from == StartedFrom::shell);
}

TEST_CASE("shells end with their sandbox, and never more of them wait than were asked for") {
  if (without_root()) return;
  std::string children;
  {
    Shells shells;
    for (std::uint64_t i = 0; i < 10; ++i) {
      auto spec = Jails::victim({"hello"});
      spec.memory = Bytes{(64 + i) << 20};
      CHECK(shells.jails.run(spec).exited->code == 0);
      shells.jails.settle();
    }
    auto const spawner = std::to_string(shells.jails.sandbox().spawner_pid());
    children = sys::read_text(fmt::format("/proc/{0}/task/{0}/children", spawner)).value();
  }
  std::istringstream pids(children);
  int waiting = 0;
  for (int pid; pids >> pid; ++waiting) CHECK(::kill(pid, 0) != 0);
  CHECK(waiting > 0);
  CHECK(waiting <= 2 * 4);  // of the last four kinds
}

TEST_CASE("without root there are no pools, and starts are as ever") {
  auto options = with_pools();
  options.privilege = Privilege::unprivileged;
  Jails jails(options);
  for (int i = 0; i < 4; ++i) CHECK(jails.attempt({"hello"}).started->from == StartedFrom::fresh);
}
