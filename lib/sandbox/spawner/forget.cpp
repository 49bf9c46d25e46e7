// Nothing of the host's process is left: no handler, no terminal, no groups, no keys.
#include <errno.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/spawner/spawner.hpp"

namespace spawner {

void must(bool done) {
  if (!done) _exit(2);  // its library is told by the end of the socket
}

namespace {

void widen(__rlimit_resource resource, bool without_end) {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (without_end && setrlimit(resource, &limit) == 0) return;  // takes root's rights
  must(getrlimit(resource, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  must(setrlimit(resource, &limit) == 0);
}

}  // namespace

void forget_host() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s)
    must(sigaction(s, &standard, nullptr) == 0 || errno == EINVAL);  // SIGKILL, glibc's own
  sigset_t all;
  sigfillset(&all);
  must(sigprocmask(SIG_SETMASK, &all, nullptr) == 0);
  must(setsid() >= 0);
  must(chdir("/") == 0);
  umask(0);
  setgroups(0, nullptr);  // fails without the right to; then the jail keeps the user's own
  // No such call: no keys to keep from anybody. EPERM: so says a filter around the host, and the
  // jail's own filter says it, too.
  must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0 || errno == ENOSYS ||
       errno == EPERM);
  widen(RLIMIT_NOFILE, false);
  // A user namespace counts these for its maker, too: what all jails have together stays below our
  // limit. Each has its own (A12).
  widen(RLIMIT_NPROC, false);
  widen(RLIMIT_SIGPENDING, true);
  // Root's: to take another id for a moment takes no capability away. For others it fails.
  prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
  must(prctl(PR_SET_NAME, "faas-spawner") == 0);
}

}  // namespace spawner
