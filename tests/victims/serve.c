// Untrusted programs as functions. An event is the words of an attempt; the answer is what it
// printed, and a last line "ended: exit N" or "ended: signal NAME". Each runs in a process of its
// own, but for "self WORDS", which the function's first process tries and then ends.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"
#include "support/runtime_api.h"

enum { kWords = 16, kEvent = 4096 };

static int split(char* text, char** words) {
  int n = 1;
  words[0] = "function";
  for (char* w = strtok(text, " "); w && n < kWords; w = strtok(NULL, " ")) words[n++] = w;
  words[n] = NULL;
  return n;
}

// In a file, not in a pipe: what an attempt leaves behind may hold a pipe open for ever.
static int run_apart(int output, int words, char** word) {
  pid_t const child = fork();
  if (child == 0) {
    dup2(output, 1), dup2(output, 2);
    int const status = attempt(words, word);
    fflush(NULL);
    _exit(status);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

static size_t handle(char const* event, size_t size, char* answer, size_t room) {
  static char text[kEvent + 1];
  char* word[kWords + 1];
  size_t const n = size < kEvent ? size : kEvent;
  memcpy(text, event, n);
  text[n] = 0;
  int const words = split(text, word);
  if (words > 1 && !strcmp(word[1], "self")) {
    word[1] = word[0];
    exit(attempt(words - 1, word + 1));
  }
  int const output = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  int const status = run_apart(output, words, word);
  ssize_t got = pread(output, answer, room - 64, 0);
  close(output);
  if (got < 0) got = 0;
  int const last = WIFSIGNALED(status)
                       ? sprintf(answer + got, "ended: signal %s\n", sigabbrev_np(WTERMSIG(status)))
                       : sprintf(answer + got, "ended: exit %d\n", WEXITSTATUS(status));
  return (size_t)(got + last);
}

// As a program it tries what its arguments say; as a function, what each event says.
int main(int argc, char** argv) {
  return argc == 1 && getenv("AWS_LAMBDA_RUNTIME_API") ? serve_events(handle) : attempt(argc, argv);
}
