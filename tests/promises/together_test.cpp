#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "promises/host.hpp"

using namespace promises;

TEST_CASE("two runtimes live in one process, on one loop") {
  asio::io_context io;
  auto first = open(io);
  auto second = open(io);
  deploy(io, first, "who", "def handler(event, context):\n    return 'first'\n");
  deploy(io, second, "who", "def handler(event, context):\n    return 'second'\n");
  for (int i = 0; i < 2; ++i) {
    CHECK(call(io, first, "who").payload == "\"first\"");
    CHECK(call(io, second, "who").payload == "\"second\"");
  }
  close(io, first);
  auto const alone = call(io, second, "who");
  CHECK(alone.payload == "\"second\"");
  CHECK(alone.start == faas::StartLevel::warm);
  close(io, second);
}

TEST_CASE("two runtimes do not share a state directory") {
  Folder const folder;
  asio::io_context io;
  auto wanted = options();
  wanted.state_dir = folder.path() / "state";
  auto first = open(io, wanted);
  auto const second = faas::Runtime::open(io.get_executor(), wanted);
  REQUIRE(second.has_error());
  CHECK(second.error().code == faas::Errc::conflict);
  CHECK(second.error().message.find(wanted.state_dir) != std::string::npos);
  close(io, first);
  auto third = open(io, wanted);
  close(io, third);
}

namespace {

std::atomic<int> child_signals = 0;
std::atomic<int> stranger_signals = 0;
std::atomic<int> expected_child = 0;

void on_child(int, siginfo_t* info, void*) {
  ++child_signals;
  if (info->si_pid != expected_child) ++stranger_signals;
}

pid_t child_that_exits(int code) {
  // Blocked until its id is known to the handler.
  sigset_t child, before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, &before);
  pid_t const pid = ::fork();
  if (pid == 0) ::_exit(code);
  expected_child = pid;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

// waitpid(-1), again when a signal of the host's own interrupts it.
pid_t wait_for_any(int* status) {
  for (;;) {
    pid_t const pid = ::waitpid(-1, status, 0);
    if (pid >= 0 || errno != EINTR) return pid;
  }
}

}  // namespace

TEST_CASE("a host with threads, children and a SIGCHLD handler of its own is undisturbed") {
  struct sigaction mine = {}, before = {};
  mine.sa_sigaction = on_child;
  mine.sa_flags = SA_SIGINFO;
  ::sigaction(SIGCHLD, &mine, &before);

  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> turns = 0;
  std::thread worker([&] {
    while (!stop) {
      std::vector<int> heap(1000, 1);  // the allocator's locks are held while jails start
      turns += static_cast<std::uint64_t>(heap.back());
      std::this_thread::yield();
    }
  });

  asio::io_context io;
  auto runtime = open(io);
  deploy(io, runtime, "echo", kEcho);
  deploy(io, runtime, "gone", "import os\ndef handler(event, context):\n    os._exit(1)\n");
  for (int i = 0; i < 3; ++i) {
    pid_t const child = child_that_exits(7);
    CHECK(call(io, runtime, "echo").ok());
    CHECK(call(io, runtime, "gone").status == faas::Status::crashed);
    int status = 0;
    CHECK(wait_for_any(&status) == child);
    CHECK(WEXITSTATUS(status) == 7);
  }
  // Its children are waited for; whatever else runs below it is no child to wait for.
  CHECK(wait_for_any(nullptr) == -1);
  CHECK(errno == ECHILD);
  close(io, runtime);
  CHECK(wait_for_any(nullptr) == -1);
  CHECK(child_signals >= 3);
  CHECK(stranger_signals == 0);

  stop = true;
  worker.join();
  CHECK(turns > 0);
  ::sigaction(SIGCHLD, &before, nullptr);
}

TEST_CASE("the thread that opened the runtime may end before the runtime") {
  asio::io_context io;
  std::optional<faas::Runtime> runtime;
  std::thread([&] { runtime = open(io); }).join();
  deploy(io, *runtime, "echo", kEcho);
  CHECK(call(io, *runtime, "echo").ok());
  close(io, *runtime);
}
