// How much memory a jail uses outside /tmp, read from outside it.
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/spawner/spawner.hpp"

namespace spawner {
namespace {

std::uint64_t tmp_used(Jail const& jail) {
  struct statfs s;
  if (jail.tmp < 0 || fstatfs(jail.tmp, &s) != 0) return 0;
  return (s.f_blocks - s.f_bfree) * static_cast<std::uint64_t>(s.f_bsize);
}

// The whole of a small file, terminated; its size, or 0.
std::size_t read_text(int directory, char const* path, char* buffer, std::size_t size) {
  int const fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return 0;
  std::size_t have = 0;
  ssize_t n;
  while (have + 1 < size && (n = read(fd, buffer + have, size - 1 - have)) > 0)
    have += static_cast<std::size_t>(n);
  close(fd);
  buffer[have] = '\0';
  return have;
}

// "name value" at the start of a line.
std::uint64_t field(char const* text, char const* name) {
  std::size_t const length = strlen(name);
  for (char const* line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : nullptr)
    if (strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == ':'))
      return strtoull(line + length + 1, nullptr, 10);
  return 0;
}

struct Sum {
  std::uint64_t anonymous = 0;
  std::uint64_t shared = 0;  // shared anonymous memory, and files of /tmp that are mapped
};

// Calls visit(directory of the process) for each process of the jail: its own proc lists exactly
// those.
template <class Visit>
void each_process(Jail const& jail, Visit visit) {
  alignas(8) static char entries[16 * 1024];
  lseek(jail.proc, 0, SEEK_SET);
  long n;
  while ((n = syscall(SYS_getdents64, jail.proc, entries, sizeof entries)) > 0)
    for (long at = 0; at < n;) {
      struct Entry {
        std::uint64_t inode;
        std::int64_t offset;
        unsigned short length;
        unsigned char type;
        char name[];
      };
      auto const* e = reinterpret_cast<Entry const*>(entries + at);
      at += e->length;
      if (e->name[0] >= '1' && e->name[0] <= '9') visit(e->name);
    }
}

// An upper bound that is cheap: resident pages of all processes, shared ones counted again and
// again.
std::uint64_t resident(Jail const& jail) {
  std::uint64_t pages = 0;
  each_process(jail, [&](char const* pid) {
    char path[32], text[128];
    strcpy(path, pid);
    strcat(path, "/statm");
    if (!read_text(jail.proc, path, text, sizeof text)) return;
    char* end;
    strtoull(text, &end, 10);
    pages += strtoull(end, nullptr, 10);
  });
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// The exact figure: each page by its share.
Sum proportional(Jail const& jail) {
  Sum sum;
  each_process(jail, [&](char const* pid) {
    static char text[4096];
    char path[32];
    strcpy(path, pid);
    strcat(path, "/smaps_rollup");
    if (!read_text(jail.proc, path, text, sizeof text)) return;
    sum.anonymous += field(text, "Pss_Anon") * 1024;
    sum.shared += field(text, "Pss_Shmem") * 1024;
  });
  return sum;
}

std::uint64_t from_processes(Jail const& jail) {
  if (jail.proc < 0) return 0;
  auto const bound = resident(jail);
  if (bound <= jail.memory) return bound;
  auto const sum = proportional(jail);
  auto const tmp = tmp_used(jail);
  return sum.anonymous + (sum.shared > tmp ? sum.shared - tmp : 0);
}

}  // namespace

std::uint64_t memory_of(Jail const& jail) {
  static char text[8192];
  if (jail.cgroup >= 0 && read_text(jail.cgroup, "memory.stat", text, sizeof text)) {
    // `kernel` holds pipes and unix sockets; TCP's queues stand apart.
    auto const all =
        field(text, "anon") + field(text, "kernel") + field(text, "sock") + field(text, "shmem");
    auto const tmp = tmp_used(jail);
    return all > tmp ? all - tmp : 0;
  }
  return from_processes(jail);
}

}  // namespace spawner
