#include "support/system_calls.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>

namespace faas::test {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

long trace(__ptrace_request request, pid_t pid, std::size_t address = 0, long data = 0) {
  return ::ptrace(request, pid, reinterpret_cast<void*>(address), reinterpret_cast<void*>(data));
}

}  // namespace

void SystemCalls::follow(pid_t thread, Shared& shared) {
  shared.refused = trace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD) != 0;
  trace(PTRACE_INTERRUPT, thread);
  int status;
  while (::waitpid(thread, &status, __WALL) > 0 && WIFSTOPPED(status)) {
    int const signal = WSTOPSIG(status);
    __ptrace_syscall_info info{};
    if (signal == kSyscallStop)
      trace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, reinterpret_cast<long>(&info));
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr < shared.counts.size())
      ++shared.counts[info.entry.nr];
    bool const ours = signal == kSyscallStop || status >> 16 != 0;
    shared.ready = true;
    trace(PTRACE_SYSCALL, thread, 0, ours ? 0 : signal);
  }
  ::_exit(0);
}

SystemCalls::SystemCalls() {
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  shared_ = new (memory) Shared;
  auto const thread = ::gettid();
  tracer_ = ::fork();
  REQUIRE(tracer_ >= 0);
  if (tracer_ == 0) follow(thread, *shared_);
  for (int i = 0; i < 10'000 && !shared_->ready && !shared_->refused; ++i) ::usleep(200);
  REQUIRE(shared_->ready);
  REQUIRE_FALSE(shared_->refused);
}

// When it is killed, the kernel lets the thread go on.
SystemCalls::~SystemCalls() {
  ::kill(tracer_, SIGKILL);
  ::waitpid(tracer_, nullptr, 0);
  ::munmap(shared_, sizeof(Shared));
}

}  // namespace faas::test
