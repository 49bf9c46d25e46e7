// What becomes of jails when their spawner, their sandbox or their whole host process ends; and
// what of all that a host process notices.
#include <dirent.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "jails.hpp"
#include "own_cgroups.hpp"
#include "sys/process.hpp"
#include "sys/text_file.hpp"

using namespace faas;
using namespace faas::test;

namespace {

int open_files() {
  int count = 0;
  for ([[maybe_unused]] auto const& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

bool has_cgroup(std::string const& name) {
  auto const root = cgroup_root();
  return !root.empty() && std::filesystem::exists(root + "/" + name);
}

// Gone, or a zombie that only its parent can bury.
bool is_dead(pid_t pid) {
  auto const status = sys::read_text("/proc/" + std::to_string(pid) + "/stat");
  return !status || status->find(") Z ") != std::string::npos;
}

bool dies(pid_t pid) {
  for (int i = 0; i < 200 && !is_dead(pid); ++i) ::usleep(10'000);
  return is_dead(pid);
}

}  // namespace

TEST_CASE("a spawner killed under its jails loses them all, and the next submit has another") {
  Jails jails;
  auto one = jails.start(Jails::victim({"stubborn"}));
  auto two = jails.start(Jails::victim({"sleep"}));
  Jails::read(one, 6);
  int const spawner = jails.sandbox().spawner_pid();
  ::kill(spawner, SIGKILL);
  std::set<Ticket> lost;
  while (lost.size() < 2) {
    pollfd p{jails.sandbox().native_handle(), POLLIN, 0};
    REQUIRE(::poll(&p, 1, 10'000) == 1);
    while (auto event = jails.sandbox().poll()) {
      auto const* exited = std::get_if<Exited>(&*event);
      REQUIRE(exited);
      CHECK(exited->lost);
      CHECK_FALSE(exited->code.has_value());
      CHECK_FALSE(exited->signal.has_value());
      lost.insert(exited->ticket);
    }
  }
  CHECK(lost == std::set<Ticket>{one.ticket, two.ticket});
  CHECK(dies(one.started.pid));
  CHECK(dies(two.started.pid));
  CHECK(Jails::read(one).empty());
  CHECK(jails.attempt({"hello"}).output == "hello\n");
  CHECK(jails.sandbox().spawner_pid() != spawner);
}

TEST_CASE("a spawner killed while it starts a jail loses that, too") {
  Jails jails;
  auto const ticket = jails.sandbox().submit(Jails::victim({"sleep"})).value();
  ::kill(jails.sandbox().spawner_pid(), SIGKILL);
  auto event = jails.next(ticket);
  REQUIRE(event.has_value());
  if (std::holds_alternative<Started>(*event)) event = jails.next(ticket);
  REQUIRE(event.has_value());
  REQUIRE(std::holds_alternative<Exited>(*event));
  CHECK(std::get<Exited>(*event).lost);
}

TEST_CASE("destroying a sandbox ends its jails and leaves nothing") {
  auto options = jail_options();
  options.runtime_id = "destroyed" + std::to_string(::getpid());
  int const files = open_files();
  pid_t pid, spawner;
  {
    Jails jails(options);
    CHECK(has_cgroup("faas-" + options.runtime_id) == !cgroup_root().empty());
    auto running = jails.start(Jails::victim({"stubborn"}));
    Jails::read(running, 6);
    pid = running.started.pid;
    spawner = jails.sandbox().spawner_pid();
  }
  CHECK(is_dead(pid));
  CHECK(is_dead(spawner));
  CHECK(open_files() == files);
  CHECK_FALSE(has_cgroup("faas-" + options.runtime_id));
}

TEST_CASE("two hundred jails leave no descriptor, cgroup or process") {
  Jails jails;
  auto const start_and_end = [&] {
    auto spec = Jails::victim({"hello"});
    spec.listener = true;
    auto running = jails.start(spec);
    sys::Fd listener(running.started.listener);
    CHECK(jails.end(running).code == 0);
  };
  start_and_end();
  jails.settle();
  auto const spawner = std::to_string(jails.sandbox().spawner_pid());
  auto const held = [&] {
    std::ptrdiff_t count = 0;
    if (DIR* d = ::opendir(("/proc/" + spawner + "/fd").c_str())) {
      while (::readdir(d)) ++count;
      ::closedir(d);
    }
    return count;
  };
  auto const files = open_files();
  auto const spawner_files = held();
  auto const children = [&] {
    auto const text = sys::read_text("/proc/" + spawner + "/task/" + spawner + "/children");
    return text ? std::count(text->begin(), text->end(), ' ') : 0;
  };
  auto const waiting = children();  // for their programs; none unless asked for
  for (int i = 0; i < 200; ++i) start_and_end();
  jails.settle();
  CHECK(open_files() == files);
  CHECK(held() == spawner_files);
  CHECK(children() == waiting);
}

TEST_CASE("failed starts leave as little") {
  Jails jails;
  auto first = Jails::victim({"sleep"});  // of the same kind, should jails wait for their program
  first.listener = true;
  auto const running = jails.start(first);
  ::close(running.started.listener);
  jails.sandbox().kill(running.ticket);
  jails.end(running);
  jails.settle();
  auto const files = open_files();
  for (int i = 0; i < 30; ++i) {
    auto spec = Jails::victim({"hello"});
    spec.listener = true;
    (i % 2 ? spec.argv[0] : spec.task) = "/nowhere-at-all";
    CHECK(jails.run(spec).failed.has_value());
  }
  jails.settle();
  CHECK(open_files() == files);
}

TEST_CASE("a host process that is killed takes its spawner and its jails along") {
  auto options = jail_options();
  options.runtime_id = "killed" + std::to_string(::getpid());
  auto [ours, theirs] = Jails::pipe();
  pid_t const host = ::fork();
  REQUIRE(host >= 0);
  if (host == 0) {
    Jails jails(options);
    auto running = jails.start(Jails::victim({"stubborn"}));
    pid_t const pids[] = {running.started.pid, jails.sandbox().spawner_pid()};
    if (::write(theirs.get(), pids, sizeof pids) != sizeof pids) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t pids[2];
  REQUIRE(::read(ours.get(), pids, sizeof pids) == sizeof pids);
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  CHECK(dies(pids[0]));
  CHECK(dies(pids[1]));
}

// Suites say whose test it is where not everybody can run it: CMakeLists.txt runs each with those
// rights. This one needs a cgroup to write to.
TEST_CASE("a runtime id is one living sandbox's" * doctest::test_suite("cgroup")) {
  auto options = jail_options();
  options.runtime_id = "twice" + std::to_string(::getpid());
  Jails first(options);
  auto running = first.start(Jails::victim({"sleep"}));
  auto const second = Sandbox::open(options);
  REQUIRE(second.has_error());
  CHECK(second.error().code == Errc::conflict);
  CHECK(second.error().message.find(options.runtime_id) != std::string::npos);
  CHECK_FALSE(is_dead(running.started.pid));  // and it has not cleared away the first one's
}

TEST_CASE("two sandboxes live in one process, with host ids of their own") {
  Jails one, two;
  auto a = one.start(Jails::victim({"sleep"}));
  auto b = two.start(Jails::victim({"sleep"}));
  auto const map = [](pid_t pid) {
    return sys::read_text("/proc/" + std::to_string(pid) + "/uid_map").value();
  };
  if (one.sandbox().privilege() == Privilege::root)
    CHECK(map(a.started.pid) != map(b.started.pid));
  else
    CHECK(map(a.started.pid) == map(b.started.pid));
}

namespace {

volatile std::sig_atomic_t children_seen = 0;
void count_child(int) { children_seen = children_seen + 1; }

}  // namespace

TEST_CASE("a host with threads, children and a SIGCHLD handler of its own notices nothing") {
  struct sigaction mine {
  }, before{};
  mine.sa_handler = count_child;
  ::sigaction(SIGCHLD, &mine, &before);
  sigset_t mask_before, mask_after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) {
      std::string grows(4096, 'x');
      std::this_thread::yield();
    }
  });
  {
    Jails jails;
    for (int i = 0; i < 5; ++i) CHECK(jails.attempt({"hello"}).exited->code == 0);
    errno = 0;
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child to wait for
    CHECK(errno == ECHILD);
    int const spawner = jails.sandbox().spawner_pid();
    ::kill(spawner, SIGKILL);
    CHECK(dies(spawner));
    // Nobody has polled since: the submit finds out by itself.
    CHECK_FALSE(jails.attempt({"hello"}).exited->lost);
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(static_cast<int>(children_seen) == 0);
  struct sigaction after {};
  ::sigaction(SIGCHLD, &before, &after);
  CHECK((after.sa_handler == count_child));
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
  for (int s = 1; s < NSIG; ++s) CHECK(sigismember(&mask_before, s) == sigismember(&mask_after, s));
  stop = true;
  busy.join();
}

TEST_CASE("the thread that opened a sandbox may end before it") {
  std::optional<Jails> jails;
  std::optional<Jails::Running> running;
  std::thread opener([&] {
    jails.emplace();
    running = jails->start(Jails::victim({"polite"}));
  });
  opener.join();
  CHECK(Jails::read(*running, 6) == "ready\n");
  jails->sandbox().terminate(running->ticket);
  CHECK(jails->end(*running).code == 7);
}

TEST_CASE("one poll for each time the handle is readable finds every event") {
  Jails jails;
  std::vector<Jails::Running> running;
  std::set<Ticket> live;
  for (int i = 0; i < 3; ++i) {
    running.push_back(jails.start(Jails::victim({"sleep"})));
    live.insert(running.back().ticket);
  }
  ::kill(jails.sandbox().spawner_pid(), SIGKILL);  // three events at once, from one end of stream
  while (!live.empty()) {
    pollfd p{jails.sandbox().native_handle(), POLLIN, 0};
    REQUIRE(::poll(&p, 1, 10'000) == 1);
    if (auto event = jails.sandbox().poll()) live.erase(std::get<Exited>(*event).ticket);
  }
}
