// System calls by number, each in a child of its own: "index result", a line for each line of a
// file of "number argument argument argument".
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

// The call may fork, close every file or wait for ever: its child reports through a pipe, and a
// timer ends it.
static _Noreturn void call_once(unsigned long const* call, int report) {
  struct itimerval const soon = {.it_value = {.tv_usec = 50000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  long const result = syscall((long)call[0], call[1], call[2], call[3], 0, 0, 0);
  int const error = result == -1 ? errno : 0;
  (void)!write(report, &error, sizeof error);
  _exit(0);
}

static void say_result(int index, int const* error, int status) {
  if (error)
    printf("%d %s\n", index, *error ? strerrorname_np(*error) : "done");
  else
    printf("%d %s\n", index, WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "ended");
}

int calls(char const* path) {
  FILE* const list = fopen(path, "re");
  unsigned long call[4];
  for (int index = 0;
       list && fscanf(list, "%lu %lx %lx %lx", call, call + 1, call + 2, call + 3) == 4; ++index) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    fflush(stdout);
    pid_t const child = fork();
    if (child == 0) call_once(call, ends[1]);
    close(ends[1]);
    int status = 0;
    waitpid(child, &status, 0);
    int error;
    int const came_back = read(ends[0], &error, sizeof error) == sizeof error;
    close(ends[0]);
    say_result(index, came_back ? &error : NULL, status);
  }
  return list == NULL;
}
