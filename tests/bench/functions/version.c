// Answers every event with the version that this instance is of.
#include <stdlib.h>
#include <string.h>

#include "support/runtime_api.h"

static size_t version(char const* event, size_t size, char* answer, size_t room) {
  (void)event, (void)size;
  char const* const found = getenv("AWS_LAMBDA_FUNCTION_VERSION");
  size_t const n = found ? strnlen(found, room) : 0;
  memcpy(answer, found ? found : "", n);
  return n;
}

int main(void) { return serve_events(version); }
