// D25, G19: a crash in a jail starts no program of the host's and writes no file.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "vm_jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// The kernel starts a handler in the root of its own threads, which is that of the initramfs: of
// pid 2, their parent.
fs::path const kKernelRoot = "/proc/2/root";
fs::path const kCaught = kKernelRoot / "caught";

class CorePattern {
 public:
  explicit CorePattern(std::string const& pattern) : before_(slurp(kPath)) {
    fs::remove(kKernelRoot / "catcher");  // an earlier one may still run
    fs::copy_file("/usr/bin/vm_victim", kKernelRoot / "catcher");
    fs::remove(kCaught);
    put(kPath, pattern);
    REQUIRE(slurp(kPath) == pattern);
  }
  ~CorePattern() { put(kPath, before_); }
  CorePattern(CorePattern const&) = delete;

 private:
  static constexpr auto kPath = "/proc/sys/kernel/core_pattern";
  std::string before_;
};

// A crash outside every jail, in a directory of its own. Files it left.
int crash_outside(rlim_t limit) {
  fs::path const directory = "/tmp/crash";
  fs::remove_all(directory);
  fs::create_directory(directory);
  pid_t const child = ::fork();
  if (child == 0) {
    rlimit const core{limit, limit};
    if (::chdir(directory.c_str()) || ::setrlimit(RLIMIT_CORE, &core)) ::_exit(1);
    ::signal(SIGSEGV, SIG_DFL);  // the test program has a handler of its own
    ::raise(SIGSEGV);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  return static_cast<int>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

void expect_crash_in_jail_unseen() {
  Neighbourhood here;
  Jail const jail = here.bomb(victim("crash"));
  CHECK(here.printed() == "setrlimit: EPERM\nchild signal 11, files 0\n");
  CHECK(jail.exited.signal == SIGSEGV);
  CHECK_FALSE(fs::exists(kCaught));
}

}  // namespace

TEST_CASE("outside a jail a crash starts the handler of core_pattern, even under a limit of 0") {
  CorePattern const pattern("|/catcher catch-core");
  crash_outside(0);
  CHECK(fs::exists(kCaught));
}

TEST_CASE("a crash in a jail starts no handler, also after lowering its own limit") {
  CorePattern const pattern("|/catcher catch-core");
  expect_crash_in_jail_unseen();
}

TEST_CASE("a crash in a jail writes no core file where one outside does") {
  CorePattern const pattern("core");
  CHECK(crash_outside(RLIM_INFINITY) == 1);
  expect_crash_in_jail_unseen();
}
