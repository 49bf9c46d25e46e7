// UpdateAlias over HTTP while the alias is called: a move each EVERY ms to the other of two
// versions, 100 calls a second on another connection. A sample is the time from when a move was due
// to its answer. It is an error if a call fails, or is answered by a version that the alias had
// been moved away from before the call began.
// Usage: bench_alias_moves DIRECTORY EVERY CODE   the runtime's state is in DIRECTORY, on disk;
// CODE
//                                                 holds a bootstrap that answers with its version
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>

#include "bench/client.hpp"
#include "bench/pace.h"
#include "bench/sampler.h"
#include "bench/served.hpp"

using namespace faas;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kBetweenCalls = 10 * kMillisecond;

char version_after(unsigned moves) { return moves % 2 == 0 ? '1' : '2'; }

// How often the alias was moved: told to, and done as far as the answer says.
struct Moves {
  std::atomic<unsigned> begun = 0, done = 0;
};

struct Counts {
  unsigned calls = 0, conclusive = 0, errors = 0, stale = 0;
};

struct Calling {
  bench::Client client;
  std::string request;
  Counts counts;
};

// Conclusive: no move was under way while it ran, so that one answer only is right.
void call_once(Calling& calling, Moves const& moves) {
  unsigned const first = moves.done;
  int const status = calling.client.ask(calling.request);
  unsigned const last = moves.begun;
  auto const body = status == 200 ? calling.client.body() : std::string_view();
  ++calling.counts.calls;
  if (first == last) ++calling.counts.conclusive;
  if (body != "1" && body != "2") {
    ++calling.counts.errors;
    std::fprintf(stderr, "bench_alias_moves: a call: %s\n", calling.client.answer().c_str());
  } else if (first == last && body[0] != version_after(first)) {
    ++calling.counts.stale;
    std::fprintf(stderr, "bench_alias_moves: version %c answered after the alias had left it\n",
                 body[0]);
  }
}

struct Bench {
  std::int64_t every;
  bench::Client mover;
  Calling calling;
  Moves moves;
};

bool move_once(Bench& bench) {
  auto const body =
      fmt::format(R"({{"FunctionVersion":"{}"}})", version_after(++bench.moves.begun));
  auto const request = bench::request("PUT", "/2015-03-31/functions/moved/aliases/live", body);
  if (bench.mover.ask(request) != 200)
    return std::fprintf(stderr, "bench_alias_moves: %s\n", bench.mover.answer().c_str()), false;
  ++bench.moves.done;
  return true;
}

bool move_all(Bench& bench, long count, std::int64_t* out) {
  std::int64_t due = nanoseconds();
  for (long i = 0; i < count; ++i, due += bench.every) {
    sleep_until(due);
    if (!move_once(bench)) return false;
    out[i] = nanoseconds() - due;
  }
  return true;
}

int block(void* context, long count, std::int64_t* out) {
  auto& bench = *static_cast<Bench*>(context);
  std::atomic<bool> moving = true;
  std::thread caller([&] {
    for (std::int64_t due = nanoseconds(); moving; due += kBetweenCalls) {
      sleep_until(due);
      call_once(bench.calling, bench.moves);
    }
  });
  bool const moved = move_all(bench, count, out);
  moving = false;
  caller.join();
  call_once(bench.calling, bench.moves);  // conclusive, whatever the others were
  return moved && bench.calling.counts.errors + bench.calling.counts.stale == 0 ? 0 : 1;
}

asio::awaitable<bool> called(Runtime& runtime, std::string_view version) {
  auto const outcome = co_await runtime.invoke("moved", "{}", {.qualifier = version});
  co_return outcome && outcome->ok() && outcome->payload == version;
}

// Two versions of one function that ran, each on an instance that is still there, and the alias on
// the first. Empty, or why not.
asio::awaitable<std::string> prepare(Runtime& runtime, std::string code) {
  auto package = co_await runtime.store(code);
  if (!package) co_return package.error().message;
  Function function;
  function.name = "moved";
  function.runtime = "provided.al2023";
  function.handler = "bootstrap";
  function.code = package->digest;
  auto const deployed = co_await runtime.deploy(std::move(function));
  if (!deployed) co_return deployed.error().message;
  for (std::string const version : {"1", "2"}) {
    FunctionUpdate update;
    update.description = "to be version " + version;
    auto const updated = co_await runtime.update("moved", std::move(update));
    if (!updated) co_return updated.error().message;
    Publication wish;
    auto const published = co_await runtime.publish("moved", std::move(wish));
    if (!published) co_return published.error().message;
    bool const answered = co_await called(runtime, version);
    if (!answered) co_return "version " + version + " did not answer with its number";
  }
  AliasInfo alias;
  alias.function = "moved";
  alias.name = "live";
  alias.version = "1";
  auto const created = co_await runtime.create_alias(std::move(alias));
  co_return created ? "" : created.error().message;
}

int measure(bench::Served& host, std::int64_t every) {
  if (!host.serve()) return unavailable(host.problem.c_str());
  Bench bench{
      .every = every,
      .mover = bench::Client(host.address()),
      .calling = {bench::Client(host.address()),
                  bench::request("POST", "/2015-03-31/functions/moved:live/invocations", "{}"),
                  {}},
      .moves = {}};
  int const status = serve_blocks(block, &bench);
  auto const& counts = bench.calling.counts;
  std::fprintf(stderr,
               "bench_alias_moves: %u moves; %u calls (%u of them with no move under way), %u "
               "errors, %u answers of a version that the alias had left before\n",
               bench.moves.done.load(), counts.calls, counts.conclusive, counts.errors,
               counts.stale);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  long const every = argc == 4 ? std::strtol(argv[2], nullptr, 10) : 0;
  if (every < 1) return std::fprintf(stderr, "usage: bench_alias_moves DIRECTORY EVERY CODE\n"), 2;
  Options options;
  options.state_dir = argv[1];
  options.scheduler.idle_expiry = std::chrono::hours(1);
  bench::Served host(options);
  if (host.problem.empty()) host.problem = host.wait(prepare(*host.runtime, argv[3]));
  if (!host.problem.empty()) return unavailable(host.problem.c_str());
  return measure(host, every * kMillisecond);
}
