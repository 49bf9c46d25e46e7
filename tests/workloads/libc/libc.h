/* What a C library does for an ordinary program, one part a function: each prints one line, the
 * answer. */
#pragma once
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

/* A part that cannot go on says where and why, and ends the program. */
#define NEED(x)                                               \
  do {                                                        \
    if (!(x)) {                                               \
      printf("%s:%d: %s: %m\n", __FILE_NAME__, __LINE__, #x); \
      exit(1);                                                \
    }                                                         \
  } while (0)
#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

void files(void);
void directories(void);
void memory(void);
void processes(void);
void threads(void);
void signals(void);
void timers(void);
void sockets(void);
void events(void);
void text(void);
