// A victim's parts. Each prints what it found; the test judges.
#pragma once
#include <stdio.h>

void posture(FILE*, char** argv);
int inherited(void);
int attempts(void);
int doors(void);
int core_limit(void);
int calls(char const* path);
int fork_bomb(void);
int thread_bomb(void);
int memory_bomb(char const* kind);
int fill_tmp(void);
int map_tmp(void);
