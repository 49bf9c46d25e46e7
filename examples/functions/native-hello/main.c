// A function in C over the native contract: one header of libfaas, no library.
//   cc -O2 -static -I PREFIX/include main.c -o DIR/bootstrap
//   faasd deploy native-hello DIR --runtime native
#include <faas/guest.h>
#include <stdio.h>

static void hello(const faas_event* event, faas_response* response, void* context) {
  static char answer[4096];
  int* const count = context;  // what is kept between events is ours alone: one handler at a time
  printf("greeting request %s\n", event->request_id);  // goes to the function's log
  fflush(stdout);
  if (event->size > 2048) {
    faas_fail(response, "Function.TooLong", "at most 2,048 bytes");
    return;
  }
  // The payload is JSON and ends with a NUL.
  int const n = snprintf(answer, sizeof answer, "{\"hello\":%s,\"from\":\"c\",\"count\":%d}",
                         event->size > 0 ? event->payload : "null", ++*count);
  faas_reply(response, answer, (size_t)n);
}

int main(void) {
  int count = 0;
  return faas_serve(hello, &count) == 0 ? 0 : 1;
}
