// as_user UID [--cgroup] PROGRAM ARG...: runs PROGRAM as an ordinary user without rights, so that
// what needs none is tested as such. With --cgroup the user is given a cgroup2 directory first,
// named in FAAS_TEST_CGROUP_ROOT, with PROGRAM in a leaf beside the jails; it is removed at the
// end. Does what it says for root; for anybody else it just runs PROGRAM.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[256], leaf[300];

static int fail(char const* what) {
  fprintf(stderr, "as_user: %s: %s\n", what, strerror(errno));
  exit(125);
}

static void own(char const* directory, char const* file, uid_t uid) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  if (chown(path, uid, uid) != 0) fail(path);
}

static void enter_cgroup(uid_t uid) {
  char line[4096], point[256] = "";
  FILE* f = fopen("/proc/self/mountinfo", "r");
  while (f && fgets(line, sizeof line, f))
    if (strstr(line, " - cgroup2 ")) sscanf(line, "%*s %*s %*s %*s %255s", point);
  if (f) fclose(f);
  if (!*point) fail("no cgroup2 is mounted");
  snprintf(root, sizeof root, "%s/faas-delegated-%d", point, getpid());
  snprintf(leaf, sizeof leaf, "%s/host", root);
  if (mkdir(root, 0755) != 0) fail(root);
  if (mkdir(leaf, 0755) != 0) fail(leaf);
  char const* const directories[] = {root, leaf};
  for (int i = 0; i < 2; ++i) {
    own(directories[i], ".", uid);
    own(directories[i], "cgroup.procs", uid);
    own(directories[i], "cgroup.subtree_control", uid);
  }
  setenv("FAAS_TEST_CGROUP_ROOT", root, 1);
}

static void join_leaf(void) {
  char path[400];
  snprintf(path, sizeof path, "%s/cgroup.procs", leaf);
  int const fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, "0", 1) != 1) fail(path);
  close(fd);
}

int main(int argc, char** argv) {
  int at = 2;
  if (argc < 3) return fprintf(stderr, "as_user UID [--cgroup] PROGRAM ARG...\n"), 125;
  uid_t const uid = (uid_t)atoi(argv[1]);
  int const with_cgroup = !strcmp(argv[at], "--cgroup");
  at += with_cgroup;
  if (geteuid() != 0) return execv(argv[at], argv + at), fail(argv[at]);
  if (with_cgroup) enter_cgroup(uid);
  pid_t const child = fork();
  if (child == 0) {
    if (with_cgroup) join_leaf();
    if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
      fail("setresuid");
    execv(argv[at], argv + at);
    fail(argv[at]);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (with_cgroup && (rmdir(leaf) != 0 || rmdir(root) != 0))
    fail("the program left its cgroup in use");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
