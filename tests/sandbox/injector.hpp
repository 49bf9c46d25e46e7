// Follows a spawner and the two processes it makes for one jail, call by call, and lets one of
// their system calls fail without being done. (strace counts calls apart for each process and each
// kind; here the n-th call of one process is meant, whatever it is.)
#pragma once

#include <sys/types.h>

#include <atomic>
#include <optional>

namespace faas::test {

// Program: until its exec. Ahead: pid 1 of a jail that will wait for the launch after this one.
enum class Role { spawner, init, program, ahead };

// The nth call (from 1) of that process fails with that errno. nth 0: none does.
struct Fault {
  Role role = Role::spawner;
  int nth = 0;
  int error = 0;
};

class Injector {
 public:
  // What is looked at is the next jail of this spawner, which has to be idle. That jail may wait
  // for its program already; then its pid 1 is looked at from the arrival of that. Needs the right
  // to trace them.
  Injector(pid_t spawner, Fault);
  // What follows the birth of the next spawner of this process, from the first call of the process
  // that will be it, and (as init) of who builds its first root; jails are not followed.
  struct NextSpawner {};
  Injector(NextSpawner, Fault);
  ~Injector();
  Injector(Injector const&) = delete;

  // The number of the call that failed; nothing if the process ended before its nth.
  std::optional<long> failed() const;

 private:
  struct Shared {
    std::atomic<bool> ready = false;
    std::atomic<bool> refused = false;
    std::atomic<long> failed = -1;
  };
  class Tracer;

  void start(pid_t traced, Fault, bool from_birth);

  Shared* shared_;
  pid_t tracer_ = 0;
};

}  // namespace faas::test
