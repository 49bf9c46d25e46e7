// Memory and descriptors; and what the last tenant of either left.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attacker.h"

enum { kPattern = 0x5a, kTraces = 24 << 20 };

static long resident_kib(void) {
  long pages = 0;
  FILE* f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
  if (f) fclose(f);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

// B3
int reserve(void) {
  long const before = resident_kib();
  void* const memory = mmap(NULL, 1ul << 40, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  say("reserve", memory == MAP_FAILED ? -1 : 0);
  say_number("grown KiB", resident_kib() - before);
  return 0;
}

// B4
int lock_memory(void) {
  enum { kSize = 1 << 20 };
  void* const memory =
      mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  say("lock 4 KiB", mlock(memory, 4096));
  say("lock 1 MiB", mlock(memory, kSize));
  say("lock all", mlockall(MCL_CURRENT | MCL_FUTURE));
  return 0;
}

// B5: "files N ERRNO", and what the last one is numbered.
int open_files(void) {
  int count = 0, last = 0;
  for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0; ++count) last = fd;
  printf("files %s\n", strerrorname_np(errno));
  say_number("last descriptor", last);
  return 0;
}

// B7
int large_pipes(void) {
  int large = 0, ends[2];
  char const* why = "none";
  while (pipe(ends) == 0) {
    if (fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0) {
      why = strerrorname_np(errno);
      break;
    }
    ++large;
  }
  say_number("large pipes", large);
  printf("refused by %s\n", why);
  return 0;
}

// B6: many processes, each with all the files it may open. They stay.
int open_files_in_all(void) {
  enum { kProcesses = 20 };
  int ends[2];
  if (pipe(ends) != 0) return 1;
  for (int i = 0; i < kProcesses; ++i)
    if (fork() == 0) {
      int mine = 0;
      while (eventfd(0, 0) >= 0) ++mine;
      (void)!write(ends[1], &mine, sizeof mine);
      for (;;) pause();
    }
  int all = 0;
  for (int i = 0, one; i < kProcesses && read(ends[0], &one, sizeof one) == sizeof one; ++i)
    all += one;
  say_number("files", all);
  fflush(stdout);
  for (;;) pause();
}

// B8: watches of the kernel's, of which an id has so many. They stay.
int watch_instances(void) {
  int made = 0;
  while (inotify_init1(IN_CLOEXEC) >= 0) ++made;
  printf("instances %d %s\n", made, strerrorname_np(errno));
  fflush(stdout);
  for (;;) pause();
}

// O4, B20: leaves what it can in memory, in files and in processes.
int leave_traces(void) {
  char* const memory =
      mmap(NULL, kTraces, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  memset(memory, kPattern, kTraces);
  static char const* const kPlaces[] = {"/tmp/trace", "/tmp/.hidden", "/dev/shm/trace"};
  for (size_t i = 0; i < sizeof kPlaces / sizeof *kPlaces; ++i) {
    int const fd = open(kPlaces[i], O_CREAT | O_WRONLY, 0666);
    say(kPlaces[i], write(fd, memory, 8 << 20) == 8 << 20 ? 0 : -1);
    close(fd);
  }
  setenv("TRACE", "left", 1);
  if (fork() == 0) {
    setsid();
    for (;;) pause();
  }
  return 0;
}

static int entries(char const* path) {
  int count = 0;
  DIR* d = opendir(path);
  for (struct dirent* e; d && (e = readdir(d));)
    count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
  if (d) closedir(d);
  return count;
}

static long not_zero(char const* bytes, size_t size) {
  long count = 0;
  for (size_t i = 0; i < size; ++i) count += bytes[i] != 0;
  return count;
}

int look_for_traces(void) {
  say_number("files in /tmp", entries("/tmp"));
  say_number("files in /dev/shm", entries("/dev/shm"));
  printf("environment %s\n", getenv("TRACE") ? "left" : "clean");
  int processes = 0;
  DIR* d = opendir("/proc");
  for (struct dirent* e; d && (e = readdir(d));)
    processes += e->d_name[0] >= '0' && e->d_name[0] <= '9';
  say_number("processes", processes);
  char* const memory =
      mmap(NULL, kTraces, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  say_number("old bytes in memory", not_zero(memory, kTraces));
  munmap(memory, kTraces);
  int const fd = open("/tmp/fresh", O_CREAT | O_RDWR, 0600);
  if (ftruncate(fd, kTraces) != 0) return 1;
  char* const file = mmap(NULL, kTraces, PROT_READ, MAP_SHARED, fd, 0);
  if (file == MAP_FAILED) return 1;
  say_number("old bytes in a file", not_zero(file, kTraces));
  // A write in the middle of a page: the rest of it is the kernel's to clear.
  static char page[4096];
  int const holes = open("/tmp/holes", O_CREAT | O_RDWR, 0600);
  long old = 0;
  for (int i = 0; i < 256; ++i) {
    if (pwrite(holes, "", 1, i * 4096 + 2048) != 1 || pread(holes, page, sizeof page, i * 4096) < 1)
      return 1;
    old += not_zero(page, sizeof page);
  }
  say_number("old bytes beside a write", old);
  return 0;
}
