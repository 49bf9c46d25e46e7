// The floor of many warm calls at once: one server process with eight unix stream connections
// behind one epoll descriptor echoes a kilobyte, a client keeps one message in flight on each.
// Usage: floor_echo pinned|spread. A sample is messages (there and back) a second over 20,000.
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../placement.h"
#include "../sampler.h"

enum { kConnections = 8, kPayload = 1024, kMessages = 20000 };

static int add(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// Messages are written whole and stay whole: a reader sees kPayload bytes or the end.
static void serve(int const* connections) {
  struct epoll_event ready[kConnections];
  char buffer[kPayload];
  int const epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < kConnections; ++i) add(epoll, connections[i]);
  for (;;) {
    int const n = epoll_wait(epoll, ready, kConnections, -1);
    for (int i = 0; i < n; ++i) {
      int const fd = ready[i].data.fd;
      if (read(fd, buffer, kPayload) != kPayload || write(fd, buffer, kPayload) != kPayload)
        _exit(0);
    }
  }
}

// Messages a second, or -1.
static int64_t rate(int const* connections, int epoll) {
  struct epoll_event ready[kConnections];
  static char buffer[kPayload];
  long sent = 0, received = 0;
  int64_t const begin = nanoseconds();
  for (; sent < kConnections; ++sent)
    if (write(connections[sent], buffer, kPayload) != kPayload) return -1;
  while (received < kMessages) {
    int const n = epoll_wait(epoll, ready, kConnections, -1);
    for (int i = 0; i < n; ++i) {
      int const fd = ready[i].data.fd;
      if (read(fd, buffer, kPayload) != kPayload) return -1;
      ++received;
      if (sent == kMessages) continue;
      if (write(fd, buffer, kPayload) != kPayload) return -1;
      ++sent;
    }
  }
  return kMessages * 1000000000LL / (nanoseconds() - begin);
}

struct client {
  int connections[kConnections], epoll;
};

static int block(void* context, long count, int64_t* out) {
  struct client const* const client = context;
  for (long i = 0; i < count; ++i)
    if ((out[i] = rate(client->connections, client->epoll)) < 0) return perror("floor_echo"), 1;
  return 0;
}

int main(int argc, char** argv) {
  struct client client = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
  int servers[kConnections];
  if (argc != 2 || !place(argv[1])) return fprintf(stderr, "usage: floor_echo pinned|spread\n"), 2;
  for (int i = 0; i < kConnections; ++i) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
    client.connections[i] = ends[0];
    servers[i] = ends[1];
    add(client.epoll, ends[0]);
  }
  if (fork() == 0) {
    for (int i = 0; i < kConnections; ++i) close(client.connections[i]);
    serve(servers);
  }
  for (int i = 0; i < kConnections; ++i) close(servers[i]);
  return serve_blocks(block, &client);
}
