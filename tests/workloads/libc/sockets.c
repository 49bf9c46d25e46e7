/* Sockets, event loops and text. */
#include "libc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <locale.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

/* Answers one connection with what it said, in capitals. */
static void* serve(void* argument) {
  int const client = accept(*(int*)argument, NULL, NULL);
  char buffer[16];
  ssize_t n;
  while ((n = recv(client, buffer, sizeof buffer, 0)) > 0) {
    for (ssize_t i = 0; i < n; ++i) buffer[i] = (char)towupper((wint_t)buffer[i]);
    NEED(send(client, buffer, (size_t)n, MSG_NOSIGNAL) == n);
  }
  close(client);
  return NULL;
}

static void tcp(char* answer) {
  struct addrinfo const hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo* found;
  NEED(getaddrinfo("localhost", "0", &hints, &found) == 0);
  int server = socket(found->ai_family, found->ai_socktype, found->ai_protocol), on = 1;
  NEED(server >= 0 && setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
  NEED(bind(server, found->ai_addr, found->ai_addrlen) == 0 && listen(server, 8) == 0);
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  NEED(getsockname(server, (struct sockaddr*)&at, &size) == 0);
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, serve, &server) == 0);
  int const client = socket(AF_INET, SOCK_STREAM, 0);
  NEED(client >= 0 && connect(client, (struct sockaddr*)&at, sizeof at) == 0);
  NEED(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
  size = sizeof on;
  NEED(getsockopt(client, SOL_SOCKET, SO_ERROR, &on, &size) == 0 && on == 0);
  size = sizeof at;
  NEED(getpeername(client, (struct sockaddr*)&at, &size) == 0);
  NEED(send(client, "hello", 5, 0) == 5 && recv(client, answer, 5, MSG_WAITALL) == 5);
  NEED(shutdown(client, SHUT_WR) == 0 && pthread_join(thread, NULL) == 0);
  answer[5] = 0;
  close(client);
  close(server);
  freeaddrinfo(found);
}

static int udp(void) {
  int const a = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), b = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  NEED(a >= 0 && b >= 0 && bind(a, (struct sockaddr*)&at, size) == 0);
  NEED(getsockname(a, (struct sockaddr*)&at, &size) == 0);
  NEED(connect(b, (struct sockaddr*)&at, size) == 0);
  struct iovec words[] = {{"one", 3}, {"three", 5}};
  struct mmsghdr out[2] = {{.msg_hdr = {.msg_iov = &words[0], .msg_iovlen = 1}},
                           {.msg_hdr = {.msg_iov = &words[1], .msg_iovlen = 1}}};
  NEED(sendmmsg(b, out, 2, 0) == 2);
  char buffers[2][8];
  struct iovec in[] = {{buffers[0], 8}, {buffers[1], 8}};
  struct mmsghdr got[2] = {{.msg_hdr = {.msg_iov = &in[0], .msg_iovlen = 1}},
                           {.msg_hdr = {.msg_iov = &in[1], .msg_iovlen = 1}}};
  int n = recvmmsg(a, got, 2, MSG_WAITFORONE, NULL);
  if (n == 1) n += recvmmsg(a, got + 1, 1, 0, NULL);
  NEED(n == 2);
  close(a);
  close(b);
  return (int)(got[0].msg_len + got[1].msg_len);
}

/* A descriptor through a socket pair: what it is of can be read at the other end. */
static void passed(char* answer) {
  int pair[2], ends[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 &&
       pipe2(ends, O_CLOEXEC) == 0);
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec byte = {"x", 1};
  struct msghdr message = {
      .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &ends[1], sizeof(int));
  NEED(sendmsg(pair[0], &message, 0) == 1);
  char got[1];
  byte.iov_base = got;
  NEED(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1 && (c = CMSG_FIRSTHDR(&message)));
  int received;
  memcpy(&received, CMSG_DATA(c), sizeof received);
  NEED(write(received, "passed", 6) == 6 && read(ends[0], answer, 6) == 6);
  answer[6] = 0;
}

