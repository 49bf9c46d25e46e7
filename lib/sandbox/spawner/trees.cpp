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

// Walks, and says how it went, with the namespace it did it in. By its own hand: once the spawner
// has been another id, only who may trace everybody could open it from outside.
[[noreturn]] void run_builder(Start& start) {
  close(start.own_report);
  wire::Report report{};
  report.kind = wire::ReportKind::failed;
  int const mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (mounts < 0) {
    report.error = errno;
    strcpy(report.step, "open-tree-mounts");
  } else if (auto const* step = walk(start, side(wire::Where::tree), report.error)) {
    memcpy(report.step, step->name, sizeof report.step);
  } else {
    report.kind = wire::ReportKind::started;
  }
  send_with(start.jail_report, &report, sizeof report, &mounts, mounts >= 0);
  _exit(0);
}

// Its mount namespace, once it is complete; else -1.
int take_namespace(Start& start, Tree& tree) {
  wire::Report report;
  int fds[kMaxFds] = {-1}, count = 0;
  ssize_t n;
  do n = receive(start.own_report, &report, sizeof report, 0, fds, count, nullptr);
  while (n < 0 && errno == EINTR);
  int mounts = count > 0 ? fds[0] : -1;
  if (n != sizeof report)
    note(tree, "build-tree", n < 0 ? errno : ECANCELED);
  else if (report.kind != wire::ReportKind::started)
    note(tree, report.step, report.error);
  else if (mounts < 0)  // no descriptor was free for it
    note(tree, "receive-tree-mounts", EMFILE);
  else
    return mounts;
  close_fd(mounts);
  return -1;
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
