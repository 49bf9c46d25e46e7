// Attacks of the corpus (tests/corpus/rows.tsv) that need a whole runtime to be told.
#include <cstdlib>
#include <string>
#include <vector>

#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

bool contains(std::string const& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A 32-bit x86 program that calls exit(42).
std::string program_32_bit() {
  static constexpr unsigned char kProgram[] = {
      0x7f, 'E',  'L',  'F',  1,    1, 1, 0, 0,    0,    0,    0,    0,    0,    0,    0,
      2,    0,    3,    0,    1,    0, 0, 0, 0x54, 0x80, 0x04, 0x08, 0x34, 0,    0,    0,
      0,    0,    0,    0,    0,    0, 0, 0, 0x34, 0,    0x20, 0,    1,    0,    0,    0,
      0,    0,    0,    0,    1,    0, 0, 0, 0,    0,    0,    0,    0,    0x80, 0x04, 0x08,
      0,    0x80, 0x04, 0x08, 0x60, 0, 0, 0, 0x60, 0,    0,    0,    5,    0,    0,    0,
      0,    0x10, 0,    0,    0xb8, 1, 0, 0, 0,    0xbb, 42,   0,    0,    0,    0xcd, 0x80};
  return {std::begin(kProgram), std::end(kProgram)};
}

// An ELF program of some machine that ends at once; there is no other in it.
std::string elf(unsigned char word_size, unsigned char machine) {
  std::string program(64 + 56, '\0');
  program.replace(0, 7,
                  std::string("\x7f"
                              "ELF") +
                      static_cast<char>(word_size) + "\1\1");
  program[16] = 2;
  program[18] = static_cast<char>(machine);
  program[20] = 1;
  return program;
}

std::string ending_of_bootstrap(Host& host, std::string const& name, TempDir const& directory) {
  Function function;
  function.name = name;
  function.runtime = "provided.al2023";
  function.handler = "x";
  function.code = host.store(directory);
  host.deploy(std::move(function));
  auto const outcome = host.invoke(name).value();
  CHECK(outcome.status == Status::crashed);
  return outcome.error_type;
}

}  // namespace

TEST_CASE("a function's environment has the documented names and no other") {  // D16
  for (auto const* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "HOME"})
    ::setenv(name, "of the host", 0);
  Host host;
  auto function =
      host.python("names",
                  "import os\n"
                  "def handler(event, context):\n"
                  "    assert not any('of the host' in v for v in os.environ.values())\n"
                  "    return ' '.join(sorted(os.environ))\n");
  function.environment = {{"OWN", "1"}};
  host.deploy(std::move(function));
  CHECK(
      host.invoke("names").value().payload ==
      R"("AWS_DEFAULT_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_MEMORY_SIZE )"
      R"(AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE )"
      R"(AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API AWS_REGION )"
      R"(AWS_XRAY_CONTEXT_MISSING LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG LD_LIBRARY_PATH OWN PATH TZ )"
      R"(_HANDLER")");
}

TEST_CASE(
    "however a function crashes, its caller is told how, and the next call starts anew") {  // A13
  struct Crash {
    char const* name;
    char const* code;
    char const* told;
  };
  Crash const crashes[] = {
      {"segv", "import ctypes\ndef handler(e, c): ctypes.string_at(0)\n",
       "signal: segmentation fault"},
      {"ill",
       "import ctypes, mmap\n"
       "def handler(e, c):\n"
       "    m = mmap.mmap(-1, 4096, prot=7)\n"
       "    m.write(b'\\x0f\\x0b')\n"
       "    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()\n",
       "signal: illegal instruction"},
      {"overflow",
       "import sys\n"
       "def handler(e, c):\n"
       "    x = []\n"
       "    for _ in range(1000000): x = [x]\n"
       "    sys.setrecursionlimit(1 << 30)\n"
       "    repr(x)\n",
       "signal: segmentation fault"},
      {"abort", "import os\ndef handler(e, c): os.abort()\n", "signal: aborted"},
      {"silent", "import os\ndef handler(e, c): os._exit(0)\n",
       "exited without providing a reason"},
      {"init", "import os\nos._exit(3)\n", "exit status 3"},
  };
  Host host;
  for (auto const& crash : crashes) {
    CAPTURE(crash.name);
    host.deploy_python(crash.name, crash.code, {.memory = 512_MiB, .timeout = 20s});
    for (int i = 0; i < 2; ++i) {
      auto const outcome = host.invoke(crash.name).value();
      CAPTURE(outcome.payload);
      CHECK(outcome.status == Status::crashed);
      CHECK(outcome.error_type == "Runtime.ExitError");
      CHECK(contains(outcome.payload, crash.told));
      CHECK(outcome.start != StartLevel::warm);
    }
  }
}

