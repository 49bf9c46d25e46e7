#include "sys/mountinfo.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "support/skip.hpp"
#include "sys/text_file.hpp"
#include "words.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a line of mountinfo is read field by field") {
  auto const mounts = sys::parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].root == "/mnt1");
  CHECK(mounts[0].point == "/mnt2");
  CHECK(mounts[0].options == "rw,noatime");
  CHECK(mounts[0].type == "ext3");
  CHECK(mounts[0].super == "rw,errors=continue");
}

TEST_CASE("any number of optional fields may stand before the dash") {
  auto const mounts = sys::parse_mountinfo(
      "1 0 0:1 / /none rw - tmpfs tmpfs rw\n"
      "2 0 0:2 / /many rw shared:2 master:1 propagate_from:7 unbindable - tmpfs tmpfs ro\n");
  REQUIRE(mounts.size() == 2);
  CHECK(mounts[0].point == "/none");
  CHECK(mounts[0].super == "rw");
  CHECK(mounts[1].point == "/many");
  CHECK(mounts[1].super == "ro");
}

TEST_CASE("octal escapes are undone, and what only looks like one is kept") {
  auto const mounts =
      sys::parse_mountinfo(R"(1 0 0:1 /a\134b /with\040space\011tab\012line rw - tmpfs tmpfs rw)"
                           "\n"
                           R"(2 0 0:1 / /\089\04 rw - tmpfs tmpfs rw)");
  REQUIRE(mounts.size() == 2);
  CHECK(mounts[0].root == "/a\\b");
  CHECK(mounts[0].point == "/with space\ttab\nline");
  CHECK(mounts[1].point == "/\\089\\04");
}

TEST_CASE("an escape is undone once: an escaped backslash begins no other escape") {
  auto const mounts = sys::parse_mountinfo(R"(1 0 0:1 / /a\134040b rw - tmpfs tmpfs rw)");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].point == "/a\\040b");
}

TEST_CASE("a mount whose source is empty is a mount") {
  auto const mounts =
      sys::parse_mountinfo("63 43 0:39 / /sys/fs/cgroup rw - cgroup2  rw,nsdelegate");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].type == "cgroup2");
  CHECK(mounts[0].super == "rw,nsdelegate");
}

TEST_CASE("lines of another form are left out, the others stay") {
  auto const mounts = sys::parse_mountinfo(
      "\n"
      "garbage\n"
      "1 0 0:1 / /cut rw shared:1\n"
      "1 0 0:1 / /cut rw - tmpfs\n"
      "1 0 0:1 / /cut rw - tmpfs source\n"
      "1 0 0:1 / /whole rw - tmpfs source rw\n");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].point == "/whole");
  CHECK(sys::parse_mountinfo("").empty());
}

TEST_CASE("this kernel's own mountinfo is read, whatever the name of a mount") {
  auto const all = sys::read_text("/proc/self/mountinfo").value();
  auto const mounts = sys::parse_mountinfo(all);
  CHECK(mounts.size() == static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')));

  TempDir const dir;
  auto const point = dir / "a \\ b";
  std::filesystem::create_directory(point);
  std::vector<sys::Mount> found;
  bool mounted = false;
  // A mount namespace of this thread's own, gone with it.
  std::thread([&] {
    if (::unshare(CLONE_FS | CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("", point.c_str(), "tmpfs", MS_RDONLY, nullptr) != 0)
      return;
    mounted = true;
    found = sys::parse_mountinfo(sys::read_text("/proc/thread-self/mountinfo").value());
  }).join();
  if (skipped_unless(mounted, "no right to mount")) return;
  auto const mine = std::find_if(found.begin(), found.end(),
                                 [&](auto const& mount) { return mount.point == point; });
  REQUIRE(mine != found.end());
  CHECK(mine->type == "tmpfs");
  CHECK(mine->root == "/");
  CHECK(mine->options.starts_with("ro"));
}
