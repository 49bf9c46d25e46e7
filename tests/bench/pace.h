// Fixed rates: what is measured begins when it is due, whatever became of what came before.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <time.h>

// CLOCK_MONOTONIC, as of nanoseconds() in sampler.h. Returns at once if it has passed.
static inline void sleep_until(int64_t due) {
  struct timespec const t = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}
