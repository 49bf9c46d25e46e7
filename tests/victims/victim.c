// An untrusted function in miniature: argv[1] says what it tries.
#define _GNU_SOURCE
#include "victim.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

extern char** environ;

static int say_environment(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) printf("argument %s\n", argv[i]);
  for (char** e = environ; *e; ++e) printf("environment %s\n", *e);
  return 0;
}

// Says hello to the Runtime API's listener and prints the answer.
static int talk(void) {
  int const s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9001)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(s, (struct sockaddr*)&a, sizeof a) != 0)
    return printf("connect: %s\n", strerror(errno));
  if (write(s, "hello", 5) != 5) return 1;
  char answer[64];
  ssize_t const n = read(s, answer, sizeof answer);
  return printf("answer %.*s\n", (int)n, answer) < 0;
}

// Takes the port the runtime listens on: before it, beside it, instead of it.
static int steal_port(void) {
  int const s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9001)};
  printf("bind any: %s\n",
         bind(s, (struct sockaddr*)&a, sizeof a) ? strerrorname_np(errno) : "stolen");
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  printf("bind loopback: %s\n",
         bind(s, (struct sockaddr*)&a, sizeof a) ? strerrorname_np(errno) : "stolen");
  return 0;
}

static void say_reach(char const* what, int family, void const* address, socklen_t size) {
  int const s = socket(family, SOCK_STREAM, 0);
  printf("%s: %s\n", what, connect(s, address, size) ? strerrorname_np(errno) : "reached");
  close(s);
}

// argv: host address, port, abstract socket name.
static int reach(char** argv) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[3]))};
  inet_pton(AF_INET, argv[2], &a.sin_addr);
  say_reach("host loopback", AF_INET, &a, sizeof a);
  inet_pton(AF_INET, "169.254.169.254", &a.sin_addr);
  say_reach("metadata", AF_INET, &a, sizeof a);
  inet_pton(AF_INET, "1.1.1.1", &a.sin_addr);
  say_reach("internet", AF_INET, &a, sizeof a);
  struct sockaddr_un u = {.sun_family = AF_UNIX};
  size_t const n = strlen(argv[4]);
  memcpy(u.sun_path + 1, argv[4], n);
  say_reach("abstract", AF_UNIX, &u, (socklen_t)(sizeof u.sun_family + 1 + n));
  return 0;
}

static int see(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    int const fd = open(argv[i], O_RDONLY);
    printf("%s: %s\n", argv[i], fd < 0 ? strerrorname_np(errno) : "seen");
    if (fd >= 0) close(fd);
  }
  return 0;
}

static int list_pids(void) {
  DIR* d = opendir("/proc");
  for (struct dirent* e; d && (e = readdir(d));)
    if (e->d_name[0] >= '0' && e->d_name[0] <= '9') printf("pid %s\n", e->d_name);
  printf("kill all: %s\n", kill(-1, SIGKILL) ? strerrorname_np(errno) : "done");
  for (int pid = 1; pid < 40000; ++pid)
    if (pid != getpid() && kill(pid, 0) == 0) printf("alive %d\n", pid);
  printf("kill 1: %s\n", kill(1, SIGKILL) ? strerrorname_np(errno) : "sent");
  return 0;
}

// Writes to every mount and to what is fixed in /etc; prints where it could.
static int write_everywhere(void) {
  static char const* const kPlaces[] = {
      "/",         "/bin",         "/dev", "/dev/shm",         "/etc",     "/opt",
      "/proc",     "/tmp",         "/usr", "/usr/bin",         "/usr/lib", "/var",
      "/var/task", "/var/runtime", "/lib", "/etc/alternatives"};
  for (size_t i = 0; i < sizeof kPlaces / sizeof *kPlaces; ++i) {
    char path[128];
    snprintf(path, sizeof path, "%s/probe", kPlaces[i]);
    int const fd = open(path, O_CREAT | O_WRONLY, 0600);
    if (fd >= 0) printf("wrote %s\n", kPlaces[i]);
    if (fd >= 0) unlink(path);
  }
  if (chmod("/dev/null", 0600) == 0) puts("changed /dev/null");
  if (open("/etc/passwd", O_WRONLY) >= 0) puts("opened /etc/passwd");
  if (open("/var/task/victim", O_WRONLY) >= 0) puts("opened the code");
  return 0;
}

