// The jail's view of files: a tmpfs of our own, filled by relative paths nobody else can shape,
// with what may be seen of the host mounted into it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "sandbox/plan_builder.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr unsigned kRecursive = 0x8000;  // AT_RECURSIVE, which <fcntl.h> keeps for itself

Blob mount_attributes(std::uint64_t set, char const* text) {
  // Private: a mount made later on the host below such a tree must not appear in the jail.
  struct mount_attr attr {
    .attr_set = set, .propagation = MS_PRIVATE
  };
  return structure(attr, fmt::format("{{{}, MS_PRIVATE}}", text));
}

// A detached copy of a tree of the host, closed for writing. Recursive: the kernel refuses to copy
// a mount without the mounts that a less privileged namespace may not uncover.
void clone_tree(Builder& b, SlotArg into, char const* open_name, char const* close_name,
                std::string path) {
  b.open(into, open_name, FAAS_CALL(open_tree),
         {FAAS_N(AT_FDCWD), std::move(path),
          Number{OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | kRecursive,
                 "OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE"}});
  b.step(close_name, FAAS_CALL(mount_setattr),
         {into, std::string(), Number{AT_EMPTY_PATH | kRecursive, "AT_EMPTY_PATH | AT_RECURSIVE"},
          mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                           "RDONLY|NOSUID|NODEV"),
          number(sizeof(struct mount_attr))});
}

void attach(Builder& b, SlotArg tree, char const* name, std::string path) {
  b.step(name, FAAS_CALL(move_mount),
         {tree, std::string(), FAAS_N(AT_FDCWD), std::move(path), FAAS_N(MOVE_MOUNT_F_EMPTY_PATH)});
}

struct Device {
  char const* path;
  char const* open_name;
  char const* check_name;
  char const* close_name;
  char const* attach_name;
  unsigned minor;
};
constexpr unsigned kMemoryDevices = 1;
constexpr Device kDevices[] = {
    {"dev/null", "open-dev-null", "check-dev-null", "close-dev-null", "mount-dev-null", 3},
    {"dev/zero", "open-dev-zero", "check-dev-zero", "close-dev-zero", "mount-dev-zero", 5},
    {"dev/full", "open-dev-full", "check-dev-full", "close-dev-full", "mount-dev-full", 7},
    {"dev/random", "open-dev-random", "check-dev-random", "close-dev-random", "mount-dev-random",
     8},
    {"dev/urandom", "open-dev-urandom", "check-dev-urandom", "close-dev-urandom",
     "mount-dev-urandom", 9},
};

// G2: opened without following a link and looked at before it is used, so that what is bound is the
// device and not what somebody put in its place (CVE-2025-31133, CVE-2025-52565).
void clone_devices(Builder& b) {
  for (std::size_t i = 0; i < std::size(kDevices); ++i) {
    auto const& d = kDevices[i];
    b.open(slot::devices[i], d.open_name, FAAS_CALL(open_tree),
           {FAAS_N(AT_FDCWD), fmt::format("/{}", d.path),
            FAAS_N(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)});
    auto& check = b.step(d.check_name, FAAS_CALL(newfstatat),
                         {slot::devices[i], std::string(), Scratch{}, FAAS_N(AT_EMPTY_PATH)});
    check.check = wire::Check::device;
    check.expected = makedev(kMemoryDevices, d.minor);
    // A device on a read-only mount can still be written to; its mode and times cannot be changed.
    b.step(d.close_name, FAAS_CALL(mount_setattr),
           {slot::devices[i], std::string(), FAAS_N(AT_EMPTY_PATH),
            mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                             "RDONLY|NOSUID|NOEXEC"),
            number(sizeof(struct mount_attr))});
  }
}

// A copy of another namespace's mounts: changes must go neither way.
void make_private(Builder& b) {
  b.step("private-mounts", FAAS_CALL(mount),
         {number(0), std::string("/"), number(0), FAAS_N(MS_REC | MS_PRIVATE), number(0)});
}

// Everything of the host is opened here, before the new root covers it; nothing is opened by a path
// of the host afterwards (G1).
void clone_host_trees(Builder& b) {
  make_private(b);
  clone_tree(b, slot::usr, "open-usr", "close-usr", "/usr");
  int entry = 0;
  for (auto const& e : b.host.root_entries)
    if (e.target.empty())  // not a merged-usr host
      clone_tree(b, slot::entries[entry++], "open-root-entry", "close-root-entry", "/" + e.name);
  // Debian's awk, which, libblas.so.3 … are links through it. Links only, to places the jail has or
  // has not; binding it is three calls where copying would be hundreds.
  if (b.host.alternatives)
    clone_tree(b, slot::alternatives, "open-alternatives", "close-alternatives",
               "/etc/alternatives");
  clone_devices(b);
}

