// What a jailed process and each of its threads is and sees, read from /proc and the root itself.
// Literal: what belongs to the machine is told apart by the test (tests/posture/normal.cpp).
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "victim.h"

extern char** environ;
static FILE* out;  // nftw carries nothing of ours

// The lines of a file that begin with one of the words.
static void say_lines(char const* path, char const* const* words) {
  char line[4096];
  FILE* f = fopen(path, "re");
  if (!f) fprintf(out, "%s: %s\n", path, strerrorname_np(errno));
  while (f && fgets(line, sizeof line, f))
    for (char const* const* w = words; *w; ++w)
      if (!strncmp(line, *w, strlen(*w))) fputs(line, out);
  if (f) fclose(f);
}

static void say_file(char const* path) {
  fprintf(out, "-- %s\n", path);
  say_lines(path, (char const* const[]){"", NULL});
}

static void say_processors(pid_t thread) {
  cpu_set_t set[16];  // for more of them than a machine has
  CPU_ZERO_S(sizeof set, set);
  if (sched_getaffinity(thread, sizeof set, set) != 0) perror("sched_getaffinity");
  fprintf(out, "processors %d\n", CPU_COUNT_S(sizeof set, set));
}

// The one line of a file, after a word.
static void say_line(char const* word, char const* path) {
  char line[4096] = "";
  FILE* f = fopen(path, "re");
  if (f && !fgets(line, sizeof line, f)) line[0] = '\0';
  line[strcspn(line, "\n")] = '\0';
  fprintf(out, "%s %s\n", word, f ? line : strerrorname_np(errno));
  if (f) fclose(f);
}

static char const* kind_of(mode_t mode) {
  return S_ISDIR(mode)    ? "directory"
         : S_ISREG(mode)  ? "file"
         : S_ISLNK(mode)  ? "link"
         : S_ISCHR(mode)  ? "character"
         : S_ISBLK(mode)  ? "block"
         : S_ISFIFO(mode) ? "pipe"
         : S_ISSOCK(mode) ? "socket"
                          : "?";
}

static void read_link(char const* path, char* target, size_t size) {
  ssize_t const n = readlink(path, target, size - 1);
  target[n > 0 ? n : 0] = '\0';
}

// --- one thread

static void say_fd(char const* thread, char const* number) {
  char path[400], line[256], target[256];
  unsigned flags = 0;
  struct stat s;
  snprintf(path, sizeof path, "%s/fdinfo/%s", thread, number);
  FILE* f = fopen(path, "re");
  while (f && fgets(line, sizeof line, f)) sscanf(line, "flags: %o", &flags);
  if (f) fclose(f);
  snprintf(path, sizeof path, "%s/fd/%s", thread, number);
  read_link(path, target, sizeof target);
  if (stat(path, &s) != 0) s.st_mode = 0;
  static char const* const kAccess[] = {"read", "write", "both", "path"};
  fprintf(out, "fd %s %s %s %s%s\n", number, kind_of(s.st_mode),
          kAccess[flags & O_PATH ? 3 : flags & O_ACCMODE], target[0] == '/' ? target : "(no path)",
          flags & O_CLOEXEC ? " cloexec" : "");
}

static void say_fds(char const* thread) {
  char path[400];
  snprintf(path, sizeof path, "%s/fd", thread);
  DIR* d = opendir(path);
  if (!d) fprintf(out, "fd %s\n", strerrorname_np(errno));
  for (struct dirent* e; d && (e = readdir(d));)
    if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d)) say_fd(thread, e->d_name);
  if (d) closedir(d);
}

// What a session, a terminal and the scheduler know of it, from the fields after the name.
static void say_stat(char const* thread) {
  char path[400], line[2048] = "";
  snprintf(path, sizeof path, "%s/stat", thread);
  FILE* f = fopen(path, "re");
  if (f && !fgets(line, sizeof line, f)) line[0] = '\0';
  if (f) fclose(f);
  char const* fields[64] = {0};
  int n = 3;  // as proc(5) counts them: the state is the third
  char* rest = strrchr(line, ')');
  for (char* word = rest ? strtok(rest + 1, " \n") : NULL; word && n < 60;
       word = strtok(NULL, " \n"))
    fields[n++] = word;
  if (n < 42) return (void)fprintf(out, "stat: %d fields\n", n);
  fprintf(out, "group %s session %s terminal %s foreground %s\n", fields[5], fields[6], fields[7],
          fields[8]);
  fprintf(out, "nice %s\nscheduler %s real-time %s\n", fields[19], fields[41], fields[40]);
}

