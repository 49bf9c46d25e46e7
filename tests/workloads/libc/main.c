/* One program, linked against glibc and against musl, statically and dynamically: the answers are
 * the same. */
#include "libc.h"

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  files();
  directories();
  memory();
  processes();
  threads();
  signals();
  timers();
  sockets();
  events();
  text();
  return 0;
}
