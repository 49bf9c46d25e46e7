#include "injector.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <map>
#include <new>
#include <set>
#include <string>

namespace faas::test {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

long trace(__ptrace_request request, pid_t pid, std::size_t address = 0, long data = 0) {
  return ::ptrace(request, pid, reinterpret_cast<void*>(address), reinterpret_cast<void*>(data));
}

// A call that does not return cannot fail, nor can umask; close has closed whatever it says.
bool can_fail(long number) {
  return number != SYS_exit_group && number != SYS_exit && number != SYS_umask &&
         number != SYS_close;
}

}  // namespace

// A process of its own: when it is killed, the kernel lets all it traces go on.
class Injector::Tracer {
 public:
  Tracer(Fault fault, bool from_birth, Shared& shared)
      : fault_(fault), from_birth_(from_birth), shared_(shared) {}

  [[noreturn]] void run(pid_t traced) {
    constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                              PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    shared_.refused = trace(PTRACE_SEIZE, traced, 0, kOptions) != 0;
    if (from_birth_)
      shared_.ready = true;
    else
      trace(PTRACE_INTERRUPT, traced);
    if (from_birth_)
      host_ = traced;
    else
      places_[traced] = 0, restless_ = {traced}, trace_waiting(traced, kOptions);
    int status;
    for (pid_t pid; (pid = ::waitpid(-1, &status, __WALL)) > 0;)
      if (WIFSTOPPED(status)) on_stop(pid, status);
    ::_exit(0);
  }

 private:
  // All jails of an idle spawner wait for their program.
  void trace_waiting(pid_t spawner, long options) {
    auto const pid = std::to_string(spawner);
    std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
    for (pid_t child; children >> child;) {
      shared_.refused = shared_.refused || trace(PTRACE_SEIZE, child, 0, options) != 0;
      trace(PTRACE_INTERRUPT, child);
      waiting_.insert(child);
      restless_.insert(child);
    }
  }

  // Spawner, pid 1, program, pid 1 of another: first heard of in this order and no other, so a
  // process is known by that.
  // Else: the parent that only gives birth to the spawner, the spawner, who builds the root that
  // its first jail stands on, its jails.
  std::optional<Role> role(pid_t pid) {
    if (pid == host_) return {};
    auto const place = places_.try_emplace(pid, static_cast<int>(places_.size())).first->second;
    if (!from_birth_ && place <= static_cast<int>(Role::ahead)) return static_cast<Role>(place);
    if (from_birth_ && (place == 1 || place == 2)) return static_cast<Role>(place - 1);
    return {};
  }

  void on_stop(pid_t pid, int status) {
    int const event = status >> 16;
    int const signal = WSTOPSIG(status);
    if (waiting_.contains(pid)) return on_waiting(pid, signal);
    auto const who = role(pid);
    if (signal == kSyscallStop) return on_call(pid, who);
    if (event == PTRACE_EVENT_EXEC && who >= Role::program) return let_go(pid);
    if (event == PTRACE_EVENT_STOP && !who && pid != host_ && !gives_birth(pid)) return let_go(pid);
    go_on(pid, who, event ? 0 : signal);
  }

  // What its program comes by is the one call it stands in.
  void on_waiting(pid_t pid, int signal) {
    __ptrace_syscall_info info{};
    if (signal == kSyscallStop)
      trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, reinterpret_cast<long>(&info));
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) rest(pid);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) waiting_.erase(pid), (void)role(pid);
    trace(PTRACE_SYSCALL, pid);
  }

  void rest(pid_t pid) {
    restless_.erase(pid);
    if (restless_.empty()) shared_.ready = true;
  }

  bool gives_birth(pid_t pid) const { return from_birth_ && places_.at(pid) == 0; }

  void on_call(pid_t pid, std::optional<Role> who) {
    __ptrace_syscall_info info{};
    trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, reinterpret_cast<long>(&info));
    if (who && info.op == PTRACE_SYSCALL_INFO_ENTRY)
      on_entry(pid, *who, static_cast<long>(info.entry.nr));
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && pid == failing_) {
      trace(PTRACE_POKEUSER, pid, offsetof(user, regs.rax), -fault_.error);
      failing_ = 0;
    }
    go_on(pid, who, 0);
  }

  void on_entry(pid_t pid, Role who, long number) {
    // All go back to waiting: from here on what they do, they do for the jail.
    if (!shared_.ready) return rest(pid);
    if (who != fault_.role || ++calls_ != fault_.nth) return;
    shared_.failed = number;
    if (!can_fail(number)) return;
    trace(PTRACE_POKEUSER, pid, offsetof(user, regs.orig_rax), -1);
    failing_ = pid;
  }

  void go_on(pid_t pid, std::optional<Role> who, int signal) {
    trace(who ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, signal);
  }
  void let_go(pid_t pid) { trace(PTRACE_DETACH, pid); }

  Fault const fault_;
  bool const from_birth_;
  Shared& shared_;
  std::map<pid_t, int> places_;
  std::set<pid_t> waiting_;   // for their program
  std::set<pid_t> restless_;  // of spawner and jails, those not yet seen to wait
  pid_t host_ = 0;
  pid_t failing_ = 0;
  int calls_ = 0;
};

Injector::Injector(pid_t spawner, Fault fault) { start(spawner, fault, false); }
Injector::Injector(NextSpawner, Fault fault) { start(::getpid(), fault, true); }

void Injector::start(pid_t traced, Fault fault, bool from_birth) {
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  shared_ = new (memory) Shared;
  tracer_ = ::fork();
  REQUIRE(tracer_ >= 0);
  if (tracer_ == 0) Tracer(fault, from_birth, *shared_).run(traced);
  for (int i = 0; i < 10'000 && !shared_->ready && !shared_->refused; ++i) ::usleep(200);
  REQUIRE(shared_->ready);
  REQUIRE_FALSE(shared_->refused);
}

Injector::~Injector() {
  ::kill(tracer_, SIGKILL);
  ::waitpid(tracer_, nullptr, 0);
  ::munmap(shared_, sizeof(Shared));
}

std::optional<long> Injector::failed() const {
  auto const number = shared_->failed.load();
  return number < 0 ? std::nullopt : std::optional(number);
}

}  // namespace faas::test
