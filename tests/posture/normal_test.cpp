#include "posture/normal.hpp"

#include <doctest/doctest.h>

using namespace faas::test;

namespace {

HostView host() {
  HostView view;
  view.namespaces = {{"net", "net:[1]"}};
  view.usr = {"bin"};
  view.processors = 4;
  view.data_limit = "128 128";
  return view;
}

// What becomes of one line of a section.
Lines of(std::string const& section, std::string const& line, HostView const& view = host()) {
  auto lines = normalise("== " + section + "\n" + line + "\n", view);
  lines.erase(lines.begin());
  return lines;
}

std::string mount(std::string const& point, std::string const& rest) {
  return "mount 34 33 0:30 / " + point + " " + rest;
}

}  // namespace

TEST_CASE("a thread after the first is told by what it has not in common with it") {
  auto const text = "== thread 2\nPid: 2\nSeccomp: 2\n== thread 3\nPid: 3\nSeccomp: 0\n";
  CHECK(normalise(text, host()) == Lines{"== thread 2", "Pid: 2", "Seccomp: 2", "== thread 3",
                                         "- Pid: 2", "- Seccomp: 2", "+ Pid: 3", "+ Seccomp: 0"});
}

TEST_CASE("a namespace of the host's is called that") {
  CHECK(of("thread 2", "namespace net net:[1]") == Lines{"namespace net the host's"});
  CHECK(of("thread 2", "namespace net net:[2]") == Lines{"namespace net new"});
}

TEST_CASE("a mount that belongs to the host keeps what closes it, and nothing of the machine") {
  CHECK(of("mounts", mount("/usr", "ro,nosuid,nodev,relatime - ext4 /dev/sda1 rw,discard")) ==
        Lines{"mount /usr (host) ro,nosuid,nodev"});
  CHECK(of("mounts", mount("/tmp", "rw,nosuid,nodev - tmpfs tmpfs rw,size=8k,uid=7,inode64")) ==
        Lines{"mount /tmp tmpfs rw,nosuid,nodev size=8k"});
}

TEST_CASE("a mount that still hears of the host's mounts is seen") {
  CHECK(of("mounts", mount("/usr", "ro,nosuid,nodev master:1 - ext4 /dev/sda1 rw")) ==
        Lines{"mount /usr (host) ro,nosuid,nodev master"});
}

TEST_CASE("what the host has mounted below /usr is left out only if it is closed") {
  CHECK(of("mounts", mount("/usr/local", "ro,nosuid,nodev,noatime - ext4 /dev/sdb rw")).empty());
  for (auto const* open : {"rw,nosuid,nodev - ext4 a rw", "ro,nodev - ext4 a rw",
                           "ro,nosuid,nodev shared:1 - ext4 a rw"})
    CHECK(of("mounts", mount("/usr/local", open)).size() == 1);
  CHECK(of("mounts", "write /usr/local EROFS").empty());
  CHECK(of("mounts", "write /usr/local done").size() == 1);
}

TEST_CASE("a name in /usr that the host has not is seen") {
  CHECK(of("tree", "usr bin").empty());
  CHECK(of("tree", "usr mine") == Lines{"usr mine"});
}

TEST_CASE("a path in a hierarchy of version 1 is seen unless it is the root") {
  CHECK(of("thread 2", "5:memory:/").empty());
  CHECK(of("thread 2", "5:memory:/user") == Lines{"cgroup 5:memory:/user"});
  CHECK(of("thread 2", "0::/") == Lines{"cgroup 0::/"});
}

TEST_CASE("only what a host cannot take off is taken off") {
  auto view = host();
  CHECK(of("thread 2", "Groups: 4 65534") == Lines{"Groups: 4 65534"});
  view.groups = 1;
  CHECK(of("thread 2", "Groups: 65534 65534", view) == Lines{"Groups: 65534"});
  view.filters = 2;
  CHECK(of("thread 2", "Seccomp_filters:\t3", view) == Lines{"Seccomp_filters: 1"});
  CHECK(of("thread 2", "nice 0") == Lines{"nice 0"});
  view.nice = 5;
  CHECK(of("thread 2", "nice 5", view) == Lines{"nice the host's"});
  CHECK(of("thread 2", "processors 1", view) == Lines{"processors 1"});
}

TEST_CASE("the limit of data is that of memory, or none where a controller counts memory") {
  Lines const well{"Max data size: the memory of the function, where no controller counts it"};
  CHECK(of("limits", "Max data size             128                  128                  bytes") ==
        well);
  CHECK(of("limits", "Max data size             unlimited            unlimited            bytes") ==
        Lines{"Max data size: unlimited unlimited"});
}
