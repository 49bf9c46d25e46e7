// Jails by the ten thousand, eight at a time, made and ended in every way: what the kernel holds
// afterwards is what it held before.
#include <deque>
#include <filesystem>
#include <map>
#include <thread>

#include "canary.hpp"
#include "jails.hpp"
#include "own_cgroups.hpp"

using namespace faas;
using namespace faas::test;
using namespace std::chrono_literals;

namespace {

constexpr int kAtOnce = 8;
constexpr std::size_t kCanaries = 32;

// How a jail lives and ends.
enum class Life { hello, listener, daemons, killed, killed_stubborn, terminated, killed_at_birth };
constexpr int kLives = 7;

Spec spec_of(Life life) {
  switch (life) {
    case Life::daemons: return Jails::victim({"daemons"});
    case Life::killed:
    case Life::terminated: return Jails::victim({"sleep"});
    case Life::killed_stubborn: return Jails::victim({"stubborn"});
    case Life::hello:
    case Life::listener:
    case Life::killed_at_birth: break;
  }
  auto spec = Jails::victim({"hello"});
  spec.listener = life == Life::listener;
  return spec;
}

bool ended_as(Life life, Exited const& exited) {
  switch (life) {
    case Life::killed:
    case Life::killed_stubborn: return exited.signal == SIGKILL;
    case Life::terminated: return exited.signal == SIGTERM;
    // What the program had time for.
    case Life::killed_at_birth: return exited.signal == SIGKILL || exited.code == 0;
    case Life::hello:
    case Life::listener:
    case Life::daemons: break;
  }
  return exited.code == 0;
}

std::size_t descriptors(std::string const& process) {
  auto const all = std::filesystem::directory_iterator("/proc/" + process + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Objects of the kernel that a jail has at least one of. Caches of names and inodes are not among
// them: those grow with use and shrink when memory is short.
std::map<std::string, long> kernel_objects() {
  std::set<std::string> const counted{"net_namespace", "pid_namespace", "user_namespace",
                                      "uts_namespace", "nsproxy",       "mnt_cache",
                                      "task_struct",   "pid",           "sock_inode_cache"};
  std::map<std::string, long> found;
  std::ifstream file("/proc/slabinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    long active = 0;
    if (words >> name >> active && counted.contains(name)) found[name] = active;
  }
  return found;
}

long dying_groups(OwnCgroups const& root) {
  std::ifstream file(root.path() + "/cgroup.stat");
  std::string name;
  for (long value = 0; file >> name >> value;)
    if (name == "nr_dying_descendants") return value;
  return 0;
}

class Cycles {
 public:
  Cycles(Sandbox& sandbox, int count) : sandbox_(sandbox), count_(count) {}

  void run() {
    while (ended_ < count_) {
      while (submitted_ < count_ && living_.size() < kAtOnce) submit();
      pollfd p{sandbox_.native_handle(), POLLIN, 0};
      REQUIRE(::poll(&p, 1, 30'000) == 1);
      while (auto event = sandbox_.poll()) std::visit([this](auto const& e) { on(e); }, *event);
    }
    check_canaries(0);
  }
  int on_numbers_of_the_dead() const { return reused_; }

 private:
  struct Jail {
    Life life;
    pid_t pid = 0;
  };

  void submit() {
    auto const life = static_cast<Life>(submitted_++ % kLives);
    auto const ticket = sandbox_.submit(spec_of(life)).value();
    living_[ticket] = {life};
    if (life == Life::killed_at_birth) sandbox_.kill(ticket);
  }

  void on(Started const& started) {
    sys::Fd const listener(started.listener);
    auto& jail = living_.at(started.ticket);
    jail.pid = started.pid;
    CHECK(static_cast<bool>(listener) == (jail.life == Life::listener));
    if (jail.life == Life::killed || jail.life == Life::killed_stubborn)
      sandbox_.kill(started.ticket);
    if (jail.life == Life::terminated) sandbox_.terminate(started.ticket);
  }
  void on(Failed const& failed) {
    CHECK(living_.at(failed.ticket).life == Life::killed_at_birth);
    CHECK(failed.step == "killed");
    end(failed.ticket);
  }
  void on(Exited const& exited) {
    CHECK(ended_as(living_.at(exited.ticket).life, exited));
    end(exited.ticket);
  }

  // A10: every few jails a canary takes the number of the one that ended, and sits there while the
  // others are killed.
  void end(Ticket ticket) {
    auto const pid = living_.at(ticket).pid;
    living_.erase(ticket);
    if (++ended_ % 20 != 0) return;
    canaries_.emplace_back(pid);
    reused_ += canaries_.back().has_wanted();
    check_canaries(kCanaries);
  }
  void check_canaries(std::size_t keep) {
    for (; canaries_.size() > keep; canaries_.pop_front())
      CHECK(canaries_.front().is_undisturbed());
  }

  Sandbox& sandbox_;
  int const count_;
  int submitted_ = 0, ended_ = 0, reused_ = 0;
  std::map<Ticket, Jail> living_;
  std::deque<Canary> canaries_;
};

void cycle(int count) {
  OwnCgroups root;
  auto options = jail_options();
  options.cgroup_root = root.path();
  Jails jails(options);
  Cycles(jails.sandbox(), 100).run();  // what stays for good is there from now on
  auto const group = root.path() + "/" + *root.names().begin();
  auto const spawner = std::to_string(jails.sandbox().spawner_pid());
  auto const files = descriptors("self"), spawner_files = descriptors(spawner);
  auto const mounts = sys::read_text("/proc/self/mountinfo").value();
  auto const before = kernel_objects();
  if (skipped_unless(!before.empty(), "/proc/slabinfo cannot be read here")) return;

  Cycles cycles(jails.sandbox(), count);
  cycles.run();

  CHECK(descriptors("self") == files);
  CHECK(descriptors(spawner) == spawner_files);
  CHECK(OwnCgroups::below(group).empty());
  CHECK(root.processes().empty());
  CHECK(sys::read_text("/proc/" + spawner + "/task/" + spawner + "/children").value().empty());
  CHECK(sys::read_text("/proc/self/mountinfo").value() == mounts);
  if (::geteuid() == 0) CHECK(cycles.on_numbers_of_the_dead() > count / 100);
  // The kernel frees namespaces behind our back, in batches, and counts by whole pages of objects;
  // the rest of the machine lives on, too. One object lost in every tenth jail would be seen.
  auto const noise = count / 10;
  auto const grown = [&] {
    std::string names;
    for (auto const& [name, active] : kernel_objects())
      if (active > before.at(name) + noise)
        names += name + " " + std::to_string(before.at(name)) + "->" + std::to_string(active) + " ";
    if (dying_groups(root) > noise) names += "dying cgroups";
    return names;
  };
  for (int i = 0; i < 600 && !grown().empty(); ++i) std::this_thread::sleep_for(100ms);
  CHECK(grown() == "");
}

}  // namespace

TEST_CASE("ten thousand jails leave the kernel as it was, and signal nobody else") {
  cycle(10'000);
}

TEST_CASE("a hundred thousand jails leave the kernel as it was, and signal nobody else" *
          doctest::test_suite("long")) {
  cycle(100'000);
}
