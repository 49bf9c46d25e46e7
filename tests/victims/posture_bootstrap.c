// A function that answers every call with its posture. The event "thread" starts a thread first,
// which stays.
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "support/runtime_api.h"
#include "victim.h"

static char** arguments;

static void* stay(void* started) {
  pthread_barrier_wait(started);
  for (;;) pause();
  return NULL;
}

// It runs, with a signal mask of its own, when this returns.
static int start_thread(void) {
  static pthread_barrier_t started;
  pthread_t thread;
  pthread_barrier_init(&started, NULL, 2);
  if (pthread_create(&thread, NULL, stay, &started) != 0) return 0;
  pthread_barrier_wait(&started);
  return 1;
}

static size_t handle(char const* event, size_t size, char* answer, size_t room) {
  if (size == 8 && !memcmp(event, "\"thread\"", 8) && !start_thread()) return 0;
  FILE* const to = fmemopen(answer, room, "w");
  posture(to, arguments);
  size_t const written = (size_t)ftell(to);
  fclose(to);
  return written;
}

int main(int argc, char** argv) {
  (void)argc;
  arguments = argv;
  return serve_events(handle);
}
