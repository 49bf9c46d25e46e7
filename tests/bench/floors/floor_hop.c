// The floor of calls over HTTP: one process with one epoll descriptor answers POSTs with their
// body, which goes on a SEQPACKET pair to a process of the connection's own and back. Nothing is
// checked. Usage: floor_hop. Prints "ready ADDRESS" and serves to the end of its input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kEvents = 64, kRequest = 4096 };

// A client's end, or the end of its process: each knows the other.
struct end {
  int fd, serves;
  struct end* other;
  size_t have;
  char bytes[kRequest];
};

static int epoll;

static int add(int fd, struct end* end) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void echo(int fd) {
  char bytes[kRequest];
  for (;;) {
    ssize_t const n = recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0 || send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n) _exit(0);
  }
}

static int process(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) exit(1);
  pid_t const child = fork();
  if (child < 0) exit(1);
  if (child == 0) {
    int const own = dup2(pair[1], STDIN_FILENO);
    close_range(3, ~0u, 0);  // others' ends, which would never see them close
    echo(own);
  }
  close(pair[1]);
  return pair[0];
}

static void accept_client(int listener) {
  int const on = 1, fd = accept4(listener, 0, 0, SOCK_CLOEXEC);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct end* const client = calloc(2, sizeof *client);
  client[0] = (struct end){.fd = fd, .serves = 0, .other = &client[1]};
  client[1] = (struct end){.fd = process(), .serves = 1, .other = &client[0]};
  add(client[0].fd, &client[0]);
  add(client[1].fd, &client[1]);
}

// Not freed: its process's end may be in the batch, and its number another one's by then.
static void leave(struct end* client) {
  close(client->fd);
  close(client->other->fd);
  client->fd = client->other->fd = -1;
}

static void ask(struct end* client) {
  ssize_t const n =
      recv(client->fd, client->bytes + client->have, kRequest - 1 - client->have, MSG_DONTWAIT);
  if (n < 0) return;
  if (n == 0) return leave(client);
  client->have += (size_t)n;
  client->bytes[client->have] = 0;
  char const* const end = strstr(client->bytes, "\r\n\r\n");
  char const* const length = strcasestr(client->bytes, "\r\ncontent-length:");
  if (!end || !length) return;
  size_t const body = strtoul(length + 17, 0, 10);
  if (client->bytes + client->have < end + 4 + body) return;
  send(client->other->fd, end + 4, body, MSG_NOSIGNAL);
  client->have = 0;
}

static void answer(struct end* served) {
  char head[512];
  ssize_t const n = recv(served->fd, served->bytes, kRequest, MSG_DONTWAIT);
  if (n <= 0) return;
  // As long as ours.
  int const size =
      snprintf(head, sizeof head,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Faas-Start: warm\r\n"
               "x-amzn-RequestId: 01234567-89ab-4def-8123-456789abcdef\r\n"
               "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: %zd\r\n\r\n",
               n);
  struct iovec parts[2] = {{head, (size_t)size}, {served->bytes, (size_t)n}};
  struct msghdr const message = {.msg_iov = parts, .msg_iovlen = 2};
  sendmsg(served->other->fd, &message, MSG_NOSIGNAL);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int const listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (bind(listener, (struct sockaddr*)&address, size) != 0 || listen(listener, 128) != 0 ||
      getsockname(listener, (struct sockaddr*)&address, &size) != 0)
    return perror("floor_hop"), 1;
  struct end input = {.fd = STDIN_FILENO}, door = {.fd = listener};
  add(listener, &door);
  add(STDIN_FILENO, &input);
  printf("ready 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct epoll_event ready[kEvents];
    int const n = epoll_wait(epoll, ready, kEvents, -1);
    for (int i = 0; i < n; ++i) {
      struct end* const end = ready[i].data.ptr;
      if (end == &input) return 0;
      if (end == &door) {
        accept_client(listener);
      } else if (end->serves) {
        answer(end);
      } else {
        ask(end);
      }
    }
  }
}
