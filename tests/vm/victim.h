// A victim's parts. Each prints what it found; the test judges.
#pragma once

// Says that it got as far as its test waits for.
void say_started(void);
// The same, and stays until it is killed.
_Noreturn void hold(void);

// bombs.c
void touch(long mib);
int memory_bomb(char const* kind);
int memory_bomb_beside_full_tmp(char const* kind);
int child_bomb(void);
int small_objects(void);
int user_limits(void);
int open_files(void);
int threads(void);
int directories(void);
