// A second, slept: what no limit of one second can be sooner than.
#define _GNU_SOURCE
#include "../sampler.h"

static int block(void* context, long count, int64_t* out) {
  struct timespec const second = {.tv_sec = 1};
  (void)context;
  for (long i = 0; i < count; ++i) {
    int64_t const begin = nanoseconds();
    if (clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL) != 0) return 1;
    out[i] = nanoseconds() - begin;
  }
  return 0;
}

int main(void) { return serve_blocks(block, NULL); }
