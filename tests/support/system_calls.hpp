// Counts the system calls of the calling thread, by number, as the kernel sees them: another
// process follows the thread by ptrace while an instance lives.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>

namespace faas::test {

class SystemCalls {
 public:
  SystemCalls();   // of the thread that makes it
  ~SystemCalls();  // on the same thread
  SystemCalls(SystemCalls const&) = delete;

  long of(long number) const { return shared_->counts[static_cast<std::size_t>(number)]; }

 private:
  struct Shared {
    std::atomic<bool> ready{false}, refused{false};
    std::array<std::atomic<long>, 512> counts{};
  };
  [[noreturn]] static void follow(pid_t, Shared&);

  Shared* shared_;
  pid_t tracer_;
};

}  // namespace faas::test