void make_directory(Builder& b, std::string path) {
  b.step("make-directory", FAAS_CALL(mkdirat), {FAAS_N(AT_FDCWD), std::move(path), number(0755)});
}

void make_link(Builder& b, std::string target, std::string path) {
  b.step("make-link", FAAS_CALL(symlinkat), {std::move(target), FAAS_N(AT_FDCWD), std::move(path)});
}

// A mount point for a file, or an empty file.
void make_empty(Builder& b, std::string path) {
  b.step("make-file", FAAS_CALL(mknodat),
         {FAAS_N(AT_FDCWD), std::move(path), FAAS_N(S_IFREG | 0644), number(0)});
}

void make_file(Builder& b, std::string path, std::string const& content, std::string text) {
  if (content.empty()) return make_empty(b, std::move(path));
  b.open(slot::temp, "make-file", FAAS_CALL(openat),
         {FAAS_N(AT_FDCWD), std::move(path),
          FAAS_N(O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC), number(0644)});
  b.exactly(content.size(), "write-file", FAAS_CALL(write),
            {slot::temp, Blob{content, std::move(text)}, number(content.size())});
  b.close(slot::temp);
}

// All that programs look up there and that is the same in every jail. No ld.so.cache (the loader
// searches the default directories), no certificates (there is no way out), no localtime (functions
// run in UTC).
void make_etc(Builder& b) {
  auto const file = [&](char const* path, std::string const& content) {
    make_file(b, path, content, fmt::format("{} bytes", content.size()));
  };
  file("etc/passwd",
       "sandbox:x:1000:1000:sandbox:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
  file("etc/group", "sandbox:x:1000:\nnogroup:x:65534:\n");
  file("etc/hosts", "127.0.0.1 localhost sandbox sandbox.localdomain\n");
  file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  file("etc/resolv.conf", "");
}

// Spec::files, with the directories above them; etc and var/runtime are there.
void make_spec_files(Builder& b) {
  std::set<std::string> made{"etc", "var", "var/runtime"};
  for (auto const& file : b.spec.files) {
    std::string const path = file.path.substr(1);
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      if (made.insert(path.substr(0, slash)).second) make_directory(b, path.substr(0, slash));
    make_file(b, path, file.content, fmt::format("{} bytes", file.content.size()));
  }
}

void fill_root(Builder& b) {
  for (auto const* path :
       {"usr", "etc", "var", "var/task", "var/runtime", "opt", "tmp", "dev", "proc"})
    make_directory(b, path);
  for (auto const& e : b.host.root_entries)
    e.target.empty() ? make_directory(b, e.name) : make_link(b, e.target, e.name);
  if (b.host.alternatives) make_directory(b, "etc/alternatives");
  for (auto const& d : kDevices) make_empty(b, d.path);
  make_link(b, "/proc/self/fd", "dev/fd");
  make_link(b, "/proc/self/fd/0", "dev/stdin");
  make_link(b, "/proc/self/fd/1", "dev/stdout");
  make_link(b, "/proc/self/fd/2", "dev/stderr");
  // sem_open and shm_open want it; through this link they are charged to the size of /tmp.
  make_link(b, "/tmp", "dev/shm");
  make_etc(b);
  make_spec_files(b);
}

void attach_host_trees(Builder& b) {
  attach(b, slot::usr, "mount-usr", "usr");
  int entry = 0;
  for (auto const& e : b.host.root_entries)
    if (e.target.empty()) attach(b, slot::entries[entry++], "mount-root-entry", e.name);
  if (b.host.alternatives) attach(b, slot::alternatives, "mount-alternatives", "etc/alternatives");
  for (std::size_t i = 0; i < std::size(kDevices); ++i)
    attach(b, slot::devices[i], kDevices[i].attach_name, kDevices[i].path);
}

// While a proc is still visible: without one the kernel lets no user namespace mount another.
// subset=pid: no kcore, sysrq, meminfo of the host; hidepid: not even pid 1 of the jail.
void mount_proc(Builder& b) {
  b.step("mount-proc", FAAS_CALL(mount),
         {std::string("proc"), std::string("proc"), std::string("proc"),
          FAAS_N(MS_NOSUID | MS_NODEV | MS_NOEXEC), std::string("subset=pid,hidepid=invisible")});
}

void mount_tmp(Builder& b) {
  // G13: bytes and inodes both have an end. An inode and its name are memory beside /tmp, up to
  // 1.5 KiB: with all of them there is still more than half of it (B10).
  auto const inodes =
      std::max<std::uint64_t>(1024, std::min(b.spec.tmp.count, b.spec.memory.count) / 4096);
  b.step(
      "mount-tmp", FAAS_CALL(mount),
      {std::string("tmpfs"), std::string("tmp"), std::string("tmpfs"), FAAS_N(MS_NOSUID | MS_NODEV),
       fmt::format("mode=1777,size={},nr_inodes={}", b.spec.tmp.count, inodes)});
}

// What is each jail's own. The working directory is the root of the tree.
void mount_kernel_trees(Builder& b) {
  mount_proc(b);
  mount_tmp(b);
  // For the memory watch of the spawner only; no later step uses them and close_range ends them
  // here.
  b.open(slot::proc, "open-proc", FAAS_CALL(openat),
         {FAAS_N(AT_FDCWD), std::string("proc"), FAAS_N(O_RDONLY | O_DIRECTORY | O_CLOEXEC)});
  b.open(slot::tmp, "open-tmp", FAAS_CALL(openat),
         {FAAS_N(AT_FDCWD), std::string("tmp"), FAAS_N(O_PATH | O_DIRECTORY | O_CLOEXEC)});
}

void make_root(Builder& b) {
  // Over /usr: a directory every host has and nobody needs to see any more.
  b.step("mount-root", FAAS_CALL(mount),
         {std::string("tmpfs"), std::string("/usr"), std::string("tmpfs"),
          FAAS_N(MS_NOSUID | MS_NODEV), std::string("mode=755,size=1m,nr_inodes=1024")});
  b.step("enter-new-root", FAAS_CALL(chdir), {std::string("/usr")});
  fill_root(b);
  attach_host_trees(b);
}

void enter_root(Builder& b) {
  // G5. Onto itself: the old root then lies on top of the new one and needs no directory in it.
  b.step("pivot-root", FAAS_CALL(pivot_root), {std::string("."), std::string(".")});
  b.step("unmount-host", FAAS_CALL(umount2), {std::string("."), FAAS_N(MNT_DETACH)});
  // The working directory was in the tree just detached; a path must not climb out of it.
  b.step("enter-root", FAAS_CALL(chdir), {std::string("/")});
  b.step("read-only-root", FAAS_CALL(mount_setattr),
         {FAAS_N(AT_FDCWD), std::string("/"), number(0),
          mount_attributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                           "RDONLY|NOSUID|NODEV"),
          number(sizeof(struct mount_attr))});
}

