// Where a measured program runs: "pinned" to the first core it may use, children included, or
// "spread".
#pragma once

#include <sched.h>
#include <string.h>

static inline int place(char const* where) {
  cpu_set_t allowed, one;
  if (strcmp(where, "spread") == 0) return 1;
  if (strcmp(where, "pinned") != 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return sched_setaffinity(0, sizeof one, &one) == 0;
}