/* By what getaddrinfo says of an address: every family and type, with its protocol. */
static void as_found(char const* address) {
  struct addrinfo const hints = {.ai_flags = AI_NUMERICHOST};
  struct addrinfo* all;
  NEED(getaddrinfo(address, "80", &hints, &all) == 0);
  for (struct addrinfo* a = all; a; a = a->ai_next) {
    if (a->ai_socktype == SOCK_RAW) continue;
    int const fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    NEED(fd >= 0 || errno == EAFNOSUPPORT); /* a kernel without IPv6 */
    close(fd);
  }
  freeaddrinfo(all);
}

void sockets(void) {
  char echoed[8], through[8];
  tcp(echoed);
  passed(through);
  as_found("127.0.0.1");
  as_found("::1");
  char name[IF_NAMESIZE];
  NEED(if_nametoindex("lo") == 1 && if_indextoname(1, name) && strcmp(name, "lo") == 0);
  printf("sockets: %s, %d bytes, %s\n", echoed, udp(), through);
}

void events(void) {
  int const loop = epoll_create1(EPOLL_CLOEXEC), counter = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = counter};
  NEED(loop >= 0 && counter >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, counter, &event) == 0);
  NEED(epoll_wait(loop, &event, 1, 5000) == 1 && epoll_pwait(loop, &event, 1, 5000, NULL) == 1);
  struct pollfd p = {counter, POLLIN, 0};
  NEED(poll(&p, 1, 5000) == 1 && ppoll(&p, 1, NULL, NULL) == 1);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(counter, &set);
  NEED(select(counter + 1, &set, NULL, NULL, NULL) == 1 &&
       pselect(counter + 1, &set, NULL, NULL, NULL, NULL) == 1);
  unsigned long long count;
  NEED(read(counter, &count, 8) == 8);
  int const watch = inotify_init1(IN_CLOEXEC);
  int const path = inotify_add_watch(watch, "/tmp", IN_CREATE);
  FILE* made = fopen("/tmp/made", "w");
  char buffer[256];
  NEED(watch >= 0 && path >= 0 && made && fclose(made) == 0 &&
       read(watch, buffer, sizeof buffer) > 0);
  NEED(inotify_rm_watch(watch, path) == 0);
  int waiting = -1;
  NEED(ioctl(watch, FIONREAD, &waiting) == 0 && waiting >= 0);
  unsigned char random[32];
  NEED(getrandom(random, sizeof random, 0) == 32 && !isatty(1));
  printf("events: %llu, %s\n", count, ((struct inotify_event*)buffer)->name);
}

void text(void) {
  NEED(setlocale(LC_ALL, "C.UTF-8"));
  wchar_t wide[16];
  size_t const length = mbstowcs(wide,
                                 "Gr\xc3\xbc\xc3\x9f"
                                 "e",
                                 16);
  iconv_t const converter = iconv_open("ISO-8859-1", "UTF-8");
  NEED(converter != (iconv_t)-1);
  char from[] =
      "Gr\xc3\xbc\xc3\x9f"
      "e",
       to[16], *in = from, *out = to;
  size_t in_left = sizeof from - 1, out_left = sizeof to;
  NEED(iconv(converter, &in, &in_left, &out, &out_left) == 0 && iconv_close(converter) == 0);
  struct passwd* me = getpwuid(getuid());
  NEED(me);
  time_t const then = 1000000000;
  char date[32];
  setenv("TZ", "Europe/Berlin", 1); /* of the host's /usr/share/zoneinfo */
  tzset();
  strftime(date, sizeof date, "%F %T %Z", localtime(&then));
  printf("text: %zu letters, %d bytes, the third is %02x, %s, %s\n", length, (int)(out - to),
         (unsigned char)to[2], me->pw_name, date);
}