// Answers what comes in on descriptor 3, and says which others are open.
static int channel(void) {
  char text[64];
  ssize_t const n = recv(3, text, sizeof text, 0);
  if (n < 0) printf("channel: %s\n", strerrorname_np(errno));
  if (n >= 0 && send(3, text, (size_t)n, MSG_NOSIGNAL) == n) puts("channel: answered");
  for (int fd = 3; fd < 1024; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) printf("open %d flags %d\n", fd, fcntl(fd, F_GETFD));
  return 0;
}

static int ready(void) {
  puts("ready");
  return fflush(stdout);
}

// Until nobody reads its output any more.
static int hold(void) {
  struct pollfd p = {.fd = 1};
  puts("== end");
  fflush(stdout);
  return poll(&p, 1, -1) != 1;
}

// Nothing but SIGKILL ends it, nor its daemons.
static _Noreturn void stubborn(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  for (int i = 0; i < 3; ++i)
    if (fork() == 0) {
      setsid();
      if (fork() == 0 && i == 0) raise(SIGSTOP);
      for (;;) pause();
    }
  ready();
  for (;;) pause();
}

// Answers and leaves daemons behind.
static int leave_daemons(void) {
  for (int i = 0; i < 5; ++i)
    if (fork() == 0) {
      setsid();
      if (fork() == 0) close(0), close(1), close(2);
      for (;;) pause();
    }
  return 0;
}

static void on_term(int s) {
  (void)s;
  static char const text[] = "terminated politely\n";
  _exit(write(1, text, sizeof text - 1) < 0 ? 1 : 7);
}
static _Noreturn void polite(void) {
  signal(SIGTERM, on_term);
  ready();
  for (;;) pause();
}

// Orphans that end at once: pid 1 has to bury them.
static int zombies(void) {
  for (int i = 0; i < 500; ++i) {
    pid_t const child = fork();
    if (child == 0) {
      if (fork() == 0) _exit(0);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  int left = 0;
  for (int tries = 0; tries < 100; ++tries) {
    left = 0;
    DIR* d = opendir("/proc");
    for (struct dirent* e; (e = readdir(d));)
      if (e->d_name[0] >= '0' && e->d_name[0] <= '9') ++left;
    closedir(d);
    if (left <= 1) break;
    usleep(10000);
  }
  return printf("processes %d\n", left) < 0;
}

int attempt(int argc, char** argv) {
  char const* const what = argc > 1 ? argv[1] : "hello";
  if (!strcmp(what, "hello")) return puts("hello") < 0;
  if (!strcmp(what, "exit")) return atoi(argv[2]);
  if (!strcmp(what, "signal")) return raise(atoi(argv[2]));
  if (!strcmp(what, "environment")) return say_environment(argc, argv);
  if (!strcmp(what, "talk")) return talk() != 0;
  if (!strcmp(what, "steal-port")) return steal_port();
  if (!strcmp(what, "reach")) return reach(argv);
  if (!strcmp(what, "see")) return see(argc, argv);
  if (!strcmp(what, "channel")) return channel();
  if (!strcmp(what, "pids")) return list_pids();
  if (!strcmp(what, "write-everywhere")) return write_everywhere();
  if (!strcmp(what, "stubborn")) stubborn();
  if (!strcmp(what, "daemons")) return leave_daemons();
  if (!strcmp(what, "polite")) polite();
  if (!strcmp(what, "zombies")) return zombies();
  if (!strcmp(what, "posture")) return posture(stdout, argv), 0;
  if (!strcmp(what, "posture-hold")) return posture(stdout, argv), hold();
  if (!strcmp(what, "inherited")) return inherited();
  if (!strcmp(what, "attempts")) return attempts();
  if (!strcmp(what, "doors")) return doors();
  if (!strcmp(what, "core-limit")) return core_limit();
  if (!strcmp(what, "calls")) return calls(argv[2]);
  if (!strcmp(what, "fork-bomb")) return fork_bomb();
  if (!strcmp(what, "thread-bomb")) return thread_bomb();
  if (!strcmp(what, "memory")) return memory_bomb(argv[2]);
  if (!strcmp(what, "fill-tmp")) return fill_tmp();
  if (!strcmp(what, "map-tmp")) return map_tmp();
  if (!strcmp(what, "sleep")) return ready(), pause();
  if (!strcmp(what, "spin"))
    for (;;) {
    }
  fprintf(stderr, "victim: what is \"%s\"?\n", what);
  return 64;
}
