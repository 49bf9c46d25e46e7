#define _GNU_SOURCE
#include "support/runtime_api.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kHead = 1024, kBuffer = 1 << 16 };

// What one worker reads and writes. Not thread-local: that would make every stack larger.
struct worker {
  int fd;
  char* body;  // of what was received last, in `buffer`
  size_t size;
  char buffer[kBuffer + 1], answer[kBuffer], reply[kBuffer + kHead];
};

static int connect_api(char const* address) {
  char host[64];
  unsigned short port;
  if (!address || sscanf(address, "%63[^:]:%hu", host, &port) != 2) return -1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connect(fd, (struct sockaddr*)&to, sizeof to) == 0 ? fd : -1;
}

static int send_all(int fd, char const* bytes, size_t size) {
  while (size > 0) {
    ssize_t const n = write(fd, bytes, size);
    if (n <= 0) return 0;
    bytes += n, size -= (size_t)n;
  }
  return 1;
}

// One answer of the runtime, head and body, into `buffer`.
static int receive(struct worker* w) {
  char* const buffer = w->buffer;
  size_t got = 0;
  for (;;) {
    ssize_t const n = read(w->fd, buffer + got, kBuffer - got);
    if (n <= 0) return 0;
    got += (size_t)n;
    buffer[got] = 0;
    char* end = strstr(buffer, "\r\n\r\n");
    if (!end) continue;
    char const* length = strcasestr(buffer, "\r\ncontent-length:");
    w->body = end + 4;
    w->size = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (got >= (size_t)(w->body - buffer) + w->size) return 1;
  }
}

static int answer(struct worker* w, handler* handle) {
  char* id = strcasestr(w->buffer, "\r\nlambda-runtime-aws-request-id:");
  if (!id || id > w->body) return 0;
  id += strlen("\r\nlambda-runtime-aws-request-id:");
  id += strspn(id, " ");
  size_t const size = handle(w->body, w->size, w->answer, sizeof w->answer);
  int const head = snprintf(w->reply, kHead,
                            "POST /2018-06-01/runtime/invocation/%.*s/response HTTP/1.1\r\n"
                            "Host: api\r\nContent-Length: %zu\r\n\r\n",
                            (int)strcspn(id, "\r"), id, size);
  memcpy(w->reply + head, w->answer, size);
  return send_all(w->fd, w->reply, (size_t)head + size);
}

int serve_events(handler* handle) {
  static char const next[] =
      "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n";
  struct worker* const w = malloc(sizeof *w);
  if (!w || (w->fd = connect_api(getenv("AWS_LAMBDA_RUNTIME_API"))) < 0) return 1;
  while (send_all(w->fd, next, sizeof next - 1) && receive(w) && answer(w, handle) && receive(w))
    continue;
  return 1;
}
