// Many jails of one program at once.
// Usage: bench_many_jails rate DIRECTORY MILLISECONDS
//          a sample: starts in about so many milliseconds, 32 at once, until the last of them has
//          ended and nothing of it remains, a second
//        bench_many_jails idle DIRECTORY
//          a block starts so many more, which stay to the end; a sample is how long a start took
// DIRECTORY holds the program `hello`.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <faas/sandbox.hpp>
#include <string>

#include "bench/sampler.h"

using namespace faas;

namespace {

constexpr long kConcurrency = 32;
constexpr unsigned kPool = 64;  // networks and cgroups made ahead, with `rate`

struct Jails {
  Sandbox sandbox;
  Spec spec;
  std::int64_t duration = 0;
  long count = 0;
};

bool start(Jails& jails) {
  jails.spec.id = "bench-" + std::to_string(++jails.count);
  auto ticket = jails.sandbox.submit(jails.spec);
  if (!ticket) std::fprintf(stderr, "bench_many_jails: %s\n", ticket.error().message.c_str());
  return ticket.has_value();
}

SandboxEvent next(Sandbox& sandbox) {
  for (;;) {
    if (auto event = sandbox.poll()) return std::move(*event);
    pollfd readable{sandbox.native_handle(), POLLIN, 0};
    ::poll(&readable, 1, -1);
  }
}

bool ran_well(SandboxEvent const& event) {
  if (auto const* exited = std::get_if<Exited>(&event)) return exited->code == 0;
  auto const* failed = std::get_if<Failed>(&event);
  if (failed)
    std::fprintf(stderr, "bench_many_jails: step %s, errno %d\n", failed->step.c_str(),
                 failed->error);
  return !failed;
}

// Starts a second, or -1.
std::int64_t rate(Jails& jails, std::int64_t duration) {
  std::int64_t const begin = nanoseconds();
  long done = 0, running = 0;
  for (; running < kConcurrency; ++running)
    if (!start(jails)) return -1;
  while (running > 0) {
    auto const event = next(jails.sandbox);
    if (!ran_well(event)) return -1;
    if (auto* started = std::get_if<Started>(&event)) close(started->listener);
    if (!std::holds_alternative<Exited>(event)) continue;
    ++done;
    --running;
    if (nanoseconds() - begin >= duration) continue;
    if (!start(jails)) return -1;
    ++running;
  }
  return done * 1'000'000'000 / (nanoseconds() - begin);
}

int rates(void* context, long count, std::int64_t* out) {
  auto& jails = *static_cast<Jails*>(context);
  for (long i = 0; i < count; ++i)
    if ((out[i] = rate(jails, jails.duration)) < 0) return 1;
  return 0;
}

// The listener stays open, as a runtime that waits for its function keeps it.
std::int64_t start_idle(Jails& jails) {
  int bytes[2];
  char byte;
  if (pipe2(bytes, O_CLOEXEC) != 0) return -1;
  jails.spec.output_fd = bytes[1];
  std::int64_t const begin = nanoseconds();
  bool const submitted = start(jails);
  close(bytes[1]);
  bool const got = submitted && read(bytes[0], &byte, 1) == 1;
  std::int64_t const end = nanoseconds();
  close(bytes[0]);
  return got && ran_well(next(jails.sandbox)) ? end - begin : -1;
}

int idle(void* context, long count, std::int64_t* out) {
  auto& jails = *static_cast<Jails*>(context);
  for (long i = 0; i < count; ++i)
    if ((out[i] = start_idle(jails)) < 0) return 1;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bool const rated = argc == 4 && std::strcmp(argv[1], "rate") == 0;
  if (!rated && (argc != 3 || std::strcmp(argv[1], "idle") != 0))
    return std::fprintf(stderr, "usage: bench_many_jails rate|idle DIRECTORY [MILLISECONDS]\n"), 2;
  SandboxOptions options;
  options.allow_degraded = true;
  if (rated) options.networks = kPool;
  auto sandbox = Sandbox::open(options);
  if (!sandbox) return unavailable(sandbox.error().message.c_str());
  Jails jails{.sandbox = std::move(*sandbox), .spec = {}};
  jails.spec.argv = {"/var/task/hello"};
  if (!rated) jails.spec.argv.emplace_back("1000000");
  jails.spec.task = argv[2];
  jails.spec.listener = true;
  jails.spec.recycle = "bench";
  if (rated) jails.duration = std::strtol(argv[3], nullptr, 10) * 1'000'000;
  if (rated && rate(jails, 0) < 0) return unavailable("the first jails failed; see above");
  return serve_blocks(rated ? rates : idle, &jails);
}
