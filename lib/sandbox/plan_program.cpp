// Dropping every right, and the last steps up to the function's exec.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

#include "sandbox/plan_builder.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr std::uint64_t kNone = ~0ull;  // no limit

std::string shown(std::uint64_t value) { return value == kNone ? "none" : std::to_string(value); }

// As far as this process was given: nobody in a user namespace raises a hard limit.
void limit(Builder& b, char const* name, Number resource, std::uint64_t soft, std::uint64_t hard) {
  auto const which = static_cast<int>(resource.value);
  rlimit64 const both{b.host.at_most(which, soft), b.host.at_most(which, hard)};
  auto const text = fmt::format("{{{}, {}}}", shown(both.rlim_cur), shown(both.rlim_max));
  b.step(name, FAAS_CALL(prlimit64), {number(0), resource, structure(both, text), number(0)});
}

void limit(Builder& b, char const* name, Number resource, std::uint64_t value) {
  limit(b, name, resource, value, value);
}

void plan_streams(Builder& b) {
  b.open(slot::null, "open-null", FAAS_CALL(openat),
         {FAAS_N(AT_FDCWD), std::string("/dev/null"), FAAS_N(O_RDWR | O_CLOEXEC)});
  b.step("stdin", FAAS_CALL(dup3), {slot::null, number(0), number(0)});
  b.step("stdout", FAAS_CALL(dup3),
         {b.spec.output_fd >= 0 ? slot::output : slot::null, number(1), number(0)});
  b.step("stderr", FAAS_CALL(dup3),
         {b.spec.error_fd >= 0 ? slot::error : slot::null, number(2), number(0)});
}

// Where a program of the native contract looks for it. Nothing of ours is at 3 any more: whatever
// the plan still used was sent with the announcement.
void plan_channel(Builder& b) {
  b.step("channel", FAAS_CALL(dup3), {slot::channel, number(3), number(0)});
}

void plan_announcement(Builder& b) {
  // Carries the function's pid as the kernel sees it (SCM_CREDENTIALS), and what the spawner keeps.
  b.step("announce", {static_cast<std::uint32_t>(wire::Special::announce), "announce"},
         {slot::listener, slot::proc, slot::tmp});
}

}  // namespace

// In pid 1, before anything of it is the function's. But for that of files: the jail opens some
// yet.
void plan_limits(Builder& b) {
  // G19: 0 would still start a core_pattern handler as the host's root; 1 starts none and writes
  // nothing.
  limit(b, "limit-core", FAAS_N(RLIMIT_CORE), 1);
  // Counted for each user namespace, so jails with one host id do not share it. One more for pid 1;
  // and some behind pids.max, which can tell afterwards that it was met. (Forks on their way
  // count.)
  std::uint64_t const beyond = b.host.pids_controller ? 65 : 1;
  limit(b, "limit-processes", FAAS_N(RLIMIT_NPROC), b.spec.processes + beyond);
  // Never RLIMIT_AS: Node reserves more addresses than any limit one would set. Shared memory is
  // outside RLIMIT_DATA; the memory watch counts it.
  limit(b, "limit-data", FAAS_N(RLIMIT_DATA),
        b.host.memory_controller ? kNone : b.spec.memory.count);
  limit(b, "limit-locked-memory", FAAS_N(RLIMIT_MEMLOCK), 64 << 10);
  limit(b, "limit-message-queues", FAAS_N(RLIMIT_MSGQUEUE), 0);
  // A12: each timer and each queued signal takes memory of the kernel's. Counted as processes are.
  limit(b, "limit-signals", FAAS_N(RLIMIT_SIGPENDING), 1024);
  // A host may have more; then the function could take the CPU from everybody (A4).
  limit(b, "limit-nice", FAAS_N(RLIMIT_NICE), 0);
  limit(b, "limit-realtime", FAAS_N(RLIMIT_RTPRIO), 0);
  // D17: what follows is the host's business with itself. Without a limit on the stack the kernel
  // would lay out addresses the old way, with less chance in them.
  limit(b, "limit-stack", FAAS_N(RLIMIT_STACK), 8 << 20, kNone);
  limit(b, "limit-cpu-time", FAAS_N(RLIMIT_CPU), kNone);
  limit(b, "limit-file-size", FAAS_N(RLIMIT_FSIZE), kNone);
  limit(b, "limit-addresses", FAAS_N(RLIMIT_AS), kNone);
}

