// How scripts/bench talks to a program it measures: the program prints "ready", then takes a block
// of samples for each line "<count>" on its stdin and prints them on one line. It ends at end of
// file. A program that cannot be measured here prints "unavailable: <why>" instead of "ready".
// Plain C, so that the floors need nothing else.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kMostSamples = 100000 };

static inline int64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int unavailable(char const* why) {
  printf("unavailable: %s\n", why);
  return 0;
}

// `block` fills `out` with `count` samples (nanoseconds, or rates per second) and returns 0, or
// prints why not on stderr and returns another number.
static inline int serve_blocks(int (*block)(void*, long count, int64_t* out), void* context) {
  static int64_t samples[kMostSamples];
  long count;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  printf("ready\n");
  fflush(stdout);
  while (scanf("%ld", &count) == 1) {
    if (count < 1 || count > kMostSamples || block(context, count, samples) != 0) return 1;
    for (long i = 0; i < count; ++i) printf(i ? " %lld" : "%lld", (long long)samples[i]);
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
