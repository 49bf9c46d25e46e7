#include "sys/process.hpp"

#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <thread>

#include "sys/directory.hpp"
#include "sys/memfd.hpp"
#include "sys/text_file.hpp"
#include "words.hpp"

using namespace faas;
using namespace faas::test;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

namespace {

constexpr auto kPatience = 30s;  // a hang is a failure, not a wait

volatile std::sig_atomic_t g_child_signals = 0;

// Counts SIGCHLD while it lives.
class ChildSignals {
 public:
  ChildSignals() {
    g_child_signals = 0;
    before_ = std::signal(SIGCHLD, [](int) { g_child_signals = g_child_signals + 1; });
  }
  ~ChildSignals() { std::signal(SIGCHLD, before_); }
  ChildSignals(ChildSignals const&) = delete;
  ChildSignals& operator=(ChildSignals const&) = delete;
  int count() const { return g_child_signals; }

 private:
  void (*before_)(int);
};

// Nobody whom wait(-1) could find, not even among those with another exit signal.
bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

// A child of ours in the usual way, which waits to be killed.
struct Forked {
  Forked() : pid(::fork()) {
    if (pid == 0)
      for (;;) ::pause();
    pidfd = sys::open_process(pid).value();
  }
  ~Forked() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  Forked(Forked const&) = delete;
  Forked& operator=(Forked const&) = delete;
  void kill() const {
    sys::signal_process(pidfd.get(), SIGKILL);
    REQUIRE(sys::wait_until_ended(pidfd.get(), kPatience));
  }

  pid_t pid;
  sys::Fd pidfd;
};

// cat, hidden: it gives back what it is sent, so that a test knows that it runs.
class Echo {
 public:
  explicit Echo(int image) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    line_ = sys::Fd(ends[0]);
    sys::Fd const theirs(ends[1]);
    auto started = sys::spawn_hidden(
        {.image = image, .argv = {"cat"}, .first = 0, .fds = {theirs.get(), theirs.get()}});
    REQUIRE_MESSAGE(started.has_value(), started.error().message);
    child_ = std::move(*started);
  }
  ~Echo() { end(); }
  Echo(Echo const&) = delete;
  Echo& operator=(Echo const&) = delete;

  int pidfd() const { return child_.pidfd.get(); }
  std::string of(std::string const& what) const {
    return "/proc/" + std::to_string(child_.pid) + "/" + what;
  }
  bool answers() const {
    std::array<std::byte, 1> buffer{};
    return sys::write_all(line_.get(), sys::bytes_of("x"), "line").has_value() &&
           sys::read_some(line_.get(), buffer).value() == 1;
  }
  void end() {
    if (!line_) return;
    line_.reset();
    CHECK(sys::wait_until_ended(pidfd(), kPatience));
    sys::reap(pidfd());
  }

 private:
  sys::Fd line_;
  sys::Child child_;
};

sys::Fd cat() { return sys::open_file("/bin/cat", O_PATH).value(); }

}  // namespace

TEST_CASE("a hidden program runs, and neither its life nor its end is its host's to notice") {
  ChildSignals const signals;
  auto const image = cat();
  Echo echo(image.get());
  CHECK(echo.answers());
  CHECK_FALSE(has_children());
  CHECK_FALSE(sys::has_ended(echo.pidfd()));
  echo.end();
  CHECK(sys::has_ended(echo.pidfd()));
  CHECK_FALSE(has_children());
  CHECK(signals.count() == 0);
}

TEST_CASE("a hidden program has null and what it was given, nothing else of its host") {
  sys::Fd const leak(::open("/dev/zero", O_RDONLY));  // without O_CLOEXEC
  REQUIRE(leak.get() >= 3);
  auto const image = cat();
  Echo const echo(image.get());
  REQUIRE(echo.answers());
  auto const fds = open_directory(echo.of("fd"));
  CHECK(sys::list_names(fds.get()).value() == Names{"0", "1", "2"});
  CHECK(std::filesystem::read_symlink(echo.of("fd/2")) == "/dev/null");
  CHECK(sys::read_text(echo.of("environ")).value().empty());
}

TEST_CASE("a descriptor lands where it was meant to, and below it there is nothing of the host") {
  sys::Fd const leak(::open("/dev/zero", O_RDONLY));  // without O_CLOEXEC
  REQUIRE(leak.get() < 9);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  sys::Fd const out(ends[0]);
  sys::Fd in(ends[1]);
  auto const shell = sys::open_file("/bin/sh", O_PATH).value();
  auto const child = sys::spawn_hidden(
      {.image = shell.get(),
       .argv = {"sh", "-c",
                "for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo $fd >&9; done"},
       .first = 9,
       .fds = {in.get()}});
  REQUIRE(child.has_value());
  in.reset();
  CHECK(content("/proc/self/fd/" + std::to_string(out.get())) == "9\n");
  CHECK(sys::wait_until_ended(child->pidfd.get(), kPatience));
  sys::reap(child->pidfd.get());
}

TEST_CASE("a hidden program begins with every signal blocked and none ignored") {
  auto const before = std::signal(SIGUSR1, SIG_IGN);  // exec would keep it
  auto const image = cat();
  Echo const echo(image.get());
  std::signal(SIGUSR1, before);
  REQUIRE(echo.answers());
  auto const status = sys::read_text(echo.of("status")).value();
  // All but SIGKILL, SIGSTOP and the two of the C library.
  CHECK(status.find("SigBlk:\tfffffffe7ffbfeff") != std::string::npos);
  CHECK(status.find("SigIgn:\t0000000000000000") != std::string::npos);
}

