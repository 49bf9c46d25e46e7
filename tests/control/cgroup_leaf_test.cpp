#include "control/cgroup_leaf.hpp"

#include <doctest/doctest.h>

using namespace faas::control;

namespace {

constexpr auto kUnified =
    "24 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr auto kHybrid =
    "24 1 0:22 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "25 1 0:23 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n";

}  // namespace

TEST_CASE("the cgroup2 directory is found through mountinfo") {
  CHECK(cgroup2_directory(kUnified, "0::/system.slice/faasd.service\n") ==
        "/sys/fs/cgroup/system.slice/faasd.service");
  CHECK(cgroup2_directory(kHybrid, "9:memory:/x\n0::/y\n") == "/sys/fs/cgroup/unified/y");
  CHECK(cgroup2_directory(kUnified, "0::/\n") == "/sys/fs/cgroup");
}

TEST_CASE("without cgroup2 there is no such directory") {
  CHECK(cgroup2_directory("24 1 0:22 / / rw - ext4 /dev/a rw\n", "0::/\n").empty());
  CHECK(cgroup2_directory(kUnified, "9:memory:/x\n").empty());
}
