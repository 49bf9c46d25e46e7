// A native program in a jail, from Sandbox::submit to its first byte, with a listener as functions
// have it. Usage: bench_cold_native DIRECTORY [fresh|pooled|shell] (it holds the program `hello`).
// fresh: nothing is made before it is asked for, but the root that jails share; pooled: networks
// and cgroups are, and a network is the next jail's; shell: a whole jail waits for its program. A
// start of the other kind is an error, never a sample.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <faas/sandbox.hpp>
#include <string>

#include "bench/sampler.h"

using namespace faas;

namespace {

struct Jails {
  Sandbox sandbox;
  Spec spec;
  long count = 0;
  Ticket held = 0;
  StartedFrom kind = StartedFrom::fresh;
  StartedFrom last = StartedFrom::fresh;  // what the last start found ready
};

// Waits for the end, so that one start never pays for the last one's. False: it did not run.
bool await_end(Jails& jails) {
  Sandbox& sandbox = jails.sandbox;
  for (;;) {
    while (auto event = sandbox.poll()) {
      if (auto* started = std::get_if<Started>(&*event)) {
        close(started->listener);
        jails.last = started->from;
      }
      if (std::holds_alternative<Exited>(*event)) return true;
      if (auto* failed = std::get_if<Failed>(&*event)) {
        std::fprintf(stderr, "bench_cold_native: step %s, errno %d\n", failed->step.c_str(),
                     failed->error);
        return false;
      }
    }
    pollfd readable{sandbox.native_handle(), POLLIN, 0};
    ::poll(&readable, 1, -1);
  }
}

// Its first byte, read from `fd`, which is closed then.
bool first_byte(int fd) {
  char byte;
  bool const got = read(fd, &byte, 1) == 1;
  close(fd);
  return got;
}

// Off the timed path: what a start found ready is made anew.
void let_refill(Sandbox& sandbox) {
  for (int i = 0; i < 4; ++i) {
    while (sandbox.poll()) {
    }
    usleep(1'000);
  }
}

std::int64_t start_once(Jails& jails) {
  int bytes[2];
  if (jails.kind != StartedFrom::fresh) let_refill(jails.sandbox);
  if (pipe2(bytes, O_CLOEXEC) != 0) return -1;
  jails.spec.id = "bench-" + std::to_string(++jails.count);
  jails.spec.output_fd = bytes[1];
  std::int64_t const begin = nanoseconds();
  auto ticket = jails.sandbox.submit(jails.spec);
  close(bytes[1]);
  bool const got = ticket && first_byte(bytes[0]);
  std::int64_t const end = nanoseconds();
  if (!ticket) return std::fprintf(stderr, "%s\n", ticket.error().message.c_str()), -1;
  return await_end(jails) && got ? end - begin : -1;
}

// A jail that is killed before its start is known has failed.
bool await_start(Sandbox& sandbox) {
  for (;;) {
    if (auto event = sandbox.poll()) {
      auto* started = std::get_if<Started>(&*event);
      if (started) close(started->listener);
      return started != nullptr;
    }
    pollfd readable{sandbox.native_handle(), POLLIN, 0};
    ::poll(&readable, 1, -1);
  }
}

// The same jail, its program told to stay.
int hold(void* context) {
  auto& jails = *static_cast<Jails*>(context);
  Spec spec = jails.spec;
  int bytes[2];
  if (pipe2(bytes, O_CLOEXEC) != 0) return 1;
  spec.id = "bench-held";
  spec.argv.emplace_back("1000000");
  spec.output_fd = bytes[1];
  auto ticket = jails.sandbox.submit(spec);
  close(bytes[1]);
  if (!first_byte(bytes[0]) || !ticket || !await_start(jails.sandbox)) return 1;
  jails.held = *ticket;
  return 0;
}

int release(void* context) {
  auto& jails = *static_cast<Jails*>(context);
  jails.sandbox.kill(jails.held);
  return !await_end(jails);
}

int block(void* jails, long count, std::int64_t* out) {
  auto& these = *static_cast<Jails*>(jails);
  for (long i = 0; i < count; ++i) {
    if ((out[i] = start_once(these)) < 0) return 1;
    if (these.last != these.kind)
      return std::fprintf(stderr, "bench_cold_native: a start of another kind\n"), 1;
  }
  return 0;
}

// Until a start finds ready what it is to find.
bool prepare(Jails& jails) {
  for (int tries = 0; tries < 100; ++tries) {
    if (start_once(jails) < 0) return false;
    if (jails.last == jails.kind) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::string const kind = argc > 2 ? argv[2] : "fresh";
  if (argc < 2 || argc > 3 || (kind != "fresh" && kind != "pooled" && kind != "shell"))
    return std::fprintf(stderr, "usage: bench_cold_native DIRECTORY [fresh|pooled|shell]\n"), 2;
  SandboxOptions options;
  options.allow_degraded = true;
  if (kind != "fresh") options.networks = 8;
  if (kind == "shell") options.shells = 4;
  auto sandbox = Sandbox::open(options);
  if (!sandbox) return unavailable(sandbox.error().message.c_str());
  Jails jails{.sandbox = std::move(*sandbox), .spec = {}};
  jails.spec.argv = {"/var/task/hello"};
  jails.spec.task = argv[1];
  jails.spec.listener = true;
  jails.spec.recycle = "bench";
  if (kind == "pooled") jails.kind = StartedFrom::pooled;
  if (kind == "shell") jails.kind = StartedFrom::shell;
  if (!prepare(jails)) return unavailable("no start finds ready what it is to find");
  sampled const serving{block, hold, release, &jails};
  return serve_samples(&serving);
}
