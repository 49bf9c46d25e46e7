#include "sys/thread.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <vector>

#include "support/skip.hpp"
#include "words.hpp"

using namespace faas;
using namespace faas::test;

namespace {

sigset_t mask_of_this_thread() {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

// All that may be blocked: the C library keeps two of its own open.
std::vector<int> open_signals(sigset_t const& mask) {
  std::vector<int> open;
  for (int s = 1; s <= SIGRTMAX; ++s) {
    bool const reserved = s > SIGSYS && s < SIGRTMIN;
    if (s != SIGKILL && s != SIGSTOP && !reserved && ::sigismember(&mask, s) == 0)
      open.push_back(s);
  }
  return open;
}

}  // namespace

TEST_CASE("every signal is blocked in a thread of ours, and its maker's mask is as before") {
  auto const before = open_signals(mask_of_this_thread());
  REQUIRE_FALSE(before.empty());
  sigset_t inside;
  auto thread = sys::start_thread("masked", [&] { inside = mask_of_this_thread(); });
  REQUIRE(thread.has_value());
  thread->join();
  CHECK(open_signals(inside).empty());
  CHECK(open_signals(mask_of_this_thread()) == before);
}

TEST_CASE("a thread bears its name, for people who look") {
  std::promise<void> looked;
  auto thread =
      sys::start_thread("fifteen letters", [done = looked.get_future().share()] { done.wait(); });
  REQUIRE(thread.has_value());
  char name[16] = {};
  CHECK(::pthread_getname_np(thread->native_handle(), name, sizeof name) == 0);
  CHECK(std::string_view(name) == "fifteen letters");
  looked.set_value();
  thread->join();
}

TEST_CASE("a thread that the kernel refuses is an error that says what to raise") {
  // In a process of its own, as a user who may have no further thread.
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  sys::Fd const out(ends[0]);
  sys::Fd in(ends[1]);
  pid_t const pid = ::fork();
  if (pid == 0) {
    rlimit const none{1, 1};
    if (::setrlimit(RLIMIT_NPROC, &none) != 0 || (::getuid() == 0 && ::setuid(54321) != 0))
      ::_exit(2);
    auto thread = sys::start_thread("refused", [] {});
    if (thread) ::_exit(3);
    auto const& told = thread.error();
    bool const masked = open_signals(mask_of_this_thread()).empty();
    (void)sys::write_all(in.get(), sys::bytes_of(told.message), "pipe");
    ::_exit(told.code == Errc::io && !masked ? 0 : 1);
  }
  in.reset();
  std::string const said = content("/proc/self/fd/" + std::to_string(out.get()));
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFEXITED(status));
  if (skipped_unless(WEXITSTATUS(status) != 2, "no other user to be")) return;
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(said.find("raise RLIMIT_NPROC or pids.max") != std::string::npos);
}
