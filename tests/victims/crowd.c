// A function that takes several calls at once, a thread for each. An event is a verb and a number.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/runtime_api.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrival = PTHREAD_COND_INITIALIZER;
static int present, met;

// Returns once `wanted` calls are here at the same time.
static void meet(int wanted) {
  pthread_mutex_lock(&mutex);
  ++present;
  if (present >= wanted) {
    met += present, present = 0;
    pthread_cond_broadcast(&arrival);
  }
  int const before = met;
  while (present > 0 && met == before) pthread_cond_wait(&arrival, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void eat(size_t mebibytes) {
  size_t const size = mebibytes << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  memset(memory, 1, size);
}

// "meet N", "sleep MILLISECONDS", "say NUMBER", "eat MEBIBYTES", "exit CODE". The answer names the
// jail.
static size_t handle(char const* event, size_t size, char* answer, size_t room) {
  char text[64] = {0}, verb[16] = "";
  int number = 0;
  memcpy(text, event, size < sizeof text ? size : sizeof text - 1);
  sscanf(text, "%15s %d", verb, &number);
  if (!strcmp(verb, "meet")) meet(number);
  if (!strcmp(verb, "sleep")) usleep((useconds_t)number * 1000);
  if (!strcmp(verb, "say")) dprintf(1, "said %d\n", number);
  if (!strcmp(verb, "eat")) eat((size_t)number);
  if (!strcmp(verb, "exit")) _exit(number);
  struct stat jail;
  if (stat("/proc/self/ns/pid", &jail) != 0) return 0;
  return (size_t)snprintf(answer, room, "%lu", (unsigned long)jail.st_ino);
}

static void* work(void* unused) {
  (void)unused;
  _exit(serve_events(handle));
}

int main(void) {
  char const* count = getenv("AWS_LAMBDA_MAX_CONCURRENCY");
  for (int i = count ? atoi(count) : 1; i > 1; --i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) return 1;
  }
  return serve_events(handle);
}
