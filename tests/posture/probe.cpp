// posture_probe: a host as careless as can be, and what a function of its sees of itself in its
// first call, in its tenth, and with a thread. Prints "#### rights NAME", then "#### CALL" before
// each. A program of its own because it spoils the process it runs in.
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdlib>
#include <faas/faas.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "posture/normal.hpp"

namespace {

namespace asio = boost::asio;

void lower_soft(__rlimit_resource which, rlim_t value) {
  rlimit limit{};
  ::getrlimit(which, &limit);
  limit.rlim_cur = std::min(value, limit.rlim_max);
  ::setrlimit(which, &limit);
}

// Capabilities that an exec would hand on (CVE-2022-29162), and groups.
void spoil_rights() {
  gid_t const groups[] = {4, 27};
  if (::setgroups(2, groups) != 0) return;  // an ordinary user
  cap_t const all = ::cap_get_proc();
  for (cap_value_t c = 0; c <= CAP_LAST_CAP; ++c) {
    cap_flag_value_t permitted;
    if (::cap_get_flag(all, c, CAP_PERMITTED, &permitted) != 0 || permitted != CAP_SET) continue;
    ::cap_set_flag(all, CAP_INHERITABLE, 1, &c, CAP_SET);
  }
  ::cap_set_proc(all);
  ::cap_free(all);
  for (unsigned long c = 0; c <= CAP_LAST_CAP; ++c)
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
}

// D1, D16, D17: nothing of this may reach a function.
void spoil_process() {
  ::umask(0);
  for (int const s : {SIGHUP, SIGUSR1, SIGPIPE}) std::signal(s, SIG_IGN);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (int const s : {SIGUSR2, SIGTERM, SIGCHLD}) ::sigaddset(&blocked, s);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  ::dup2(::open("/", O_RDONLY | O_DIRECTORY), 50);
  ::dup2(::open("/etc/passwd", O_RDONLY), 51);
  ::dup2(::socket(AF_UNIX, SOCK_STREAM, 0), 52);
  for (auto const* name : {"AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "HOME", "PWD", "FAAS_CANARY"})
    ::setenv(name, "the host's", 1);
  itimerval const hour{{3600, 0}, {3600, 0}};
  for (auto const timer : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF})
    ::setitimer(timer, &hour, nullptr);
  cpu_set_t first;
  ::sched_getaffinity(0, sizeof first, &first);
  for (int cpu = 0, kept = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &first) && kept++ > 0) CPU_CLR(cpu, &first);
  ::sched_setaffinity(0, sizeof first, &first);
  ::prctl(PR_SET_TIMERSLACK, 1'000'000);
  ::personality(ADDR_NO_RANDOMIZE);
  ::setpriority(PRIO_PROCESS, 0, std::max(5, ::getpriority(PRIO_PROCESS, 0)));
  std::ofstream("/proc/self/oom_score_adj") << 300;
  lower_soft(RLIMIT_CORE, 0);
  lower_soft(RLIMIT_STACK, 4 << 20);
  lower_soft(RLIMIT_MEMLOCK, 0);
  lower_soft(RLIMIT_FSIZE, 1ull << 40);
  lower_soft(RLIMIT_CPU, 3600);
  lower_soft(RLIMIT_SIGPENDING, 100);
}

// RLIMIT_DATA is the function's memory unless its cgroup counts that.
std::string data_limit(std::string const& runtime_id, faas::Bytes memory) {
  namespace fs = std::filesystem;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string source, point, type, rest;
       mounts >> source >> point >> type && std::getline(mounts, rest);) {
    if (type != "cgroup2") continue;
    constexpr auto kSkip = fs::directory_options::skip_permission_denied;
    for (auto const& entry : fs::recursive_directory_iterator(point, kSkip)) {
      if (entry.path().filename() != "faas-" + runtime_id) continue;
      std::ifstream controllers(entry.path() / "cgroup.subtree_control");
      for (std::string name; controllers >> name;)
        if (name == "memory") return "unlimited unlimited";
    }
  }
  auto const bytes = std::to_string(memory.count);
  return bytes + " " + bytes;
}

asio::awaitable<std::string> call(faas::Runtime runtime, std::string payload) {
  auto const result = co_await runtime.invoke("posture", std::move(payload));
  auto const& outcome = result.value();
  if (outcome.status != faas::Status::ok) throw std::runtime_error(outcome.payload);
  co_return outcome.payload;
}

asio::awaitable<void> probe(faas::Runtime runtime, faas::test::HostView host) {
  auto const status = co_await runtime.status();
  auto const package = co_await runtime.store(std::string(FAAS_POSTURE_TASK));
  faas::Function function;
  function.name = "posture";
  function.runtime = "provided.al2023";
  function.handler = "bootstrap";
  function.code = package.value().digest;
  function.limits.timeout = std::chrono::seconds(30);
  function.environment["ONLY"] = "this";
  auto const deployed = co_await runtime.deploy(std::move(function));
  deployed.value();

  host.data_limit = data_limit(status.runtime_id, faas::Limits().memory);
  auto const say = [&](std::string_view title, std::string const& report) {
    std::cout << "#### " << title << "\n";
    for (auto const& line : faas::test::normalise(report, host)) std::cout << line << "\n";
  };
  std::cout << "#### rights " << faas::to_string(status.privilege) << "\n";
  say("cold", co_await call(runtime, "{}"));
  for (int calls = 2; calls < 10; ++calls) co_await call(runtime, "{}");
  say("tenth", co_await call(runtime, "{}"));
  say("thread", co_await call(runtime, "\"thread\""));
  auto const instances = co_await runtime.instances();
  if (instances.size() != 1 || instances[0].calls != 11)
    throw std::runtime_error("the calls were not all of one instance");
  co_await runtime.close();
}

}  // namespace

int main() try {
  auto host = faas::test::HostView::now();
  spoil_process();
  spoil_rights();
  host.nice = ::getpriority(PRIO_PROCESS, 0);
  asio::io_context io;
  faas::Options options;
  options.allow_degraded = true;
  options.scheduler.max_instances = 4;  // whatever RLIMIT_NOFILE is
  if (char const* root = std::getenv("FAAS_TEST_CGROUP_ROOT")) options.cgroup_root = root;
  auto runtime = faas::Runtime::open(io.get_executor(), options).value();
  std::exception_ptr failed;
  asio::co_spawn(io, probe(runtime, host), [&](std::exception_ptr e) { failed = e; });
  io.run();
  if (failed) std::rethrow_exception(failed);
  return 0;
} catch (std::exception const& e) {
  std::cerr << "posture_probe: " << e.what() << "\n";
  return 1;
}