TEST_CASE("a function that blocks every signal is answered for at its timeout") {  // A7
  Host host;
  constexpr int kCalls = 5;
  for (int i = 0; i < kCalls; ++i)
    host.deploy_python("deaf-" + std::to_string(i),
                       "import os, signal\n"
                       "def handler(event, context):\n"
                       "    if not event: return 0\n"
                       "    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
                       "    while True: signal.pause()\n",
                       {.timeout = 1s});
  for (int i = 0; i < kCalls; ++i)
    CHECK(host.invoke("deaf-" + std::to_string(i), "0").value().ok());
  auto const begun = std::chrono::steady_clock::now();
  auto fastest = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < kCalls; ++i)
    host.runtime().invoke(FunctionName("deaf-" + std::to_string(i)), "1", {},
                          [&](Result<Outcome> r) {
                            CHECK(r.value().status == Status::timed_out);
                            fastest = std::min(fastest, std::chrono::steady_clock::now() - begun);
                          });
  host.run();
  CHECK(fastest >= 1s);
  CHECK(fastest <= 1250ms);  // of five, so that a machine that is busy for a moment does not count
}

TEST_CASE("of two functions at once neither finds the other's code, environment or files") {  // O7
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  Host host(options);
  auto other = host.python("other",
                           "import time\n"
                           "def handler(event, context):\n"
                           "    open('/tmp/theirs', 'w').write('the-' + 'secret')\n"
                           "    time.sleep(3)\n"
                           "    return 'the-secret'\n",
                           {.timeout = 20s});
  other.environment = {{"SECRET", "the-secret"}};
  host.deploy(std::move(other));
  // Looks into every file it may read, those of /proc too, for two words that come with the call.
  host.deploy_python("looks", R"(
import os
MINE = "of-my-own"
def handler(event, context):
    found = {word: 0 for word in event["words"]}
    for top, directories, files in os.walk("/"):
        if top == "/": directories.remove("usr")
        for name in files:
            path = os.path.join(top, name)
            if path.endswith(("/mem", "/clear_refs")) or not os.path.isfile(path): continue
            try:
                with open(path, "rb") as file: content = file.read(1 << 20)
            except OSError: continue
            for word in found: found[word] += word.encode() in content
    return [found, os.path.exists(event["state"]), [p for p in os.listdir("/proc") if p.isdigit()]]
)",
                     {.timeout = 30s});
  std::optional<Outcome> theirs, mine;
  host.runtime().invoke("other", "{}", {}, [&](Result<Outcome> r) { theirs = r.value(); });
  host.runtime().invoke(
      "looks", R"({"words": ["the-secret", "of-my-own"], "state": ")" + state.path() + "\"}", {},
      [&](Result<Outcome> r) { mine = r.value(); });
  host.run();
  REQUIRE(theirs);
  REQUIRE(mine);
  CHECK(theirs->payload == R"("the-secret")");
  CAPTURE(mine->payload);
  CHECK(contains(mine->payload, R"("the-secret": 0)"));
  CHECK_FALSE(contains(mine->payload, R"("of-my-own": 0)"));  // the control
  CHECK(contains(mine->payload, R"(false, ["2"]])"));
}

TEST_CASE("a bootstrap that is none is an invalid entry point, whatever it is instead") {  // K15
  Host host;
  {
    TempDir directory;
    directory.write("bootstrap/file", "x");
    CHECK(ending_of_bootstrap(host, "directory", directory) == "Runtime.InvalidEntrypoint");
  }
  struct Bootstrap {
    char const* name;
    std::string content;
    bool executable;
  };
  Bootstrap const bootstraps[] = {{"not-executable", "#!/bin/sh\n", false},
                                  {"text", "no program at all\n", true},
                                  {"empty", "", true},
                                  {"no-interpreter", "#!/nowhere/interpreter\n", true},
                                  {"interpreter-of-the-host", "#!/root/bin/interpreter\n", true},
                                  {"other-machine", elf(2, 183), true},        // AArch64
                                  {"other-machine-32-bit", elf(1, 40), true},  // Arm
                                  {"x86-of-32-bit", program_32_bit(), true},
                                  {"cut-short",
                                   std::string("\x7f"
                                               "ELF"),
                                   true}};
  for (auto const& bootstrap : bootstraps) {
    CAPTURE(bootstrap.name);
    TempDir directory;
    directory.write("bootstrap", bootstrap.content, bootstrap.executable);
    CHECK(ending_of_bootstrap(host, bootstrap.name, directory) == "Runtime.InvalidEntrypoint");
  }
}
