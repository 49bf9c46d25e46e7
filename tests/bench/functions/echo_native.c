// As echo.c, over the native contract.
#define _GNU_SOURCE
#include <faas/guest.h>
#include <sched.h>
#include <stdlib.h>

static void echo(const faas_event* event, faas_response* response, void* context) {
  (void)context;
  faas_reply(response, event->payload, event->size);
}

int main(void) {
  char const* const cpu = getenv("BENCH_CPU");
  cpu_set_t only;
  CPU_ZERO(&only);
  if (cpu) CPU_SET((size_t)atoi(cpu), &only);
  if (cpu && sched_setaffinity(0, sizeof only, &only) != 0) return 1;
  return faas_serve(echo, 0) == 0 ? 0 : 1;
}
