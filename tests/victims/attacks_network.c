// Sockets: which there are, and whom they reach.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "attacker.h"

// C18: each one that there is, "socket FAMILY TYPE PROTOCOL".
int sockets(void) {
  long tried = 0;
  for (int family = 0; family < 64; ++family)
    for (int type = 0; type < 16; ++type)
      for (int protocol = 0; protocol < 320; ++protocol, ++tried) {
        int const s = socket(family, type, protocol);
        if (s >= 0) printf("socket %d %d %d\n", family, type, protocol);
        if (s >= 0) close(s);
      }
  say_number("tried", tried);
  return 0;
}

static int say_connect(char const* what, int type, struct sockaddr const* address, socklen_t size) {
  int const s = socket(address->sa_family, type, 0);
  printf("%s %s\n", what, connect(s, address, size) ? strerrorname_np(errno) : "reached");
  close(s);
  return 0;
}

// N1, N2, N3: "tcp/ADDRESS/PORT" or "udp/ADDRESS/PORT" each.
int connect_all(int count, char** targets) {
  for (int i = 0; i < count; ++i) {
    char kind[8], address[64];
    unsigned port;
    if (sscanf(targets[i], "%7[^/]/%63[^/]/%u", kind, address, &port) != 3) return 64;
    int const type = !strcmp(kind, "udp") ? SOCK_DGRAM : SOCK_STREAM;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
    struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port)};
    if (inet_pton(AF_INET, address, &a.sin_addr) == 1)
      say_connect(targets[i], type, (struct sockaddr*)&a, sizeof a);
    else if (inet_pton(AF_INET6, address, &b.sin6_addr) == 1)
      say_connect(targets[i], type, (struct sockaddr*)&b, sizeof b);
    else
      return 64;
  }
  return 0;
}

// N4: every port of the loopback. From another address, or a connection could be one to itself.
int scan(void) {
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
  inet_pton(AF_INET, "127.0.0.2", &from.sin_addr);
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  int other = 0;
  for (int port = 1; port <= 65535; ++port) {
    int const s = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((in_port_t)port);
    if (bind(s, (struct sockaddr*)&from, sizeof from) != 0) return 1;
    if (connect(s, (struct sockaddr*)&to, sizeof to) == 0)
      printf("open %d\n", port);
    else
      other += errno != ECONNREFUSED;
    close(s);
  }
  say_number("neither open nor refused", other);
  return 0;
}

static socklen_t abstract(char const* name, struct sockaddr_un* address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  size_t const n = strlen(name);
  memcpy(address->sun_path + 1, name, n);
  return (socklen_t)(sizeof address->sun_family + 1 + n);
}

// D13: listens, reaches itself (the control), and then says who else came.
int listen_abstract(char const* name) {
  struct sockaddr_un address;
  socklen_t const size = abstract(name, &address);
  int const s = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(s, (struct sockaddr*)&address, size) != 0 || listen(s, 8) != 0) return 1;
  say_connect("self", SOCK_STREAM, (struct sockaddr*)&address, size);
  close(accept(s, NULL, NULL));
  fflush(stdout);
  struct pollfd come = {.fd = s, .events = POLLIN};
  if (poll(&come, 1, -1) > 0) puts("somebody came");
  return 0;
}

// "@name" is an abstract one.
int connect_unix(int count, char** names) {
  for (int i = 0; i < count; ++i) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    if (names[i][0] == '@')
      size = abstract(names[i] + 1, &address);
    else
      strncpy(address.sun_path, names[i], sizeof address.sun_path - 1);
    say_connect(names[i], SOCK_STREAM, (struct sockaddr*)&address, size);
  }
  return 0;
}
