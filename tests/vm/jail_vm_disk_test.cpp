// A disk below jails: they never swap, keep their cache to themselves and write nothing to it.
// The machine has two (run.py --disk): one to swap to, one for a package.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/wait.h>

#include <sstream>

#include "vm_jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr char const* kSwapDisk = "/dev/nvme0n1";
constexpr char const* kPackageDisk = "/dev/nvme1n1";

// One of busybox's.
void tool(std::vector<std::string> words) {
  words.insert(words.begin(), "busybox");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t const child = ::fork();
  if (child == 0) {
    ::close(1);
    ::open("/dev/null", O_WRONLY);
    ::execv("/usr/bin/busybox", argv.data());
    ::_exit(127);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CAPTURE(words[1]);
  REQUIRE(status == 0);
}

struct Swap {
  Swap() {
    tool({"mkswap", kSwapDisk});
    REQUIRE(::swapon(kSwapDisk, 0) == 0);
  }
  ~Swap() { ::swapoff(kSwapDisk); }
  static long pages_out() { return field("/proc/vmstat", "pswpout"); }
};

// A package on the disk with one large file in it, none of which is in memory.
class Package {
 public:
  static constexpr char const* kPath = "/package";
  Package() {
    tool({"mke2fs", kPackageDisk});
    fs::create_directory(kPath);
    REQUIRE(::mount(kPackageDisk, kPath, "ext2", 0, nullptr) == 0);
    std::ofstream large(fs::path(kPath) / "large");
    for (int i = 0; i < 96; ++i) large << std::string(1 << 20, 'x');
    large.close();
    fs::permissions(fs::path(kPath) / "large", fs::perms::all);  // it is the mount that forbids
    ::sync();
    put("/proc/sys/vm/drop_caches", "3");
  }
  ~Package() { ::umount2(kPath, MNT_DETACH); }
  Package(Package const&) = delete;

  // Sectors written to the disk so far.
  static long sectors_written() {
    std::istringstream stat(slurp("/sys/block/nvme1n1/stat"));
    long value = 0;
    for (int i = 0; i < 7; ++i) stat >> value;
    return value;
  }
};

// A heap of 96 MiB under a limit of 64 that may swap: what a jail would be without its own rule.
void swap_outside_a_jail() {
  auto const group = kCgroups / "may-swap";
  fs::create_directory(group);
  put(group / "memory.max", std::to_string((64_MiB).count));
  pid_t const child = ::fork();
  if (child == 0) {
    put(group / "cgroup.procs", std::to_string(::getpid()));
    ::execl("/usr/bin/vm_victim", "vm_victim", "heap", "96", nullptr);
    ::_exit(127);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(::rmdir(group.c_str()) == 0);
}

}  // namespace

TEST_CASE("a jail does not swap, on a machine that does") {
  Neighbourhood here;
  Swap const swap;
  auto const before = Swap::pages_out();
  swap_outside_a_jail();
  auto const outside = Swap::pages_out();
  CHECK(outside > before + 1024);
  Spec spec = victim("heap", "96");
  spec.tmp = Bytes{64 << 10};
  Jail const bomb = here.bomb(spec);
  CAPTURE(here.printed());
  CHECK(bomb.exited.out_of_memory);
  CHECK(Swap::pages_out() == outside);
}

TEST_CASE("reading a package again and again stays within the jail's memory") {  // B17
  Neighbourhood here;
  Package const package;
  Spec spec = victim("thrash", "5");
  spec.task = Package::kPath;
  spec.tmp = Bytes{64 << 10};
  Jail const jail = here.bomb(spec);
  CAPTURE(here.printed());
  CHECK(jail.exited.code == 0);
  CHECK_FALSE(jail.exited.out_of_memory);
  CHECK(std::stol(here.printed()) >= 64);  // more than fits
  CHECK(jail.exited.max_memory <= 33_MiB);
  CHECK(here.neighbour.slowest() < 5s);
}

TEST_CASE("a flood of dirty pages reaches no disk") {  // B18
  Neighbourhood here;
  Package const package;
  ::sync();
  auto const before = Package::sectors_written();
  Spec spec = victim("flood", "3");
  spec.task = Package::kPath;
  Jail const jail = here.bomb(spec);
  CHECK(here.printed() == "code: EROFS\n");
  CHECK(jail.exited.code == 0);
  ::sync();
  CHECK(Package::sectors_written() <= before + 64);  // the time of reading, at most
  CHECK(here.neighbour.slowest() < 5s);
}
