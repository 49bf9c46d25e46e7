#include "runtime/pressure.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "sandbox/cgroups.hpp"
#include "support/skip.hpp"
#include "sys/text_file.hpp"

using namespace faas;
using namespace std::chrono_literals;

namespace {

// Processes that want more CPU than there is, in a group whose stalls are theirs alone.
class Crowd {
 public:
  Crowd() {
    auto const mount = sandbox::find_cgroup2(sys::read_text("/proc/self/mountinfo").value()).mount;
    group_ = fmt::format("{}/faas-pressure-test-{}", mount, ::getpid());
    made_ = ::mkdir(group_.c_str(), 0755) == 0;
  }
  ~Crowd() {
    disperse();
    ::rmdir(group_.c_str());
  }

  bool can_be() const { return made_ && ::access(file().c_str(), W_OK) == 0; }
  std::string file() const { return group_ + "/cpu.pressure"; }

  void gather() {
    for (long i = 0; i < 4 * ::sysconf(_SC_NPROCESSORS_ONLN); ++i) {
      auto const pid = ::fork();
      if (pid == 0) {
        for (;;) asm volatile("");
      }
      spinners_.push_back(pid);
      std::ofstream(group_ + "/cgroup.procs") << pid;
    }
  }
  void disperse() {
    for (auto const pid : spinners_) ::kill(pid, SIGKILL);
    for (auto const pid : spinners_) ::waitpid(pid, nullptr, 0);
    spinners_.clear();
  }

 private:
  std::string group_;
  bool made_ = false;
  std::vector<pid_t> spinners_;
};

}  // namespace

// The memory of a whole machine cannot be made short here: the same trigger on a group's CPU time.
TEST_CASE("who stalls is told so while it stalls, and that it has ended") {
  Crowd crowd;
  if (test::skipped_unless(crowd.can_be(), "needs a cgroup of its own and pressure information"))
    return;
  boost::asio::io_context io;
  auto const mutex = std::make_shared<std::mutex>();
  auto const reactor = invoker::Reactor::open(io.get_executor(), mutex).value();
  std::vector<bool> told;
  std::unique_lock lock(*mutex);
  auto watch = runtime::PressureWatch::open(
      *reactor, [&](bool high) { told.push_back(high); }, crowd.file());
  REQUIRE(watch);
  invoker::Hold hold(*reactor);
  lock.unlock();

  crowd.gather();
  while (told.empty()) io.run_one_for(60s);
  CHECK(told.back());
  crowd.disperse();
  while (told.back()) io.run_one_for(60s);
  CHECK_FALSE(told.back());

  lock.lock();
  watch.reset();
  hold = invoker::Hold();
  reactor->close();
}

TEST_CASE("a kernel without such information is no error") {
  boost::asio::io_context io;
  auto const mutex = std::make_shared<std::mutex>();
  auto const reactor = invoker::Reactor::open(io.get_executor(), mutex).value();
  std::lock_guard lock(*mutex);
  CHECK_FALSE(runtime::PressureWatch::open(
      *reactor, [](bool) {}, "/proc/no/pressure"));
}
