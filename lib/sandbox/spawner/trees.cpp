// Roots for jails, built once and kept as mount namespaces. A jail is cloned while the spawner
// stands in one: the kernel copies its mounts for the jail and locks them there, flags and all, for
// the jail's user namespace is not the one that made them.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/spawner/spawner.hpp"

namespace spawner {
namespace {

struct Tree {
  int mounts = -1;  // the namespace
  int error = ENOENT;
  char step[24] = "enter-tree";  // what failed
};
Tree trees[wire::kTrees];
int home_mounts = -1, home_root = -1;  // of the host program, which may be in a chroot

void note(Tree& tree, char const* step, int error) {
  memccpy(tree.step, step, 0, sizeof tree.step - 1);
  tree.error = error;
}

bool know_home() {
  if (home_root < 0) home_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (home_mounts < 0) home_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  return home_root >= 0 && home_mounts >= 0;
}

// Walks, says how it went, and stands still until its namespace is in good hands.
[[noreturn]] void run_builder(Start& start) {
  close(start.own_report);
  wire::Report report{};
  report.kind = wire::ReportKind::started;
  if (auto const* step = walk(start, side(wire::Where::tree), report.error)) {
    report.kind = wire::ReportKind::failed;
    memcpy(report.step, step->name, sizeof report.step);
  }
  char end;
  if (send(start.jail_report, &report, sizeof report, MSG_NOSIGNAL) == sizeof report)
    (void)!read(start.jail_report, &end, 1);
  _exit(0);
}

// Its mount namespace, once it is complete; else -1.
int take_namespace(Start& start, Tree& tree) {
  wire::Report report;
  ssize_t n;
  do n = recv(start.own_report, &report, sizeof report, 0);
  while (n < 0 && errno == EINTR);
  if (n != sizeof report) return note(tree, "build-tree", n < 0 ? errno : ECANCELED), -1;
  if (report.kind != wire::ReportKind::started) return note(tree, report.step, report.error), -1;
  char path[32];
  process_path(path, start.pid, "ns/mnt");
  int const mounts = open(path, O_RDONLY | O_CLOEXEC);
  if (mounts < 0) note(tree, "open-tree-mounts", errno);
  return mounts;
}

pid_t clone_builder(std::uint64_t flags) {
  clone_args args{};
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
}

void build(Start& start, Tree& tree) {
  start.pid = clone_builder(start.head.clone_flags);
  if (start.pid == 0) run_builder(start);
  if (start.pid < 0) return note(tree, "clone-tree-builder", errno);
  close_fd(start.jail_report);
  tree.mounts = take_namespace(start, tree);
  kill(start.pid, SIGKILL);
  pid_t ended;
  do ended = waitpid(start.pid, nullptr, 0);
  while (ended < 0 && errno == EINTR);
  must(ended == start.pid);
}

}  // namespace

void build_tree(Start& start, std::uint32_t index) {
  auto& tree = trees[index];
  close_fd(tree.mounts);
  int pair[2];
  if (!know_home()) return note(tree, "open-home", errno);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return note(tree, "tree-socket", errno);
  start.own_report = pair[0];
  start.jail_report = pair[1];
  build(start, tree);
  close_fd(start.own_report);
  close_fd(start.jail_report);
}

bool has_tree(std::uint32_t index) { return trees[index].mounts >= 0; }

bool enter_tree(std::uint32_t index, char const*& failed, int& error) {
  auto const& tree = trees[index];
  if (tree.mounts < 0) return failed = tree.step, error = tree.error, false;
  if (setns(tree.mounts, CLONE_NEWNS) == 0) return true;
  return failed = "enter-tree", error = errno, false;
}

bool enter_mounts(int pidfd) { return know_home() && setns(pidfd, CLONE_NEWNS) == 0; }

void leave_tree() {
  must(setns(home_mounts, CLONE_NEWNS) == 0 && fchdir(home_root) == 0 && chroot(".") == 0);
}

}  // namespace spawner