void build_own_root(Builder& b) {
  clone_host_trees(b);
  plan_package_trees(b);
  make_root(b);
  mount_kernel_trees(b);
  enter_root(b);
}

// On a copy of a tree that make_tree describes; who came by it stands in its root.
void use_tree(Builder& b) {
  make_private(b);
  mount_kernel_trees(b);
}

}  // namespace

// In the spawner where it is root: the jail's id may not be allowed to walk to them, and a
// descriptor opened in the host's mount namespace cannot be cloned from in the jail's. Else in the
// jail, which has the same id as the spawner.
void plan_package_trees(Builder& b) {
  if (!b.spec.task.empty()) clone_tree(b, slot::task, "open-task", "close-task", b.spec.task);
  if (!b.spec.opt.empty()) clone_tree(b, slot::opt, "open-opt", "close-opt", b.spec.opt);
}

void plan_root(Builder& b) {
  b.ids_of_its_own() ? use_tree(b) : build_own_root(b);
  // Last, on directories made above (G1): what a tenant shaped is never walked through by us.
  b.in(wire::Where::package);
  if (!b.spec.opt.empty()) attach(b, slot::opt, "mount-opt", "/opt");
  if (!b.spec.task.empty()) attach(b, slot::task, "mount-task", "/var/task");
  b.in(wire::Where::jail);
}

Plan make_tree(std::vector<SpecFile> const& files, Facts const& host) {
  Spec spec;
  spec.files = files;
  Builder b(spec, host);
  b.plan.clone_flags = CLONE_NEWNS | CLONE_NEWPID;
  b.in(wire::Where::tree);
  b.step("die-with-spawner", FAAS_CALL(prctl), {FAAS_N(PR_SET_PDEATHSIG), FAAS_N(SIGKILL)});
  clone_host_trees(b);
  make_root(b);
  // Of a pid namespace that ends with who made this: it shows no process to anybody, and lies under
  // the proc of each jail.
  mount_proc(b);
  enter_root(b);
  return std::move(b.plan);
}

}  // namespace faas::inline v0::sandbox
