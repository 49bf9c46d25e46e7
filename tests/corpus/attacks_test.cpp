// Attacks that a whole function makes, each row by its id (SECURITY.md). What must hold after every
// one of them (see corpus.hpp) is checked by attack().
#include <filesystem>
#include <fstream>

#include "corpus/corpus.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// The processes an attempt made until it was refused.
int made(Seen const& seen, std::string_view what) { return std::atoi(seen.answer(what).c_str()); }

bool refused_with(Seen const& seen, std::string_view what, std::string_view error) {
  return seen.answer(what).ends_with(error);
}

}  // namespace

TEST_CASE("A1: a fork bomb meets the limit of processes, and all of it goes") {
  Corpus corpus;
  auto const seen = corpus.attack("fork-bomb");
  CHECK(seen.ok());
  CHECK(made(seen, "forks") < 1024);
  CHECK(refused_with(seen, "forks", "EAGAIN"));
}

TEST_CASE("A2: threads count as processes") {
  Corpus corpus;
  auto const seen = corpus.attack("thread-bomb");
  CHECK(made(seen, "threads") < 1024);
  CHECK(refused_with(seen, "threads", "EAGAIN"));
}

TEST_CASE("A6: daemons left behind go with their instance") {
  Corpus corpus;
  CHECK(corpus.attack("daemons").ok());
}

TEST_CASE("A7: what blocks every signal is killed at its timeout") {
  Corpus corpus;
  auto const seen = corpus.attack("stubborn", {.timeout = 1s});
  CHECK(seen.status == Status::timed_out);
  CHECK(seen.error_type == "Sandbox.Timedout");
  CHECK(seen.timing.run < 3s);
}

TEST_CASE("A8: signals to everybody reach only the function's own processes") {
  Corpus corpus;
  auto const seen = corpus.attack("pids");
  // Its parent, the function's first process, was among them.
  CHECK(seen.status == Status::crashed);
  CHECK(seen.error_type == "Runtime.ExitError");
}

TEST_CASE(
    "A13: however the function's process ends, the call is answered and the next starts cold") {
  Corpus corpus;
  for (std::string const event :
       {"self signal 11", "self signal 4", "self signal 6", "self exit 0"}) {
    CAPTURE(event);
    auto const seen = corpus.attacks({event, event});
    CHECK(seen.status == Status::crashed);
    CHECK(seen.error_type == "Runtime.ExitError");
    CHECK(seen.start != StartLevel::warm);
  }
}

TEST_CASE("B1: memory of every kind ends at the limit, by error or by the end of the instance") {
  Corpus corpus;
  for (std::string const event : {"memory private", "memory shared", "memory memfd"}) {
    CAPTURE(event);
    auto const seen = corpus.attack(event);
    CAPTURE(seen.payload);
    if (seen.ok()) {
      // Where nothing counts a kind of memory, that kind is not to be had.
      CHECK((refused_with(seen, "refused at", "ENOMEM") ||
             refused_with(seen, "refused at", "ENOSYS")));
      CHECK(made(seen, "refused at") <= 128);
    } else {
      CHECK(seen.status == Status::out_of_memory);
      CHECK(seen.error_type == "Runtime.OutOfMemory");
    }
  }
}

TEST_CASE("B9, B10: /tmp ends by bytes and by files, and the host's disk does not notice") {
  Corpus corpus;
  auto const before = std::filesystem::space("/").available;
  auto const seen = corpus.attack("fill-tmp", {.memory = 1024_MiB, .timeout = 60s});
  CHECK(refused_with(seen, "bytes", "ENOSPC"));
  CHECK(refused_with(seen, "files", "ENOSPC"));
  CHECK(std::filesystem::space("/").available + (256ull << 20) > before);
}

TEST_CASE("B14: the only place to write to is /tmp") {
  Corpus corpus;
  CHECK(corpus.attack("write-everywhere").payload == "wrote /dev/shm\nwrote /tmp\nended: exit 0\n");
}

TEST_CASE("C: what no function needs of the kernel is refused, and changes nothing of the host") {
  Corpus corpus;
  auto const seen = corpus.attack("attempts", {.timeout = 60s});
  CHECK(seen.says("ended: exit 0"));
  // One line a group of rows; tests/sandbox/seccomp_test.cpp judges each of the hundred.
  for (std::string const line : {"unshare-user EPERM",
                                 "clone3 ENOSYS",
                                 "setns EPERM",
                                 "mount EPERM",
                                 "ptrace EPERM",
                                 "keyctl EPERM",
                                 "bpf EPERM",
                                 "perf_event_open EPERM",
                                 "userfaultfd EPERM",
                                 "io_uring_setup EPERM",
                                 "kexec_load EPERM",
                                 "clock_settime EPERM",
                                 "open_by_handle_at EPERM",
                                 "syslog EPERM",
                                 "socket-netlink EPERM",
                                 "socket-sweep-refused 1",
                                 "setuid EPERM",
                                 "bounding 0",
                                 "mknod-device EPERM",
                                 "int80 SYS",
                                 "x32 SYS"}) {
    CAPTURE(line);
    CHECK(seen.says(line));
  }
}

TEST_CASE("D14: sockets and files of the host are not there") {
  Corpus corpus;
  auto const seen =
      corpus.attack("see " + corpus.canary().socket() + " " + corpus.canary().secret() +
                    " /var/run/docker.sock /run/containerd/containerd.sock"
                    " /run/systemd/private /run/dbus/system_bus_socket /etc/shadow");
  CHECK(seen.payload.find("seen") == std::string::npos);
  CHECK(seen.says(corpus.canary().secret() + ": ENOENT"));
}

TEST_CASE("D13, N1, N3: neither the host's addresses nor its names lead out of the jail") {
  Corpus corpus;
  auto const seen = corpus.attack("reach 127.0.0.1 " + std::to_string(corpus.canary().port()) +
                                  " " + corpus.canary().abstract());
  CHECK(seen.payload ==
        "host loopback: ECONNREFUSED\nmetadata: ENETUNREACH\ninternet: ENETUNREACH\n"
        "abstract: ECONNREFUSED\nended: exit 0\n");
}

TEST_CASE("N5: the port of the Runtime API cannot be taken nor shared") {
  Corpus corpus;
  CHECK(corpus.attack("steal-port").payload ==
        "bind any: EADDRINUSE\nbind loopback: EADDRINUSE\nended: exit 0\n");
}
