#include "sandbox/cgroups.hpp"

#include <doctest/doctest.h>

using namespace faas;
using namespace faas::sandbox;

TEST_CASE("cgroup2 is found wherever it is mounted") {
  CHECK(find_cgroup2("").mount.empty());
  auto const unified = find_cgroup2(
      "23 28 0:21 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  CHECK(unified.mount == "/sys/fs/cgroup");
  CHECK_FALSE(unified.hybrid);
  auto const hybrid = find_cgroup2(
      "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime - cgroup2 cgroup2 rw\n");
  CHECK(hybrid.mount == "/sys/fs/cgroup/uni fied");
  CHECK(hybrid.hybrid);
}

TEST_CASE("a cgroup root that is none is refused") {
  auto const refused = Cgroups::open("/tmp", "x");
  REQUIRE(refused.has_error());
  CHECK(refused.error().message.find("cgroup_root") != std::string::npos);
  CHECK(Cgroups::open("/nowhere-at-all", "x").error().code == Errc::not_found);
}
