// Real programs doing their own work in jails. The right answer is the proof: whatever they ask of
// the kernel is allowed, or they can do without it. record.py sees which rule of the filters they
// used.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <faas/sandbox.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "support/interpreters.hpp"
#include "support/result.hpp"
#include "support/skip.hpp"
#include "sys/fd.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string const kSources = FAAS_SOURCE_DIR "/tests/workloads/";
std::string const kBuilt = FAAS_BINARY_DIR "/workloads/";

std::string all_of(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

// What it wrote, and how it ended if that was not by exit(0).
std::string run(std::string const& task, std::vector<std::string> argv,
                SeccompClass which = SeccompClass::general) {
  auto sandbox = Sandbox::open({.allow_degraded = true}).value();
  sys::Fd output(::memfd_create("output", MFD_CLOEXEC));
  Spec spec;
  spec.id = "workload";
  spec.task = task;
  spec.argv = std::move(argv);
  spec.environment = {"PATH=/usr/bin:/usr/sbin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8",
                      "GODEBUG=decoratemappings=1"};
  spec.seccomp = which;
  spec.memory = 1_GiB;
  spec.output_fd = spec.error_fd = output.get();
  auto const exited = sandbox.run(spec).value();
  auto text = all_of(output.get());
  if (exited.signal) text += "ended by signal " + std::to_string(*exited.signal) + "\n";
  if (exited.code.value_or(0) != 0) text += "exit status " + std::to_string(*exited.code) + "\n";
  return text;
}

bool built(std::string const& program) {
  return !skipped_unless(std::filesystem::exists(kBuilt + program),
                         "no " + program + " was built (scripts/setup --tests=2)");
}

char const* const kLibc = R"(files: written, read, copied, locked
directories: 7 walked, 8 listed, the last is third
memory: mapped, moved, kept
processes: 7, 42, FROM A SHELL, abort is 6
threads: 36000
signals: 99, on a stack of their own, 1, 12
timers: 5, 1, 14
sockets: HELLO, 8 bytes, passed
events: 3, made
text: 5 letters, 5 bytes, the third is fc, sandbox, 2001-09-09 03:46:40 CEST
)";

char const* const kPython = R"(threads: 36000 40
processes: 42 SHELL cut short 7 9
multiprocessing: 328350 328350 42
asyncio: HELLO from a child
sqlite: (499500, 'row 999')
ssl: sealed TLSv1.2
files: a a3 fifo link tar.tar.xz zip.zip 10000 True
web: 3972dc97
system: True True 1 2001-09-09 03:46:40+02:00
)";

char const* const kNode = R"(workers: 1998000 4000n
crypto: 05ffaebc true 36 32768
files: 50000 1000000000000 a new 7 true true
processes: 42 42 SIGKILL
web: hello 19 127.0.0.1 over a path
engine: 1783293664 text 199999 true sandbox true
time: 9.9.2001, 03:46:40
)";

}  // namespace

TEST_SUITE_BEGIN("everyday");

TEST_CASE("a program of glibc's, static or dynamic, does its work in a jail") {
  CHECK(run(kBuilt + "glibc", {"/var/task/static"}) == kLibc);
  CHECK(run(kBuilt + "glibc", {"/var/task/dynamic"}) == kLibc);
}

TEST_CASE("a shell script does its work with the tools of the base system") {
  CHECK(run(kSources + "shell", {"/usr/bin/bash", "/var/task/main.sh"}) ==
        R"(files: copy copy/b copy/hard copy/link copy/renamed copy/zeros 640 1000000000 14 16384
archive: ./a/hard ./a/list ./a/zeros same 4eb8a5d3
jobs: late USR1 143 timed out 124 19 nohup
text: one three two hree wo 11 2 3
system: Linux sandbox /tmp 4096 /tmp no terminal 8 100000
perl: 2 4 6 from a child
lock: held
limits: lowered
left: a.tar a.tar.gz dd fifo installed term
)");
}

TEST_CASE("a Python program does its work, in its own class and in the general one") {
  std::vector<std::string> const argv{"/usr/bin/" + python_runtime(), "/var/task/main.py"};
  CHECK(run(kSources + "python", argv, SeccompClass::python) == kPython);
  CHECK(run(kSources + "python", argv, SeccompClass::general) == kPython);
}

TEST_CASE("a Node program does its work, in its own class and in the general one") {
  std::vector<std::string> const argv{"/usr/bin/node", "/var/task/main.mjs"};
  CHECK(run(kSources + "node", argv, SeccompClass::node) == kNode);
  CHECK(run(kSources + "node", argv, SeccompClass::general) == kNode);
}

TEST_SUITE_END();
TEST_SUITE_BEGIN("built");

TEST_CASE("a program of musl's, static or dynamic, does its work in a jail") {
  if (!built("musl/static")) return;
  CHECK(run(kBuilt + "musl", {"/var/task/static"}) == kLibc);
  CHECK(run(kBuilt + "musl", {"/var/task/dynamic"}) == kLibc);
}

TEST_CASE("a Go program does its work in a jail") {
  if (!built("go/workload")) return;
  CHECK(run(kBuilt + "go", {"/var/task/workload"}) == R"(goroutines: 338350
garbage: 655340 nodes, collected true profiled true
files: 5000 bytes, 8 names
processes: 42, signal: killed and user defined signal 1 for sandbox
web: 20 answers, the last is 2cf24dba
sockets: 100000 bytes, datagram
time: 2001-09-09 03:46:40 +0200 CEST
)");
}

TEST_CASE("a program on the Java virtual machine does its work in a jail") {
  if (!built("java/Workload.class")) return;
  CHECK(run(kBuilt + "java", {"/var/task/jre/bin/java", "-XX:+UseZGC", "-Xmx256m", "-cp",
                              "/var/task", "Workload"}) ==
        R"(threads: 338350, 500000500000
garbage: 799800000, kept 40
classes: 42, another true
files: 5000 mapped, saw new, 6 walked, true
processes: 42, 0, 137
web: HELLO 19, loopback of 65536
sockets: bytes
crypto: 2cf24dba, verified true
time: 2001-09-09T03:46:40+02:00[Europe/Berlin]
)");
}

TEST_CASE("a numeric program with a threaded BLAS does its work in a jail") {
  if (skipped_unless(std::filesystem::exists("/usr/lib/python3/dist-packages/numpy"),
                     "no numpy of Debian's (scripts/setup --tests=2)"))
    return;
  CHECK(run(kSources + "numpy", {"/usr/bin/" + python_runtime(), "/var/task/main.py"},
            SeccompClass::python) == R"(algebra: True True True
threads: 300 1200 2700 4800
fft: 50
memmap: 499500
)");
}

TEST_SUITE_END();
