// Many jails of one program at once.
// Usage: bench_many_jails rate DIRECTORY MILLISECONDS
//          a sample: starts in about so many milliseconds, 32 at once, until the last of them has
//          ended and nothing of it remains, a second
//        bench_many_jails after DIRECTORY STARTS
//          a sample: how many of the 64 that follow so many starts end in a second, 32 at once; the
//          pools are full when the first begins, and nothing ceases for them to be filled again
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
constexpr long kPool = 64;  // networks and cgroups made ahead, but with `idle`

struct Jails {
  Sandbox sandbox;
  Spec spec;
  std::int64_t duration = 0;  // of a rate
  long before = 0;            // starts before those that are counted
  long count = 0;
  Ticket last = 0;
};

bool start(Jails& jails) {
  jails.spec.id = "bench-" + std::to_string(++jails.count);
  auto ticket = jails.sandbox.submit(jails.spec);
  if (!ticket) std::fprintf(stderr, "bench_many_jails: %s\n", ticket.error().message.c_str());
  if (ticket) jails.last = *ticket;
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

// One event: how many have ended, or -1.
int take_event(Jails& jails) {
  auto const event = next(jails.sandbox);
  if (!ran_well(event)) return -1;
  if (auto* started = std::get_if<Started>(&event)) close(started->listener);
  return std::holds_alternative<Exited>(event);
}

// Keeps so many running until `enough(ended)`. False: one failed.
template <class Enough>
bool run_until(Jails& jails, long& ended, long& running, Enough enough) {
  while (!enough(ended)) {
    for (; running < kConcurrency; ++running)
      if (!start(jails)) return false;
    int const more = take_event(jails);
    if (more < 0) return false;
    ended += more;
    running -= more;
  }
  return true;
}

bool drain(Jails& jails, long& ended, long& running) {
  while (running > 0) {
    int const more = take_event(jails);
    if (more < 0) return false;
    ended += more;
    running -= more;
  }
  return true;
}

// Starts a second, or -1.
std::int64_t rate(Jails& jails, std::int64_t duration) {
  std::int64_t const begin = nanoseconds();
  long ended = 0, running = 0;
  auto const late = [&](long done) { return done > 0 && nanoseconds() - begin >= duration; };
  if (!run_until(jails, ended, running, late) || !drain(jails, ended, running)) return -1;
  return ended * 1'000'000'000 / (nanoseconds() - begin);
}

// Off the timed path.
void fill_pools(Sandbox& sandbox) {
  for (int i = 0; i < 300; ++i) {
    while (sandbox.poll()) {
    }
    usleep(1'000);
  }
}

// The rate of a pool's worth of ends after `before` of them, or -1.
std::int64_t rate_after(Jails& jails, long before) {
  fill_pools(jails.sandbox);
  long ended = 0, running = 0, first = 0;
  std::int64_t begin = nanoseconds();
  auto const until = [&](long count) { return [count](long done) { return done >= count; }; };
  if (!run_until(jails, ended, running, until(before))) return -1;
  if (before > 0) begin = nanoseconds();
  first = ended;
  if (!run_until(jails, ended, running, until(first + kPool))) return -1;
  std::int64_t const taken = nanoseconds() - begin;
  return drain(jails, ended, running) ? kPool * 1'000'000'000 / taken : -1;
}

int rates(void* context, long count, std::int64_t* out) {
  auto& jails = *static_cast<Jails*>(context);
  for (long i = 0; i < count; ++i)
    if ((out[i] = rate(jails, jails.duration)) < 0) return 1;
  return 0;
}

int rates_after(void* context, long count, std::int64_t* out) {
  auto& jails = *static_cast<Jails*>(context);
  for (long i = 0; i < count; ++i)
    if ((out[i] = rate_after(jails, jails.before)) < 0) return 1;
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

// One of those that are counted, its program told to stay; none of them runs meanwhile.
int hold(void* context) {
  auto& jails = *static_cast<Jails*>(context);
  jails.spec.argv.emplace_back("1000000");
  bool const held = start_idle(jails) >= 0;
  jails.spec.argv.pop_back();
  jails.spec.output_fd = -1;
  return !held;
}

int release(void* context) {
  auto& jails = *static_cast<Jails*>(context);
  jails.sandbox.kill(jails.last);
  return !std::holds_alternative<Exited>(next(jails.sandbox));
}

}  // namespace

int main(int argc, char** argv) {
  bool const idling = argc == 3 && std::strcmp(argv[1], "idle") == 0;
  bool const rated = argc == 4 && std::strcmp(argv[1], "rate") == 0;
  if (!idling && !rated && (argc != 4 || std::strcmp(argv[1], "after") != 0))
    return std::fprintf(stderr, "usage: bench_many_jails rate|after|idle DIRECTORY [NUMBER]\n"), 2;
  SandboxOptions options;
  options.allow_degraded = true;
  if (!idling) options.networks = static_cast<unsigned>(kPool);
  auto sandbox = Sandbox::open(options);
  if (!sandbox) return unavailable(sandbox.error().message.c_str());
  Jails jails{.sandbox = std::move(*sandbox), .spec = {}};
  jails.spec.argv = {"/var/task/hello"};
  if (idling) jails.spec.argv.emplace_back("1000000");
  jails.spec.task = argv[2];
  jails.spec.listener = true;
  jails.spec.recycle = "bench";
  if (idling) return serve_blocks(idle, &jails);
  long const number = std::strtol(argv[3], nullptr, 10);
  if (rated) jails.duration = number * 1'000'000;
  if (!rated) jails.before = number;
  if (rate(jails, 0) < 0) return unavailable("the first jails failed; see above");
  sampled const serving{rated ? rates : rates_after, hold, release, &jails};
  return serve_samples(&serving);
}
