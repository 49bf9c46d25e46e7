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

static _Thread_local char buffer[kBuffer + 1];

struct message {
  char* body;
  size_t size;
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
static int receive(int fd, struct message* message) {
  size_t got = 0;
  for (;;) {
    ssize_t const n = read(fd, buffer + got, kBuffer - got);
    if (n <= 0) return 0;
    got += (size_t)n;
    buffer[got] = 0;
    char* end = strstr(buffer, "\r\n\r\n");
    if (!end) continue;
    char const* length = strcasestr(buffer, "\r\ncontent-length:");
    message->body = end + 4;
    message->size = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (got >= (size_t)(message->body - buffer) + message->size) return 1;
  }
}

static int answer(int fd, struct message event, handler* handle) {
  static _Thread_local char body[kBuffer], reply[kBuffer + kHead];
  char* id = strcasestr(buffer, "\r\nlambda-runtime-aws-request-id:");
  if (!id || id > event.body) return 0;
  id += strlen("\r\nlambda-runtime-aws-request-id:");
  id += strspn(id, " ");
  size_t const size = handle(event.body, event.size, body, sizeof body);
  int const head = snprintf(reply, kHead,
                            "POST /2018-06-01/runtime/invocation/%.*s/response HTTP/1.1\r\n"
                            "Host: api\r\nContent-Length: %zu\r\n\r\n",
                            (int)strcspn(id, "\r"), id, size);
  memcpy(reply + head, body, size);
  return send_all(fd, reply, (size_t)head + size);
}

int serve_events(handler* handle) {
  static char const next[] =
      "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n";
  int const fd = connect_api(getenv("AWS_LAMBDA_RUNTIME_API"));
  struct message message;
  if (fd < 0) return 1;
  while (send_all(fd, next, sizeof next - 1) && receive(fd, &message) &&
         answer(fd, message, handle) && receive(fd, &message))
    continue;
  return 1;
}
