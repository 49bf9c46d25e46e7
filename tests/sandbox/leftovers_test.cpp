#include "sandbox/leftovers.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "own_cgroups.hpp"
#include "support/result.hpp"
#include "sys/directory.hpp"

using namespace faas;
using namespace faas::sandbox;
using namespace faas::test;
using Names = std::set<std::string>;

namespace {

// A process in a group, for as long as the group is left alone.
class Sleeper {
 public:
  explicit Sleeper(std::string const& group) : pid_(::fork()) {
    if (pid_ == 0)
      for (;;) ::pause();
    OwnCgroups::put(group, pid_);
  }
  ~Sleeper() {
    ::kill(pid_, SIGKILL);
    if (!is_dead_) ::waitpid(pid_, nullptr, 0);
  }
  Sleeper(Sleeper const&) = delete;

  bool lives() {
    int status = 0;
    if (!is_dead_ && ::waitpid(pid_, &status, WNOHANG) == pid_) is_dead_ = true;
    return !is_dead_;
  }
  bool is_dead() {
    for (int i = 0; i < 200 && lives(); ++i) ::usleep(10'000);
    return is_dead_;
  }

 private:
  pid_t pid_;
  bool is_dead_ = false;
};

void freeze(std::string const& group) {
  sys::write_text(AT_FDCWD, group + "/cgroup.freeze", "1").value();
}

Cgroups open(OwnCgroups const& root, std::string const& id) {
  return std::move(*Cgroups::open(root.path(), id).value());
}

}  // namespace

TEST_SUITE_BEGIN("cgroup");

TEST_CASE("a dead runtime's group goes with the next start, whatever either is called") {
  OwnCgroups root;
  for (std::string const id : {"same", "other"}) {
    Sleeper running(root.make("faas-same", "jail-1"));
    auto const cold = root.make("faas-same", "jail-2");
    Sleeper frozen(cold);
    freeze(cold);
    root.make("faas-same", "jail-3");
    auto const next = open(root, id);
    CHECK(root.names() == Names{"faas-" + id});
    CHECK(OwnCgroups::below(root.path() + "/faas-" + id).empty());
    CHECK(root.processes().empty());
    CHECK(running.is_dead());
    CHECK(frozen.is_dead());
  }
  CHECK(root.names().empty());
}

TEST_CASE("a living runtime's group is left alone, in this process and in another") {
  OwnCgroups root;
  auto const here = open(root, "here");
  Sleeper with_us(root.make("faas-here", "jail-1"));
  int ready[2];
  REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
  pid_t const neighbour = ::fork();
  if (neighbour == 0) {
    auto const there = open(root, "there");
    root.make("faas-there", "jail-1");
    if (::write(ready[1], "r", 1) == 1)
      for (;;) ::pause();
    ::_exit(1);
  }
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  Sleeper with_them(root.path() + "/faas-there/jail-1");
  {
    auto const next = open(root, "next");
    CHECK(root.names() == Names{"faas-here", "faas-next", "faas-there"});
  }
  CHECK(with_us.lives());
  CHECK(with_them.lives());
  ::kill(neighbour, SIGKILL);
  ::waitpid(neighbour, nullptr, 0);
  here.remove_dead_neighbours();
  CHECK(root.names() == Names{"faas-here"});
  CHECK(with_us.lives());
  CHECK(with_them.is_dead());
  for (int fd : ready) ::close(fd);
}

TEST_CASE("what a runtime did not make is left alone") {
  OwnCgroups root;
  auto const open_to_all = root.make("faas-theirs");
  REQUIRE(::chmod(open_to_all.c_str(), 0755) == 0);
  Sleeper one(open_to_all);
  Sleeper two(root.make("faas-with-another-name"));
  Sleeper three(root.make("other"));
  root.make("faas-");
  auto all = root.names();
  if (::geteuid() == 0) REQUIRE(::chown(root.make("faas-anothers").c_str(), 12345, 12345) == 0);
  if (::geteuid() == 0) all.insert("faas-anothers");
  open(root, "next");
  CHECK(root.names() == all);
  CHECK(one.lives());
  CHECK(two.lives());
  CHECK(three.lives());
}

TEST_CASE("an id whose group another start is clearing away is waited for") {
  OwnCgroups root;
  root.make("faas-again");
  auto cleaning = sys::try_claim(root.fd(), "faas-again").value();
  REQUIRE(cleaning.has_value());
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    remove_group(root.fd(), "faas-again", std::move(*cleaning));
  });
  auto const group = claim_group(root.fd(), "again");
  other.join();
  REQUIRE(group.has_value());
  CHECK(root.names() == Names{"faas-again"});
  CHECK_FALSE(
      sys::try_claim(root.fd(), "faas-again").value().has_value());  // it is the claimed one
}

TEST_CASE("an id of a living process is a conflict that names it") {
  OwnCgroups root;
  auto const first = claim_group(root.fd(), "mine").value();
  auto const second = claim_group(root.fd(), "mine");
  REQUIRE(second.has_error());
  CHECK(second.error().code == Errc::conflict);
  CHECK(second.error().message.find("mine") != std::string::npos);
}

TEST_CASE("starts side by side clear away one leftover together, and none of them fails") {
  OwnCgroups root;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 5; ++i) root.make("faas-dead" + std::to_string(i), "jail-1");
    std::vector<std::thread> starts;
    std::atomic<int> opened = 0;
    for (int i = 0; i < 8; ++i)
      starts.emplace_back([&, i] {
        // Half of them want an id that the others take for a dead one's.
        auto const id = i % 2 ? "next" + std::to_string(i) : "dead" + std::to_string(i / 2);
        if (auto groups = Cgroups::open(root.path(), id); groups && *groups) ++opened;
      });
    for (auto& start : starts) start.join();
    CHECK(opened == 8);
    CHECK(root.names().empty());
  }
}

// --- killed while it cleans
// ------------------------------------------------------------------------

namespace {

enum class End { killed, finished };

// Kills a child that does `work` at its `count`-th system call, before the kernel carries it out.
End kill_at(int count, std::function<void()> const& work) {
  auto const child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSTOPPED(status));
  REQUIRE(::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL) == 0);
  for (int stops = 2 * count - 1; stops > 0; --stops) {  // a stop before and one after each call
    REQUIRE(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0);
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) return End::finished;
  }
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  return End::killed;
}

}  // namespace

TEST_CASE("a start or an end killed at any system call is completed by the next start") {
  OwnCgroups root;
  auto const alive = open(root, "alive");
  Sleeper neighbour(root.make("faas-alive", "jail-1"));
  int count = 1;
  for (auto end = End::killed; end == End::killed; ++count) {
    CAPTURE(count);
    Sleeper running(root.make("faas-dead", "jail-1"));
    root.make("faas-dead", "jail-2");
    end = kill_at(count, [&] { open(root, "next"); });
    { auto const last = open(root, "last"); }
    REQUIRE(root.names() == Names{"faas-alive"});
    REQUIRE(running.is_dead());
    REQUIRE(neighbour.lives());
  }
  CHECK(count > 50);
}

TEST_SUITE_END();
