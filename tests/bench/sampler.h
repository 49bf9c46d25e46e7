// How scripts/bench talks to a program it measures: the program prints "ready", then takes a block
// of samples for each line "<count>" on its stdin and prints them on one line. It ends at end of
// file. A program that cannot be measured here prints "unavailable: <why>" instead of "ready".
// The line "hold" asks for one instance that runs until the line "release", so that its posture can
// be read from outside; the answers are "held" (or "none": nothing to hold) and "released".
// Plain C, so that the floors need nothing else.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
// prints why not on stderr and returns another number. `hold` and `release` return 0, too; NULL
// where there is nothing to hold.
struct sampled {
  int (*block)(void* context, long count, int64_t* out);
  int (*hold)(void* context);
  int (*release)(void* context);
  void* context;
};

static inline int answer_block(struct sampled const* sampled, long count) {
  static int64_t samples[kMostSamples];
  if (count < 1 || count > kMostSamples) return 1;
  if (sampled->block(sampled->context, count, samples) != 0) return 1;
  for (long i = 0; i < count; ++i) printf(i ? " %lld" : "%lld", (long long)samples[i]);
  return printf("\n") < 0;
}

static inline int answer_line(struct sampled const* sampled, char const* line) {
  if (strcmp(line, "hold\n") == 0)
    return !sampled->hold ? puts("none") < 0 : sampled->hold(sampled->context) || puts("held") < 0;
  if (strcmp(line, "release\n") == 0)
    return sampled->release(sampled->context) || puts("released") < 0;
  return answer_block(sampled, strtol(line, NULL, 10));
}

static inline int serve_samples(struct sampled const* sampled) {
  char line[64];
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    if (answer_line(sampled, line) != 0) return 1;
    fflush(stdout);
  }
  return 0;
}

static inline int serve_blocks(int (*block)(void*, long count, int64_t* out), void* context) {
  struct sampled const sampled = {block, NULL, NULL, context};
  return serve_samples(&sampled);
}