TEST_CASE("its host's own mask of signals is as before") {
  sigset_t before, after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  auto const image = cat();
  Echo const echo(image.get());
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int s = 1; s < NSIG; ++s) CHECK(::sigismember(&before, s) == ::sigismember(&after, s));
}

TEST_CASE("a hidden program outlives the thread that started it") {
  auto const image = cat();
  std::unique_ptr<Echo> echo;
  std::thread([&] { echo = std::make_unique<Echo>(image.get()); }).join();
  CHECK(echo->answers());
}

TEST_CASE("a program that lies in memory only is executed from there") {
  auto const image = sys::sealed_memfd("echo", content("/bin/cat")).value();
  Echo const echo(image.get());
  CHECK(echo.answers());
  CHECK(std::filesystem::read_symlink(echo.of("exe")).string().find("memfd:echo") !=
        std::string::npos);
}

TEST_CASE("what is no program is told by name, and leaves nobody behind") {
  ChildSignals const signals;
  auto const text = sys::sealed_memfd("text", "not a program").value();
  auto const started = sys::spawn_hidden({.image = text.get(), .argv = {"letter"}, .fds = {}});
  REQUIRE_FALSE(started.has_value());
  CHECK((started.error() == Error{Errc::io, "exec of letter: Exec format error", {}, {}}));

  TempDir const dir;
  dir.write("plain", content("/bin/cat"));
  auto const plain = sys::open_file(dir / "plain", O_RDONLY).value();
  CHECK(sys::spawn_hidden({.image = plain.get(), .argv = {"plain"}, .fds = {}}).error().code ==
        Errc::denied);
  CHECK(sys::spawn_hidden({.image = -1, .argv = {"none"}, .fds = {}}).error().message ==
        "exec of none: Bad file descriptor");
  CHECK_FALSE(has_children());
  CHECK(signals.count() == 0);
}

TEST_CASE("a process is watched by its descriptor: running, ended, and still known once it ended") {
  Forked const child;
  CHECK_FALSE(sys::has_ended(child.pidfd.get()));
  CHECK_FALSE(sys::wait_until_ended(child.pidfd.get(), 1ms));
  CHECK(closes_on_exec(child.pidfd.get()));
  child.kill();
  CHECK(sys::has_ended(child.pidfd.get()));
  REQUIRE(::waitpid(child.pid, nullptr, 0) == child.pid);
  CHECK(sys::has_ended(child.pidfd.get()));         // its number may be another's by now
  sys::signal_process(child.pidfd.get(), SIGKILL);  // reaches nobody
}

TEST_CASE("a wait for an end goes on when a signal interrupts it") {
  Forked const child;
  auto const before = std::signal(SIGUSR1, [](int) {});
  struct sigaction action {};
  ::sigaction(SIGUSR1, nullptr, &action);
  action.sa_flags = 0;  // no SA_RESTART; poll is never restarted anyway
  ::sigaction(SIGUSR1, &action, nullptr);
  auto const waiter = static_cast<pid_t>(::syscall(SYS_gettid));
  std::thread other([&] {
    for (int i = 0; i < 20; ++i) {
      ::syscall(SYS_tgkill, ::getpid(), waiter, SIGUSR1);
      std::this_thread::sleep_for(1ms);
    }
    sys::signal_process(child.pidfd.get(), SIGKILL);
  });
  CHECK(sys::wait_until_ended(child.pidfd.get(), kPatience));
  other.join();
  std::signal(SIGUSR1, before);
}

TEST_CASE("only who has ended is reaped, and then nobody finds him") {
  Forked const child;
  sys::reap(child.pidfd.get());
  CHECK(has_children());
  child.kill();
  REQUIRE(has_children());
  sys::reap(child.pidfd.get());
  CHECK_FALSE(has_children());
}

TEST_CASE("a child without an exit signal is reaped too") {
  long const pid = ::syscall(SYS_clone, 0L, nullptr, nullptr, nullptr, 0L);
  if (pid == 0) ::_exit(0);
  REQUIRE(pid > 0);
  auto const pidfd = sys::open_process(static_cast<pid_t>(pid)).value();
  REQUIRE(sys::wait_until_ended(pidfd.get(), kPatience));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // hidden from the usual wait
  sys::reap(pidfd.get());
  CHECK_FALSE(has_children());
}

TEST_CASE("a process that is gone cannot be opened") {
  pid_t const pid = ::fork();
  if (pid == 0) ::_exit(0);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK(sys::open_process(pid).error().message == "pidfd_open: No such process");
}

TEST_CASE("trying namespaces says why the kernel made none, and leaves nobody behind") {
  ChildSignals const signals;
  CHECK(sys::try_namespaces(0).has_value());
  // A mount namespace of one's own and a shared root directory exclude each other.
  auto const refused = sys::try_namespaces(CLONE_NEWNS | CLONE_FS);
  REQUIRE_FALSE(refused.has_value());
  CHECK((refused.error() == Error{Errc::io, "clone: Invalid argument", {}, {}}));
  Result<void> denied;
  std::thread([&] {
    // This thread's rights alone; who has none already keeps them so.
    ::syscall(SYS_setresuid, 54321, 54321, 54321);
    denied = sys::try_namespaces(CLONE_NEWNET);
  }).join();
  REQUIRE_FALSE(denied.has_value());
  CHECK(denied.error().code == Errc::denied);
  CHECK_FALSE(has_children());
  CHECK(signals.count() == 0);
}