static void say_namespaces(char const* thread) {
  char path[400], id[64];
  snprintf(path, sizeof path, "%s/ns", thread);
  DIR* d = opendir(path);
  for (struct dirent* e; d && (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/ns/%s", thread, e->d_name);
    read_link(path, id, sizeof id);
    fprintf(out, "namespace %s %s\n", e->d_name, id);
  }
  if (d) closedir(d);
}

static void say_place(char const* thread, char const* name) {
  char path[400], target[256];
  snprintf(path, sizeof path, "%s/%s", thread, name);
  read_link(path, target, sizeof target);
  fprintf(out, "%s %s\n", name, target);
}

static void say_thread(char const* id) {
  char thread[64], path[128];
  snprintf(thread, sizeof thread, "/proc/self/task/%s", id);
  fprintf(out, "== thread %s\n", id);
  snprintf(path, sizeof path, "%s/status", thread);
  say_lines(path, (char const* const[]){
                      "Umask:",  "Tgid:",   "Pid:",        "PPid:",    "TracerPid:",
                      "Uid:",    "Gid:",    "Groups:",     "NStgid:",  "NSpid:",
                      "NSpgid:", "NSsid:",  "SigPnd:",     "ShdPnd:",  "SigBlk:",
                      "SigIgn:", "SigCgt:", "CapInh:",     "CapPrm:",  "CapEff:",
                      "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:",
                      NULL});
  say_stat(thread);
  say_processors(atoi(id));
  snprintf(path, sizeof path, "%s/personality", thread);
  say_line("personality", path);
  say_place(thread, "cwd");
  say_place(thread, "root");
  snprintf(path, sizeof path, "%s/cgroup", thread);
  say_lines(path, (char const* const[]){"", NULL});
  say_namespaces(thread);
  say_fds(thread);
}

static void say_threads(void) {
  struct dirent** threads;
  int const count = scandir("/proc/self/task", &threads, NULL, versionsort);
  for (int i = 0; i < count; ++i)
    if (threads[i]->d_name[0] != '.') say_thread(threads[i]->d_name);
}

// --- the process

static void say_timers(void) {
  static char const* const kNames[] = {"real", "virtual", "profiling"};
  for (int which = 0; which < 3; ++which) {
    struct itimerval t = {0};
    int const failed = getitimer(which, &t);
    fprintf(out, "timer %s %s\n", kNames[which],
            failed                                    ? strerrorname_np(errno)
            : t.it_value.tv_sec || t.it_value.tv_usec ? "runs"
                                                      : "none");
  }
}

static void say_owner(char const* path) {
  struct stat s;
  if (stat(path, &s) == 0) fprintf(out, "owner %s %u:%u\n", path, s.st_uid, s.st_gid);
}

static void say_process(char** argv) {
  struct utsname names;
  uname(&names);
  fprintf(out, "host %s domain %s\n", names.nodename, names.domainname);
  for (char** a = argv; *a; ++a) fprintf(out, "argument %s\n", *a);
  for (char** e = environ; *e; ++e) fprintf(out, "environment %s\n", *e);
  say_line("oom_score_adj", "/proc/self/oom_score_adj");
  int death_signal = -1;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  fprintf(out, "dumpable %d death-signal %d timer-slack %d secure-exec %lu\n",
          prctl(PR_GET_DUMPABLE), death_signal, prctl(PR_GET_TIMERSLACK), getauxval(AT_SECURE));
  say_owner("/proc/self");
  say_owner("/proc/self/fd");
  say_timers();
}

// --- files

// Where a file can be made, or the mode of one changed.
static void try_write(char const* path, mode_t mode) {
  char probe[300];
  snprintf(probe, sizeof probe, "%s/.posture", path);
  int const fd = S_ISDIR(mode) ? open(probe, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) : -1;
  int const done = S_ISDIR(mode) ? fd >= 0 : chmod(path, mode & 07777) == 0;
  fprintf(out, "write %s %s\n", path, done ? "done" : strerrorname_np(errno));
  if (fd >= 0) close(fd), unlink(probe);
}

static void say_mounts(void) {
  char line[4096], point[256];
  FILE* f = fopen("/proc/self/mountinfo", "re");
  while (f && fgets(line, sizeof line, f)) {
    struct stat s;
    fprintf(out, "mount %s", line);
    if (sscanf(line, "%*s %*s %*s %*s %255s", point) == 1 && lstat(point, &s) == 0)
      try_write(point, s.st_mode);
  }
  if (f) fclose(f);
}

static int say_entry(char const* path, struct stat const* s, int type, struct FTW* where) {
  (void)type, (void)where;
  char target[256];
  fprintf(out, "%s %04o %u:%u %s", kind_of(s->st_mode), s->st_mode & 07777, s->st_uid, s->st_gid,
          path);
  if (S_ISLNK(s->st_mode)) {
    read_link(path, target, sizeof target);
    fprintf(out, " -> %s", target);
  }
  fputc('\n', out);
  if (S_ISDIR(s->st_mode)) try_write(path, s->st_mode);
  // What these hold is the host's, or is looked at by itself.
  return !strcmp(path, "/usr") || !strcmp(path, "/proc") || !strcmp(path, "/etc/alternatives")
             ? FTW_SKIP_SUBTREE
             : FTW_CONTINUE;
}

static void say_names(char const* word, char const* path) {
  struct dirent** names;
  int const count = scandir(path, &names, NULL, versionsort);
  for (int i = 0; i < count; ++i)
    if (names[i]->d_name[0] != '.') fprintf(out, "%s %s\n", word, names[i]->d_name);
}

void posture(FILE* to, char** argv) {
  out = to;
  fputs("== process\n", out);
  say_process(argv);
  say_threads();
  fputs("== limits\n", out);
  say_lines("/proc/self/limits", (char const* const[]){"Max ", NULL});
  fputs("== mounts\n", out);
  say_mounts();
  fputs("== tree\n", out);
  nftw("/", say_entry, 32, FTW_PHYS | FTW_ACTIONRETVAL);
  say_names("usr", "/usr");
  say_names("proc", "/proc");
  fputs("== etc\n", out);
  say_file("/etc/passwd");
  say_file("/etc/group");
  say_file("/etc/hosts");
  say_file("/etc/nsswitch.conf");
  say_file("/etc/resolv.conf");
}
