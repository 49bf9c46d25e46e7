// canary DIRECTORY NAME: a process of the host that no function may reach. Prints "ready PORT";
// then a line for every signal it is sent and every connection to its unix socket
// (DIRECTORY/socket), its abstract socket (@NAME) or its loopback port. Ends when its stdin does.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(int family, void const* address, socklen_t size) {
  int const fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, address, size) != 0 || listen(fd, 16) != 0) return perror("canary"), -1;
  return fd;
}

static int listen_unix(char const* path, int abstract) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  size_t const n = strlen(path);
  memcpy(a.sun_path + abstract, path, n);
  return listen_at(AF_UNIX, &a, (socklen_t)(sizeof a.sun_family + n + 1));
}

static int listen_loopback(unsigned short* port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  int const fd = listen_at(AF_INET, &a, size);
  getsockname(fd, (struct sockaddr*)&a, &size);
  *port = ntohs(a.sin_port);
  return fd;
}

static int watch_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  return signalfd(-1, &all, SFD_CLOEXEC);
}

int main(int argc, char** argv) {
  static char const* const kind[] = {"stdin", "signal", "unix", "abstract", "loopback"};
  char path[200];
  unsigned short port = 0;
  if (argc != 3) return 64;
  setlinebuf(stdout);
  snprintf(path, sizeof path, "%s/socket", argv[1]);
  struct pollfd p[] = {{0, POLLIN, 0},
                       {watch_signals(), POLLIN, 0},
                       {listen_unix(path, 0), POLLIN, 0},
                       {listen_unix(argv[2], 1), POLLIN, 0},
                       {listen_loopback(&port), POLLIN, 0}};
  printf("ready %hu\n", port);
  for (;;) {
    if (poll(p, 5, -1) < 0) return 1;
    if (p[0].revents) return 0;
    if (p[1].revents) {
      struct signalfd_siginfo info;
      if (read(p[1].fd, &info, sizeof info) != sizeof info) return 1;
      printf("touched: %s %u\n", kind[1], info.ssi_signo);
    }
    for (int i = 2; i < 5; ++i) {
      if (!p[i].revents) continue;
      close(accept(p[i].fd, NULL, NULL));
      printf("touched: %s\n", kind[i]);
    }
  }
}
