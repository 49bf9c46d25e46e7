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
  std::vector<bool> told;
  auto const watch = runtime::PressureWatch::start(
      io.get_executor(), [&](bool high) { told.push_back(high); }, crowd.file());
  REQUIRE(watch);
  auto const until = [&](bool high) {
    while (told.empty() || told.back() != high) REQUIRE(io.run_one_for(60s) == 1);
  };
  crowd.gather();
  until(true);
  crowd.disperse();
  until(false);
  watch->stop();
  io.run();  // it holds nobody any more
}

TEST_CASE("a kernel without such information is no error") {
  boost::asio::io_context io;
  CHECK_FALSE(runtime::PressureWatch::start(
      io.get_executor(), [](bool) {}, "/proc/no/pressure"));
}
