// Attacks by processes, threads, signals, limits and programs.
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <csignal>

#include "attacker.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// A process of the host with this test's own ids: whoever could signal it from a jail would have.
class Canary {
 public:
  Canary() : pid_(::fork()) {
    if (pid_ == 0)
      for (;;) ::pause();
  }
  ~Canary() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Canary(Canary const&) = delete;

  bool lives() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  pid_t pid_;
};

std::string run_on_host(std::string const& verb) {
  std::string said;
  FILE* f = ::popen((std::string(FAAS_VICTIMS) + "/attacker " + verb).c_str(), "r");
  char buffer[256];
  while (f && ::fgets(buffer, sizeof buffer, f)) said += buffer;
  if (f) ::pclose(f);
  return said;
}

constexpr char const* kHeld = "ids 1000 1000 1000 powerless 1 filtered 1\n";

}  // namespace

TEST_CASE("ten thousand orphans are buried by pid 1 of their jail") {  // A5
  Jails jails;
  CHECK(jails.run(attacker({"orphans"})).output == "processes 1\n");
}

TEST_CASE("a function signals every pid there can be, and none of the host's is hit") {  // A8
  Jails jails;
  Canary canary;
  auto const story = jails.run(attacker({"kill-everybody"}));
  // pid 1 of the jail may be sent a signal; it takes none from its own namespace.
  CHECK(story.output == "kill all done\nchildren killed 3\nsignalled 1\nothers signalled 1\n");
  CHECK(story.exited->code == 0);
  CHECK(canary.lives());
  CHECK(jails.attempt({"hello"}).output == "hello\n");
}

TEST_CASE("a jail full of threads is killed whole") {  // A2
  Jails jails;
  auto spec = attacker({"threads-sleep"});
  spec.processes = 50;
  auto running = jails.start(spec);
  CHECK(Jails::read(running, 11) == "threads 49\n");
  jails.sandbox().kill(running.ticket);
  CHECK(jails.end(running).signal == 9);
  CHECK(Jails::read(running).empty());
  CHECK_FALSE(std::filesystem::exists("/proc/" + std::to_string(running.started.pid)));
}

TEST_CASE("a function gets no better place in any queue of the kernel") {  // A4
  Jails jails;
  auto const story = jails.run(attacker({"scheduling"}));
  for (auto const* what : {"fifo", "round-robin", "setparam", "deadline", "io priority"}) {
    CAPTURE(what);
    CHECK(story.answer(what) == "EPERM");
  }
  CHECK(story.answer("nice") == "EACCES");  // the kernel's own answer: niceness may only rise
  CHECK(story.answer("more CPUs") == "0");
}

TEST_CASE("no limit is raised, and no other process's is moved") {  // C26
  Jails jails;
  auto const story = jails.run(attacker({"limits"}));
  REQUIRE(story.exited->code == 0);
  int raised = 0, refused = 0;
  for (int resource = 0; resource < 16; ++resource) {
    auto const answer = story.answer("raise " + std::to_string(resource));
    CAPTURE(resource);
    CAPTURE(answer);
    CHECK((answer == "EPERM" || answer == "unlimited"));
    refused += answer == "EPERM";
    raised += story.says("raised " + std::to_string(resource));
  }
  CHECK(raised == 0);
  CHECK(refused >= 5);  // core, processes, files, locked memory, message queues
  CHECK(story.answer("limit of a child") == "EPERM");
  CHECK(story.answer("limit of pid 1") == "EPERM");
}

TEST_CASE("each of 64 threads is held as its process is") {  // C30
  Jails jails;
  CHECK(jails.run(attacker({"thread-status"})).output ==
        "threads 65 filtered 65 no-new-privileges 65 powerless 65\n");
}

