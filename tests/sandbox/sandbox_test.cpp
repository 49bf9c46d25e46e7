// A jail started, spoken to, ended; and what it cannot see, reach or change.
#include <faas/sandbox.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>

#include "jails.hpp"
#include "support/temp_dir.hpp"
#include "sys/message.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a program starts, writes and ends") {
  Jails jails;
  auto const story = jails.attempt({"hello"});
  REQUIRE(story.started.has_value());
  CHECK(story.started->pid > 1);
  CHECK(story.started->listener == -1);
  CHECK(story.started->jail > Duration::zero());
  CHECK(story.output == "hello\n");
  REQUIRE(story.exited.has_value());
  CHECK(story.exited->code == 0);
  CHECK_FALSE(story.exited->signal.has_value());
  CHECK_FALSE(story.exited->lost);
  CHECK_FALSE(story.exited->out_of_memory);
}

TEST_CASE("the blocking form is the same program") {
  auto sandbox = Sandbox::open(jail_options()).value();
  CHECK(sandbox.run(Jails::victim({"exit", "3"})).value().code == 3);
  CHECK(sandbox.run(Jails::victim({"signal", "11"})).value().signal == 11);
}

TEST_CASE("exit codes and signals are told apart") {
  Jails jails;
  CHECK(jails.attempt({"exit", "9"}).exited->code == 9);
  auto const killed = *jails.attempt({"signal", "9"}).exited;
  CHECK(killed.signal == 9);
  CHECK_FALSE(killed.code.has_value());
}

TEST_CASE("arguments and environment are exactly those of the wish") {
  Jails jails;
  auto spec = Jails::victim({"environment", "two words", ""});
  spec.environment = {"A=1", "EMPTY=", "PATH=/usr/bin"};
  CHECK(jails.run(spec).output ==
        "argument two words\nargument \nenvironment A=1\nenvironment EMPTY=\nenvironment "
        "PATH=/usr/bin\n");
}

TEST_CASE("a program that is not there is a failed exec, and nothing has run") {
  Jails jails;
  auto spec = Jails::victim({"hello"});
  spec.argv = {"/var/task/nothing"};
  auto const story = jails.run(spec);
  CHECK_FALSE(story.started.has_value());
  REQUIRE(story.failed.has_value());
  CHECK(story.failed->step == "exec");
  CHECK(story.failed->error == ENOENT);
  CHECK(story.output.empty());
  CHECK(jails.attempt({"hello"}).exited->code == 0);
}

TEST_CASE("each thing that cannot be built names its step") {
  Jails jails;
  auto const failed = [&](auto change) {
    auto spec = Jails::victim({"hello"});
    change(spec);
    auto const story = jails.run(spec);
    CHECK_FALSE(story.started.has_value());
    REQUIRE(story.failed.has_value());
    return story.failed->step + " " + strerrorname_np(story.failed->error);
  };
  CHECK(failed([](Spec& s) { s.task = "/nowhere-at-all"; }) == "open-task ENOENT");
  CHECK(failed([](Spec& s) { s.opt = "/nowhere-at-all"; }) == "open-opt ENOENT");
  CHECK(failed([](Spec& s) { s.task = "/etc/passwd"; }) == "mount-task EINVAL");
  CHECK(failed([](Spec& s) { s.working_directory = "/nowhere"; }) == "working-directory ENOENT");
  CHECK(failed([](Spec& s) { s.argv[0] = "/etc/passwd"; }) == "exec EACCES");
}

