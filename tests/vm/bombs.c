// Memory and objects of the kernel taken without end. A bomb goes on until it is ended; if it is
// refused instead, it says how and holds what it has.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

enum { kMiB = 1 << 20 };
static char block[kMiB];

_Noreturn static void refused(char const* what, long after) {
  printf("%s: %s after %ld\n", what, strerrorname_np(errno), after);
  fflush(stdout);
  for (;;) pause();
}

// One MiB, touched; it stays.
static void take(int flags, int fd) {
  static long taken = 0;
  char* page = mmap(NULL, kMiB, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (page == MAP_FAILED) refused("mmap", taken);
  memset(page, 1, kMiB);
  ++taken;
}

void touch(long mib) {
  for (long i = 0; i < mib; ++i) take(MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void shared(void) { take(MAP_SHARED | MAP_ANONYMOUS, -1); }

// Written, never mapped: no process has it in its address space.
static void memory_file(void) {
  static int fd = -1;
  if (fd < 0) fd = memfd_create("bomb", 0);
  if (write(fd, block, sizeof block) < 0) refused("memfd", 0);
}

// Its descriptors are used up: the same again in a child.
static void go_on_in_child(void) {
  pid_t const child = fork();
  if (child < 0) refused("fork", 0);
  if (child > 0)
    for (;;) pause();
  for (int fd = 3; fd < 1024; ++fd) close(fd);
}

static void fill(int fd) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while (write(fd, block, 64 << 10) > 0) continue;
}

// B7
static void pipes(void) {
  int ends[2];
  if (pipe(ends) != 0) return go_on_in_child();
  fcntl(ends[1], F_SETPIPE_SZ, kMiB);
  fill(ends[1]);
}

static void widen(int fd) {
  int const size = kMiB;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static void unix_queues(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) return go_on_in_child();
  for (int i = 0; i < 2; ++i) widen(pair[i]), fill(pair[i]);
}

// Connections to itself that nobody reads from.
static void tcp_queues(void) {
  static int listener = -1;
  static struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t size = sizeof a;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener < 0) {
    listener = socket(AF_INET, SOCK_STREAM, 0);
    widen(listener);
    if (bind(listener, (struct sockaddr*)&a, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr*)&a, &size) != 0)
      refused("listen", 0);
  }
  int const one = socket(AF_INET, SOCK_STREAM, 0);
  if (one >= 0) widen(one);
  int const other =
      one >= 0 && connect(one, (struct sockaddr*)&a, size) == 0 ? accept(listener, NULL, NULL) : -1;
  // Not in a child: what is full by now are the queues, which the kernel counts apart.
  if (other < 0) refused("connection", one);
  fill(one);
  fill(other);
}

// B2: a socket that is in its own queue when its last descriptor goes, with a full queue behind it.
static void cycles(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) refused("socketpair", 0);
  widen(pair[0]);
  char control[CMSG_SPACE(2 * sizeof(int))] = {0};
  struct iovec io = {block, 64 << 10};
  struct msghdr message = {
      .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(2 * sizeof(int));
  memcpy(CMSG_DATA(c), pair, 2 * sizeof(int));
  if (sendmsg(pair[0], &message, 0) < 0) refused("sendmsg", 0);
  fill(pair[0]);
  close(pair[0]);
  close(pair[1]);
}

// B8: every eventfd watched by every epoll descriptor.
static void epolls(void) {
  enum { kEach = 400 };
  static int events[kEach];
  for (int i = 0; i < kEach; ++i)
    if ((events[i] = eventfd(0, 0)) < 0) refused("eventfd", i);
  for (int i = 0; i < kEach; ++i) {
    int const epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll < 0) refused("epoll", i);
    for (int j = 0; j < kEach; ++j)
      if (epoll_ctl(epoll, EPOLL_CTL_ADD, events[j], &event) != 0) refused("watch", i * kEach + j);
  }
  go_on_in_child();
}

// B8: what the kernel counts for each user, all of it.
int user_limits(void) {
  while (inotify_init1(0) >= 0) continue;
  for (;;) epolls();
}

int memory_bomb(char const* kind) {
  static struct {
    char const* name;
    void (*more)(void);
  } const kinds[] = {{"shared", shared},           {"memfd", memory_file},     {"pipes", pipes},
                     {"unix-queues", unix_queues}, {"tcp-queues", tcp_queues}, {"epolls", epolls}};
  if (!strcmp(kind, "private"))
    for (;;) touch(1);
  // For a while only: what the kernel finds to be garbage it takes back.
  if (!strcmp(kind, "cycles")) {
    for (int i = 0; i < 200; ++i) cycles();
    return puts("done") < 0;
  }
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i)
    if (!strcmp(kind, kinds[i].name))
      for (;;) kinds[i].more();
  return 64;
}

// With a full /tmp nothing is left between the memory and the kernel's limit.
static void fill_small_tmp(void) {
  int const fd = open("/tmp/full", O_CREAT | O_WRONLY, 0600);
  while (write(fd, block, 4096) > 0) continue;
}

int memory_bomb_beside_full_tmp(char const* kind) {
  fill_small_tmp();
  return memory_bomb(kind);
}

// The child is to blame; its parent would go on as if nothing had been.
int child_bomb(void) {
  fill_small_tmp();
  if (fork() == 0)
    for (;;) touch(1);
  wait(NULL);
  puts("my child is gone");
  return 0;
}

// What another jail's exhaustion of the kernel's limits for a user would take away.
int small_objects(void) {
  int ends[2];
  int const epoll = epoll_create1(0), event = eventfd(0, 0), notify = inotify_init1(0);
  struct epoll_event interest = {.events = EPOLLIN};
  if (epoll < 0 || event < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest) != 0)
    return printf("epoll: %s\n", strerrorname_np(errno)), 1;
  if (notify < 0 || inotify_add_watch(notify, "/tmp", IN_CREATE) < 0)
    return printf("inotify: %s\n", strerrorname_np(errno)), 1;
  if (pipe(ends) != 0 || fcntl(ends[0], F_GETPIPE_SZ) < 64 << 10)
    return printf("pipe: %s\n", strerrorname_np(errno)), 1;
  return puts("all there") < 0;
}

static void open_until_refused(int ready) {
  while (open("/dev/null", O_RDONLY) >= 0) continue;
  (void)!write(ready, "r", 1);
  for (;;) pause();
}

// B6: as many processes as may be, each with as many files as it may have.
int open_files(void) {
  int ready[2];
  if (pipe(ready) != 0) return 1;
  int children = 0;
  for (pid_t child; (child = fork()) >= 0; ++children)
    if (child == 0) open_until_refused(ready[1]);
  char byte;
  for (int i = 0; i < children; ++i)
    if (read(ready[0], &byte, 1) != 1) return 1;
  hold();
}

static void* wait_forever(void* unused) {
  for (;;) pause();
  return unused;
}

// A2
int threads(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  int count = 1, error = 0;
  for (pthread_t t; (error = pthread_create(&t, &small, wait_forever, NULL)) == 0;) ++count;
  printf("%d %s\n", count, strerrorname_np(error));
  fflush(stdout);
  _exit(0);
}

// B10: directories with the longest names there may be, until one is refused.
int directories(void) {
  char path[300] = "/tmp/";
  memset(path + 5, 'd', 255);
  for (int i = 0;; ++i) {
    int const end = 5 + snprintf(path + 5, 12, "%010d", i);
    path[end] = 'd';
    if (mkdir(path, 0700) != 0) return printf("%d %s\n", i, strerrorname_np(errno)) < 0;
  }
}
