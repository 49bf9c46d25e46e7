// A process outside of every jail that no signal may ever reach.
#pragma once

#include <doctest/doctest.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace faas::test {

class Canary {
 public:
  // With this number if it is free and we may choose (root), else with any.
  explicit Canary(pid_t wanted = 0) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // from its first instruction on it misses none
    pid_ = wanted > 0 ? clone_as(wanted) : -1;
    has_wanted_ = pid_ > 0;
    if (pid_ < 0) pid_ = clone_as(0);
    if (pid_ == 0) {
      ::sigwaitinfo(&all, nullptr);
      ::_exit(1);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    REQUIRE(pid_ > 0);
  }
  ~Canary() {
    ::kill(pid_, SIGKILL);
    if (!has_changed_) ::waitpid(pid_, nullptr, 0);
  }
  Canary(Canary const&) = delete;

  bool has_wanted() const { return has_wanted_; }
  // Neither ended nor stopped nor continued by anybody.
  bool is_undisturbed() {
    int status = 0;
    if (!has_changed_)
      has_changed_ = ::waitpid(pid_, &status, WNOHANG | WUNTRACED | WCONTINUED) != 0;
    return !has_changed_;
  }

 private:
  static pid_t clone_as(pid_t number) {
    clone_args args{};
    args.exit_signal = SIGCHLD;
    if (number > 0) {
      args.set_tid = reinterpret_cast<std::uint64_t>(&number);
      args.set_tid_size = 1;
    }
    return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  }

  pid_t pid_;
  bool has_wanted_ = false;
  bool has_changed_ = false;
};

}  // namespace faas::test