// D17: what the host program, or the one thread of it that started the spawner, asked for itself.
// In pid 1, so that its children have it from there. Nobody in a user namespace may take a better
// place than the host's: where that is a worse one than usual, the jail stays there.
void plan_scheduling(Builder& b) {
  struct {  // sched_attr, which not every C library has
    std::uint32_t size = 48, policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0, deadline = 0, period = 0;
  } place;
  place.policy = b.host.background ? SCHED_IDLE : SCHED_OTHER;
  place.nice = std::max(0, b.host.nice);
  auto const* policy = b.host.background ? "SCHED_IDLE" : "SCHED_OTHER";
  b.step(
      "scheduling", FAAS_CALL(sched_setattr),
      {number(0), structure(place, fmt::format("{{{}, nice {}}}", policy, place.nice)), number(0)});
  // Every CPU of its cpuset, which alone confines: a function may widen a mask as we do.
  std::array<std::uint64_t, 16> cpus;
  cpus.fill(~0ull);
  b.step("processors", FAAS_CALL(sched_setaffinity),
         {number(0), number(sizeof cpus), structure(cpus, "{all}")});
  b.step("io-priority", FAAS_CALL(ioprio_set),
         {FAAS_N(IOPRIO_WHO_PROCESS), number(0), FAAS_N(IOPRIO_CLASS_NONE)});
  // The kernel's own 50 us: a host in a hurry has less, and every timer of the jail would cost
  // more.
  b.step("timer-slack", FAAS_CALL(prctl), {FAAS_N(PR_SET_TIMERSLACK), number(50'000)});
  // Under a debugger or `setarch -R` the host's addresses are not random: the jail's would not be.
  b.step("personality", FAAS_CALL(personality), {number(0)});
}

// Before it starts the function: the child inherits all of it, and pid 1 keeps nothing either.
void plan_bounds(Builder& b) {
  // No id gives rights back: not by setuid(0), not by exec of a file of root's.
  b.step("lock-securebits", FAAS_CALL(prctl),
         {FAAS_N(PR_SET_SECUREBITS), FAAS_N(SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP |
                                            SECBIT_NO_CAP_AMBIENT_RAISE | SECURE_ALL_LOCKS)});
  // While CAP_SETPCAP is still there.
  for (unsigned c = 0; c <= b.host.last_capability; ++c)
    b.step("drop-bounding", FAAS_CALL(prctl), {FAAS_N(PR_CAPBSET_DROP), number(c)});
  b.step(
      "clear-ambient", FAAS_CALL(prctl),
      {FAAS_N(PR_CAP_AMBIENT), FAAS_N(PR_CAP_AMBIENT_CLEAR_ALL), number(0), number(0), number(0)});
}

namespace {

void plan_drop(Builder& b) {
  // Inheritable too (CVE-2022-29162).
  __user_cap_header_struct const header{_LINUX_CAPABILITY_VERSION_3, 0};
  struct {
    __user_cap_data_struct sets[2];
  } const none{};
  b.step("drop-capabilities", FAAS_CALL(capset),
         {structure(header, "{version 3, self}"), structure(none, "{}")});
  b.step("no-new-privileges", FAAS_CALL(prctl),
         {FAAS_N(PR_SET_NO_NEW_PRIVS), number(1), number(0), number(0), number(0)});
}

}  // namespace

// In pid 1 as well: what it still does for its program, every program may do.
void plan_lock(Builder& b) {
  limit(b, "limit-files", FAAS_N(RLIMIT_NOFILE), b.spec.open_files);
  b.step("umask", FAAS_CALL(umask), {number(022)});
  plan_drop(b);
  // G8: last, so that it need not allow what building a jail takes.
  b.step("seccomp", FAAS_CALL(seccomp),
         {FAAS_N(SECCOMP_SET_MODE_FILTER), number(0), FilterArg{b.spec.seccomp}});
}

void plan_program(Builder& b) {
  // No controlling terminal to push characters into (TIOCSTI, CVE-2017-5226).
  b.step("new-session", FAAS_CALL(setsid), {});
  plan_streams(b);
  // As the function's own id, in the function's own root: a link of the tenant's leads nowhere
  // else.
  b.step("working-directory", FAAS_CALL(chdir), {b.spec.working_directory});
  auto& where = b.step("verify-directory", FAAS_CALL(getcwd), {Scratch{}, number(4096)});
  where.check = wire::Check::absolute;
  plan_announcement(b);
  bool const channel = b.spec.channel_fd >= 0;
  if (channel) plan_channel(b);
  // The spawner runs with every signal blocked; a program expects none.
  b.step("unblock-signals", FAAS_CALL(rt_sigprocmask),
         {FAAS_N(SIG_SETMASK), structure(std::uint64_t{0}, "{}"), number(0), number(8)});
  // G3: whatever else is open, nothing crosses, and no directory above all (CVE-2024-21626).
  b.step("close-files", FAAS_CALL(close_range), {number(channel ? 4 : 3), FAAS_N(~0u), number(0)});
  b.step("exec", FAAS_CALL(execve),
         {b.spec.argv.front(), List{b.spec.argv}, List{b.spec.environment}});
}

}  // namespace faas::inline v0::sandbox
