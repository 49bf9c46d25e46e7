// Memory on cgroup v2: the kernel's limit is memory and /tmp together; beyond memory without /tmp
// the spawner's watch ends the jail (G10, G13).
#include <fcntl.h>

#include "vm_jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// Of memory alone: the watch never sees more than it allows.
Spec within_kernel_limit(std::string kind) {
  Spec spec = victim("memory-beside-full-tmp", std::move(kind));
  spec.tmp = Bytes{64 << 10};
  return spec;
}

// The kernel's limit is far away: only the watch can be what ends it.
Spec within_watched_limit(std::string kind) {
  Spec spec = victim("memory", std::move(kind));
  spec.tmp = 512_MiB;
  return spec;
}

}  // namespace

TEST_SUITE_BEGIN("anyone");

TEST_CASE("a heap bomb ends as out of memory, whole, and its neighbour goes on") {
  Neighbourhood here;
  Jail const bomb = here.bomb(victim("heap", "500"));
  CHECK(bomb.exited.out_of_memory);
  CHECK(bomb.exited.signal == 9);
  CHECK(bomb.exited.max_memory.count <= (64_MiB).count);
  CHECK(bomb.exited.max_memory.count >= (32_MiB).count);
}

TEST_CASE("at memory.max the kernel ends the jail as a group, whatever kind the memory is of") {
  Neighbourhood here;
  for (std::string const kind : {"private", "shared", "memfd", "pipes", "unix-queues", "epolls"}) {
    CAPTURE(kind);
    auto const kills = field(group_of_all() / "memory.events", "oom_group_kill");
    Jail const bomb = here.bomb(within_kernel_limit(kind));
    CAPTURE(here.printed());
    CHECK(bomb.exited.out_of_memory);
    CHECK(bomb.exited.signal == 9);
    CHECK(bomb.exited.max_memory <= 33_MiB);
    CHECK(field(group_of_all() / "memory.events", "oom_group_kill") == kills + 1);  // B1
  }
}

TEST_CASE("memory that a child takes ends the jail, not only the child") {
  Neighbourhood here;
  Spec spec = victim("child-bomb");
  spec.tmp = Bytes{64 << 10};
  Jail const bomb = here.bomb(spec);
  CHECK(here.printed() == "");
  CHECK(bomb.exited.out_of_memory);
  CHECK(bomb.exited.signal == 9);
}

TEST_CASE("memory that /tmp does not use is not the function's, whatever kind it is of") {
  Neighbourhood here;
  for (std::string const kind :
       {"private", "shared", "memfd", "pipes", "unix-queues", "tcp-queues", "epolls"}) {
    CAPTURE(kind);
    auto const kills = field(group_of_all() / "memory.events", "oom_kill");
    Jail const bomb = here.bomb(within_watched_limit(kind));
    CAPTURE(here.printed());
    CHECK(bomb.exited.out_of_memory);
    CHECK(bomb.exited.signal == 9);
    CHECK(field(group_of_all() / "memory.events", "oom_kill") == kills);  // it was the watch
  }
}

TEST_CASE("memory within the limit is no reason to die") {
  Neighbourhood here;
  Jail const jail = here.bomb(victim("heap", "16"));
  CHECK(jail.exited.code == 0);
  CHECK_FALSE(jail.exited.out_of_memory);
  CHECK(jail.exited.max_memory.count >= (16_MiB).count);
}

TEST_CASE("a full /tmp is ENOSPC, and memory beside it is still there") {
  Neighbourhood here;
  for (auto const tmp : {32_MiB, 256_MiB}) {  // B19: also one much larger than the memory
    Spec spec = victim("fill-tmp", "16");
    spec.tmp = tmp;
    Jail const jail = here.bomb(spec);
    CAPTURE(here.printed());
    CHECK(jail.exited.code == 0);
    CHECK_FALSE(jail.exited.out_of_memory);
  }
}

TEST_CASE("a /tmp full of directories is ENOSPC, not the end") {
  Neighbourhood here;
  Spec spec = victim("directories");
  spec.tmp = 128_MiB;
  Jail const jail = here.bomb(spec);
  CAPTURE(here.printed());
  CHECK(jail.exited.code == 0);
  CHECK_FALSE(jail.exited.out_of_memory);
  CHECK(here.printed().ends_with(" ENOSPC\n"));
}

TEST_CASE("queues that hold their own sockets are given back") {
  Neighbourhood here;
  auto const before = field("/proc/meminfo", "MemAvailable:");
  Jail const jail = here.bomb(victim("memory", "cycles"));
  CAPTURE(here.printed());
  CHECK((jail.exited.code == 0 || jail.exited.out_of_memory));
  CHECK(field("/proc/meminfo", "MemAvailable:") > before - (24 << 10));
}

TEST_SUITE_END();