TEST_CASE("the listener is born in the jail's network and answers it alone") {
  Jails jails;
  auto spec = Jails::victim({"talk"});
  spec.listener = true;
  auto running = jails.start(spec);
  sys::Fd listener(running.started.listener);
  REQUIRE(static_cast<bool>(listener));
  pollfd p{listener.get(), POLLIN, 0};
  REQUIRE(::poll(&p, 1, 10'000) == 1);
  sys::Fd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char buffer[8];
  REQUIRE(::recv(peer.get(), buffer, 5, MSG_WAITALL) == 5);
  REQUIRE(::send(peer.get(), "welcome", 7, 0) == 7);
  CHECK(Jails::read(running, 15) == "answer welcome\n");
  CHECK(jails.end(running).code == 0);
}

TEST_CASE("without a listener nobody is there to talk to") {
  Jails jails;
  CHECK(jails.attempt({"talk"}).output == "connect: Connection refused\n");
}

TEST_CASE("a function cannot take the port of the Runtime API") {
  Jails jails;
  auto spec = Jails::victim({"steal-port"});
  spec.listener = true;
  auto running = jails.start(spec);
  sys::Fd listener(running.started.listener);
  CHECK(Jails::read(running, 40) == "bind any: EADDRINUSE\nbind loopback: EADDRINUSE\n");
  jails.end(running);
}

TEST_CASE("two jails with a listener each do not meet") {
  Jails jails;
  auto spec = Jails::victim({"sleep"});
  spec.listener = true;
  auto running = jails.start(spec);
  sys::Fd listener(running.started.listener);
  CHECK(jails.attempt({"talk"}).output == "connect: Connection refused\n");
  sys::Fd nobody(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  CHECK_FALSE(static_cast<bool>(nobody));
  jails.sandbox().kill(running.ticket);
  jails.end(running);
}

namespace {

// What a jail must never find: a file, a process, sockets of every kind a host has.
struct Canaries {
  Canaries() {
    std::ofstream(file) << "secret";
    tcp = sys::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(tcp.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
    REQUIRE(::listen(tcp.get(), 8) == 0);
    socklen_t size = sizeof a;
    ::getsockname(tcp.get(), reinterpret_cast<sockaddr*>(&a), &size);
    port = ntohs(a.sin_port);
    abstract = sys::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un u{};
    u.sun_family = AF_UNIX;
    name.copy(u.sun_path + 1, name.size());
    auto const length = static_cast<socklen_t>(sizeof u.sun_family + 1 + name.size());
    REQUIRE(::bind(abstract.get(), reinterpret_cast<sockaddr*>(&u), length) == 0);
    REQUIRE(::listen(abstract.get(), 8) == 0);
  }
  bool nobody_came() const {
    return ::accept4(tcp.get(), nullptr, nullptr, 0) < 0 &&
           ::accept4(abstract.get(), nullptr, nullptr, 0) < 0;
  }
  TempDir directory;
  std::string file = directory / "canary";
  std::string name = "faas-canary-" + std::to_string(::getpid());
  sys::Fd tcp, abstract;
  int port = 0;
};

}  // namespace

TEST_CASE("a jail cannot open what is the host's") {
  Jails jails;
  Canaries canaries;
  auto const story = jails.attempt(
      {"see", canaries.file, "/etc/shadow", "/root", "/home", "/sys", "/proc/kcore",
       "/proc/meminfo", "/proc/sys", "/proc/sysrq-trigger", "/proc/1/environ", "/dev/kmsg",
       "/dev/mem", "/dev/tty", "/dev/pts", "/var/lib", "/run", "/proc/cmdline", "/proc/net"});
  CHECK(story.output.find("seen") == std::string::npos);
  CHECK(story.says(canaries.file + ": ENOENT"));
  CHECK(story.says("/proc/1/environ: ENOENT"));
}

TEST_CASE("a jail reaches no socket of the host and no network") {
  Jails jails;
  Canaries canaries;
  auto const story =
      jails.attempt({"reach", "127.0.0.1", std::to_string(canaries.port), canaries.name});
  CHECK(story.output ==
        "host loopback: ECONNREFUSED\nmetadata: ENETUNREACH\ninternet: ENETUNREACH\n"
        "abstract: ECONNREFUSED\n");
  CHECK(canaries.nobody_came());
}

TEST_CASE("a lock in one jail's /tmp is none in another's (D15)") {
  Jails jails;
  auto const shell = [](std::string script) {
    auto spec = Jails::victim({});
    spec.argv = {"/bin/sh", "-c", std::move(script)};
    return spec;
  };
  auto running = jails.start(shell("flock -n /tmp/lock sh -c 'echo locked; exec sleep 60'"));
  CHECK(Jails::read(running, 7) == "locked\n");
  auto const other = jails.run(shell("flock -n /tmp/lock echo free || echo taken"));
  CHECK(other.output == "free\n");
  jails.sandbox().kill(running.ticket);
  jails.end(running);
}

TEST_CASE("a jail sees and signals no process but its own") {
  Jails jails;
  auto const story = jails.attempt({"pids"});
  CHECK(story.output == "pid 2\nkill all: ESRCH\nalive 1\nkill 1: sent\n");
  CHECK(story.exited->code == 0);
}

TEST_CASE("the only place a jail can write to is /tmp") {
  Jails jails;
  auto const story = jails.attempt({"write-everywhere"});
  CHECK(story.output ==
        "wrote /dev/shm\nwrote /tmp\n");  // one place: the first is a link to the second
}

TEST_CASE("task and opt are the wish's directories, read-only") {
  Jails jails;
  TempDir layer;
  ::chmod(layer.path().c_str(), 0755);
  std::ofstream(layer / "library") << "x";
  auto spec = Jails::victim({"see", "/opt/library", "/var/task/victim"});
  spec.opt = layer.path();
  CHECK(jails.run(spec).output == "/opt/library: seen\n/var/task/victim: seen\n");
}

TEST_CASE("files of the wish are there, with their directories") {
  Jails jails;
  auto spec = Jails::victim({});
  spec.task.clear();
  spec.files = {{"/etc/faas/deep/er.conf", "one\n"},
                {"/var/runtime/shim.py", std::string(65'536, 'x')},
                {"/etc/empty", ""}};
  spec.argv = {"/bin/sh", "-c",
               "cat /etc/faas/deep/er.conf; wc -c < /var/runtime/shim.py; wc -c < /etc/empty; "
               "ls /var/task; echo no > /etc/empty"};
  auto const story = jails.run(spec);
  CHECK(story.output.starts_with("one\n65536\n0\n"));
  CHECK(story.output.find("Read-only file system") != std::string::npos);
}

TEST_CASE("jails with the same files stand on one root, and none can change it" *
          doctest::test_suite("root")) {
  if (skipped_unless(::geteuid() == 0, "only root builds roots for many jails")) return;
  Jails jails;
  auto const shell = [](std::string script, std::string const& content) {
    auto spec = Jails::victim({});
    spec.argv = {"/bin/sh", "-c", std::move(script)};
    spec.files = {{"/var/runtime/mine", content}};
    return spec;
  };
  auto const inode = [&](std::string const& content) {
    return jails.run(shell("stat -c %d.%i /etc/passwd", content)).output;
  };
  auto const first = inode("one");
  CHECK(inode("one") == first);
  CHECK(inode("two") != first);
  auto const tries = jails.run(
      shell("for f in /etc/passwd /var/runtime/mine; do chmod 600 $f; touch $f; echo x >> $f; "
            "mv $f $f.old; rm -f $f; done; umount -l /usr; mount -o remount,rw /",
            "one"));
  CHECK(tries.output.find("Read-only file system") != std::string::npos);
  CHECK(jails.run(shell("cat /var/runtime/mine; stat -c ' %a' /etc/passwd", "one")).output ==
        "one 644\n");
}

TEST_CASE("more sets of files than roots are kept: each jail has its own files" *
          doctest::test_suite("root")) {
  Jails jails;
  for (int i = 0; i < 20; ++i) {
    auto spec = Jails::victim({});
    spec.argv = {"/bin/cat", "/etc/number"};
    spec.files = {{"/etc/number", std::to_string(i % 10)}};
    CHECK(jails.run(spec).output == std::to_string(i % 10));
  }
}

TEST_CASE("standard output and error are apart, and input is empty") {
  Jails jails;
  auto spec = Jails::victim({});
  spec.argv = {"/bin/sh", "-c", "cat; echo out; echo err >&2"};
  auto [out, out_end] = Jails::pipe();
  auto [err, err_end] = Jails::pipe();
  spec.output_fd = out_end.get();
  spec.error_fd = err_end.get();
  auto const ticket = jails.sandbox().submit(spec).value();
  out_end.reset();
  err_end.reset();
  REQUIRE(jails.next(ticket).has_value());
  REQUIRE(jails.next(ticket).has_value());
  char buffer[16];
  CHECK(std::string(buffer, static_cast<std::size_t>(::read(out.get(), buffer, 16))) == "out\n");
  CHECK(::read(out.get(), buffer, 16) == 0);  // nobody else holds the other end
  CHECK(std::string(buffer, static_cast<std::size_t>(::read(err.get(), buffer, 16))) == "err\n");
}

TEST_CASE("a channel is the program's descriptor 3, and the only one beside the three") {
  Jails jails;
  auto channel = sys::seqpacket_pair().value();
  REQUIRE(::send(channel.first.get(), "ping", 4, 0) == 4);
  auto spec = Jails::victim({"channel"});
  spec.listener = true;
  spec.channel_fd = channel.second.get();
  auto running = jails.start(spec);
  sys::Fd const listener(running.started.listener);
  channel.second.reset();
  CHECK(Jails::read(running, 33) == "channel: answered\nopen 3 flags 0\n");
  char answer[8];
  CHECK(::recv(channel.first.get(), answer, sizeof answer, 0) == 4);
  CHECK(jails.end(running).code == 0);
  CHECK(::recv(channel.first.get(), answer, sizeof answer, 0) ==
        0);  // nobody else holds the other end
}

TEST_CASE("without a channel nothing is open at descriptor 3 or above") {
  Jails jails;
  CHECK(jails.attempt({"channel"}).output == "channel: EBADF\n");
}

TEST_CASE("SIGTERM reaches the program, and pid 1 of its jail") {
  Jails jails;
  auto running = jails.start(Jails::victim({"polite"}));
  CHECK(Jails::read(running, 6) == "ready\n");
  jails.sandbox().terminate(running.ticket);
  CHECK(jails.end(running).code == 7);
  CHECK(Jails::read(running) == "terminated politely\n");
}

TEST_CASE("a program that blocks every signal is killed whole, daemons and stopped ones too") {
  Jails jails;
  auto running = jails.start(Jails::victim({"stubborn"}));
  CHECK(Jails::read(running, 6) == "ready\n");
  jails.sandbox().terminate(running.ticket);
  jails.sandbox().kill(running.ticket);
  CHECK(jails.end(running).signal == 9);
  CHECK(Jails::read(running).empty());   // its last process has closed the pipe
  jails.sandbox().kill(running.ticket);  // of one that has ended: nothing
}

TEST_CASE("what a program leaves behind ends with it") {
  Jails jails;
  auto running = jails.start(Jails::victim({"daemons"}));
  CHECK(jails.end(running).code == 0);
  CHECK(Jails::read(running).empty());
}

TEST_CASE("orphans are reaped") {
  Jails jails;
  auto spec = Jails::victim({"zombies"});
  CHECK(jails.run(spec).output == "processes 1\n");
}

TEST_CASE("a jail killed before it is built has failed, not started") {
  Jails jails;
  auto const ticket = jails.sandbox().submit(Jails::victim({"sleep"})).value();
  jails.sandbox().kill(ticket);
  auto event = jails.next(ticket);
  REQUIRE(event.has_value());
  if (std::holds_alternative<Started>(*event)) event = jails.next(ticket);  // it was faster
  REQUIRE(event.has_value());
  CHECK_FALSE(std::holds_alternative<Started>(*event));
  if (auto* failed = std::get_if<Failed>(&*event)) {
    CHECK(failed->step == "killed");
    CHECK(failed->error == ECANCELED);
  }
}

TEST_CASE("an id is unique among the living and free after") {
  Jails jails;
  auto spec = Jails::victim({"sleep"});
  auto running = jails.start(spec);
  auto const second = jails.sandbox().submit(spec);
  REQUIRE(second.has_error());
  CHECK(second.error().code == Errc::invalid_argument);
  CHECK(second.error().message.find(spec.id) != std::string::npos);
  jails.sandbox().kill(running.ticket);
  jails.end(running);
  spec.argv = {"/var/task/victim", "hello"};
  CHECK(jails.run(spec).exited->code == 0);
}

TEST_CASE("a burst larger than the socket to the spawner is all started and all ended") {
  Jails jails;
  constexpr int kJails = 60;
  std::vector<Ticket> tickets;
  for (int i = 0; i < kJails; ++i) {
    auto spec = Jails::victim({"exit", std::to_string(i)});
    spec.environment = {"BALLAST=" + std::string(20'000, 'x')};  // 60 of them are a megabyte
    tickets.push_back(jails.sandbox().submit(spec).value());
  }
  int ended = 0;
  while (ended < kJails) {
    pollfd p{jails.sandbox().native_handle(), POLLIN, 0};
    REQUIRE(::poll(&p, 1, 20'000) == 1);
    while (auto event = jails.sandbox().poll()) {
      if (auto* failed = std::get_if<Failed>(&*event)) FAIL(failed->step << ": " << failed->error);
      if (auto* e = std::get_if<Exited>(&*event)) {
        CHECK(e->code == static_cast<int>(e->ticket - tickets.front()));
        ++ended;
      }
    }
  }
}

TEST_CASE("time and memory of a jail are those of its program") {
  Jails jails;
  auto spec = Jails::victim({});
  spec.argv = {"/bin/sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"};
  auto const exited = *jails.run(spec).exited;
  CHECK(exited.cpu > milliseconds(20));
  CHECK(exited.max_memory > 256_KiB);
  CHECK(exited.max_memory < 64_MiB);
}

TEST_CASE("a strict open refuses a host without controllers and says what to do") {
  auto options = jail_options();
  options.allow_degraded = false;
  auto const strict = Sandbox::open(options);
  auto const lenient = Sandbox::open(jail_options());
  REQUIRE(lenient.has_value());
  CHECK(strict.has_value() == !lenient->degraded());
  if (strict.has_value()) return;
  CHECK(strict.error().code == Errc::unsupported);
  CHECK(strict.error().message.find("memory") != std::string::npos);
  CHECK(strict.error().message.find("cgroup_no_v1=all") != std::string::npos);
  CHECK(strict.error().message.find("allow_degraded") != std::string::npos);
}

TEST_CASE("interpreters run in a jail") {
  Jails jails;
  auto const run = [&](SeccompClass which, std::vector<std::string> argv) {
    auto spec = Jails::victim({});
    spec.argv = std::move(argv);
    spec.seccomp = which;
    spec.environment = {"PATH=/usr/bin:/bin", "HOME=/tmp"};
    spec.memory = 256_MiB;
    return jails.run(spec);
  };
  auto const has = [](char const* path) { return ::access(path, X_OK) == 0; };
  CHECK(
      run(SeccompClass::general, {"/bin/bash", "-c", "echo $(printf '%s' sub | tr a-z A-Z) | cat"})
          .output == "SUB\n");
  if (!skipped_unless(has("/usr/bin/python3.11"), "needs /usr/bin/python3.11")) {
    auto const story =
        run(SeccompClass::python,
            {"/usr/bin/python3.11", "-c",
             "import asyncio, ctypes, json, multiprocessing, socket, sqlite3, ssl, subprocess, "
             "tempfile, threading, uuid\n"
             "t = threading.Thread(target=lambda: None); t.start(); t.join()\n"
             "p = multiprocessing.Process(target=lambda: None); p.start(); p.join()\n"
             "l = multiprocessing.Lock()\n"
             "asyncio.run(asyncio.sleep(0))\n"
             "s = socket.create_server(('127.0.0.1', 0))\n"
             "tempfile.NamedTemporaryFile()\n"
             "print(subprocess.check_output(['echo', 'child']).decode() + str(uuid.uuid4())[14])"});
    CHECK(story.output == "child\n4\n");
  }
  if (!skipped_unless(has("/usr/bin/node"), "needs /usr/bin/node")) {
    auto const story = run(
        SeccompClass::node,
        {"/usr/bin/node", "-e",
         "const cp = require('child_process'), http = require('http'), fs = require('fs');\n"
         "fs.copyFileSync('/etc/hosts', '/tmp/copy'); require('crypto').randomBytes(8);\n"
         "const w = new (require('worker_threads').Worker)('1', {eval: true});\n"
         "w.on('exit', () => http.createServer((q, r) => r.end('served')).listen(0, '127.0.0.1',\n"
         "function () { http.get({port: this.address().port, host: '127.0.0.1'}, r =>\n"
         "r.on('data', d => { console.log(d + cp.execSync('echo child')); process.exit(0); })); "
         "}));"});
    CHECK(story.output == "servedchild\n\n");
  }
}