#ifdef __x86_64__
TEST_CASE("a 32-bit program is ended at its first call") {  // C2
  // Outside a jail the same program runs, unless the kernel has no such programs at all.
  auto const free = run_on_host("run-foreign");
  REQUIRE((free == "32-bit program status 42\n" || free == "32-bit program status 126\n"));
  Jails jails;
  auto const jailed = jails.run(attacker({"run-foreign"})).output;
  CHECK(jailed == (free.find("42") != std::string::npos ? "32-bit program SYS\n" : free));
}
#endif

TEST_CASE("programs run from descriptors and from memory are held like any other") {  // C28
  Jails jails;
  auto const story = jails.run(attacker({"run-from-descriptors"}));
  CAPTURE(story.output);
  CHECK(story.answer("execveat") == "EPERM");
  CHECK(story.output.find(std::string(kHeld) + "descriptor status 0\n") != std::string::npos);
  if (jails.sandbox().degraded())
    CHECK(story.answer("memory") == "ENOSYS");
  else
    CHECK(story.output.find(std::string(kHeld) + "memory run status 0\n") != std::string::npos);
}

TEST_CASE("set-uid programs and file capabilities change nothing") {  // C24
  TempDir package;
  package.write("raise", slurp(std::string(FAAS_VICTIMS) + "/attacker"), true);
  ::chmod(package.path().c_str(), 0755);
  auto const program = package / "raise";
  if (::geteuid() == 0) {  // who is not root can mark no file so
    vfs_cap_data every{};
    every.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
    every.data[0].permitted = every.data[1].permitted = 0xffffffff;
    REQUIRE(::setxattr(program.c_str(), "security.capability", &every, XATTR_CAPS_SZ_2, 0) == 0);
  }
  REQUIRE(::chmod(program.c_str(), 06755) == 0);
  Jails jails;
  auto spec = Jails::victim({});
  spec.task = package.path();
  spec.argv = {"/var/task/raise", "identity"};
  CHECK(jails.run(spec).output == kHeld);
  // And its own copy, which it may mark itself.
  spec = Jails::victim({});
  spec.argv = {"/bin/sh", "-c",
               "cp /var/task/attacker /tmp/mine; chmod 6755 /tmp/mine; /tmp/mine identity"};
  CHECK(jails.run(spec).output == kHeld);
}

TEST_CASE("what a function preloads is loaded into itself alone") {  // C27
  Jails jails;
  auto spec = Jails::victim({});
  spec.argv = {"/bin/sh", "-c", "echo ran"};
  spec.environment = {"LD_PRELOAD=/var/task/evil.so", "LD_AUDIT=/var/task/audit.so",
                      "LD_LIBRARY_PATH=/var/task", "GCONV_PATH=/var/task"};
  auto const story = jails.run(spec);
  // The control: the function's own loader did look for it.
  CHECK(story.output.find("/var/task/evil.so") != std::string::npos);
  CHECK(story.says("ran"));
  auto const spawner = "/proc/" + std::to_string(jails.sandbox().spawner_pid());
  CHECK(slurp(spawner + "/environ").empty());
  if (::geteuid() == 0) {
    auto const maps = slurp(spawner + "/maps");
    CHECK(maps.find("faas-spawner") != std::string::npos);
    CHECK(maps.find(".so") == std::string::npos);
  }
  auto after = Jails::victim({"environment"});
  CHECK(jails.run(after).output.empty());
}

TEST_CASE("addresses differ from jail to jail") {  // D18
  Jails jails;
  auto spec = Jails::victim({});
  spec.argv = {"/bin/cat", "/proc/self/maps"};
  auto const where = [](std::string const& maps, std::string_view what) {
    std::istringstream lines(maps);
    for (std::string line; std::getline(lines, line);)
      if (line.find(what) != std::string::npos) return line.substr(0, line.find('-'));
    return std::string("nowhere");
  };
  auto const one = jails.run(spec).output;
  spec.id += "-again";
  auto const two = jails.run(spec).output;
  for (auto const* what : {"/cat", "[heap]", "/libc", "[stack]", "[vdso]"}) {
    CAPTURE(what);
    CHECK(where(one, what) != "nowhere");
    CHECK(where(one, what) != where(two, what));
  }
}
