// What a function costs that is only registered.
// Usage: bench_functions_million dispatch|listing|bytes FUNCTIONS DIRECTORY
//   dispatch  one whole Runtime::invoke in process, of one of 200 callables of the host by turns,
//             their names spread over those of FUNCTIONS others
//   listing   one page of 50 of them, from all over
//   bytes     resident memory of a program that has opened FUNCTIONS of them, less that of one with
//             1,000, for each of the difference
// DIRECTORY keeps what was deployed: made once (about half a minute for a million), used again.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <faas/runtime.hpp>
#include <fstream>
#include <random>
#include <string>

#include "bench/registered.hpp"
#include "bench/sampler.h"

using namespace faas;

namespace {

constexpr std::size_t kFew = 1000;
constexpr std::size_t kCalled = 200;
constexpr std::size_t kPage = 50;
constexpr auto kPlain = bench::Versions::none;

asio::awaitable<std::string> answer(HostCall call) { co_return call.payload; }

struct Bench {
  bench::Opened host;
  std::size_t functions;
  std::mt19937_64 random{1};
  std::size_t turn = 0;
};

std::string called_name(Bench const& bench, std::size_t i) {
  return bench::registered_name(i * (bench.functions / kCalled)) + "-called";
}

std::int64_t call_once(Bench& bench, std::size_t i) {
  std::optional<Result<Outcome>> result;
  std::int64_t end = 0;
  auto const name = called_name(bench, i);
  std::int64_t const begin = nanoseconds();
  bench.host.runtime->invoke(name, "{}", {}, [&](Result<Outcome> r) {
    end = nanoseconds();
    result = std::move(r);
  });
  bench.host.io.restart();
  while (!result) bench.host.io.run_one();
  return *result && (*result)->ok() ? end - begin : -1;
}

// Deployed by this process: a callable does not outlive it. Called once each: a sample is warm.
bool prepare_dispatch(Bench& bench) {
  for (std::size_t i = 0; i < kCalled; ++i) {
    Function function;
    function.name = called_name(bench, i);
    auto deployed = bench.host.wait(bench.host.runtime->deploy(std::move(function), answer));
    if (!deployed || call_once(bench, i) < 0) return false;
  }
  return true;
}

int dispatch_block(void* context, long count, std::int64_t* out) {
  auto& bench = *static_cast<Bench*>(context);
  for (long i = 0; i < count; ++i)
    if ((out[i] = call_once(bench, bench.turn++ % kCalled)) < 0) return 1;
  return 0;
}

int listing_block(void* context, long count, std::int64_t* out) {
  auto& bench = *static_cast<Bench*>(context);
  for (long i = 0; i < count; ++i) {
    auto const after = bench::registered_name(bench.random() % (bench.functions - kPage - 1));
    std::int64_t const begin = nanoseconds();
    auto const page = bench.host.runtime->list(kDefaultAccount, after, kPage);
    out[i] = nanoseconds() - begin;
    if (page.size() != kPage) return 1;
  }
  return 0;
}

std::int64_t resident() {
  std::ifstream status("/proc/self/statm");
  std::int64_t size = 0, pages = 0;
  status >> size >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

// In a process of its own, before this one has opened anything.
std::int64_t resident_with(std::string const& directory, std::size_t functions) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  std::fflush(nullptr);
  pid_t const child = ::fork();
  if (child == 0) {
    std::int64_t const begin = nanoseconds();
    bench::Opened host(bench::registered_options(directory, functions));
    double const seconds = static_cast<double>(nanoseconds() - begin) / 1e9;
    std::int64_t const bytes = host.runtime ? resident() : -1;
    std::fprintf(stderr, "bench_functions_million: %zu functions opened in %.2f s, %lld MiB\n",
                 functions, seconds, static_cast<long long>(bytes >> 20));
    bool const told = ::write(ends[1], &bytes, sizeof bytes) == sizeof bytes;
    ::_exit(told ? 0 : 1);
  }
  std::int64_t bytes = -1;
  if (child < 0 || ::read(ends[0], &bytes, sizeof bytes) != sizeof bytes) bytes = -1;
  if (child > 0) ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return bytes;
}

struct Memory {
  std::string directory;
  std::size_t functions;
};

int bytes_block(void* context, long count, std::int64_t* out) {
  auto const& memory = *static_cast<Memory*>(context);
  for (long i = 0; i < count; ++i) {
    auto const few = resident_with(memory.directory, kFew);
    auto const many = resident_with(memory.directory, memory.functions);
    if (few < 0 || many < 0) return 1;
    out[i] = (many - few) / static_cast<std::int64_t>(memory.functions - kFew);
  }
  return 0;
}

int usage() {
  std::fprintf(stderr,
               "usage: bench_functions_million dispatch|listing|bytes FUNCTIONS (>= 1000) "
               "DIRECTORY\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return usage();
  std::string const mode = argv[1], directory = argv[3];
  auto const functions = std::strtoul(argv[2], nullptr, 10);
  bool const dispatch = mode == "dispatch", bytes = mode == "bytes";
  if (functions < kFew || (bytes && functions == kFew) ||
      (!dispatch && !bytes && mode != "listing"))
    return usage();
  for (auto const needed : {kFew, functions}) {
    if (needed != functions && !bytes) continue;
    if (auto problem = bench::register_functions(directory, needed, kPlain); !problem.empty())
      return unavailable(problem.c_str());
  }
  if (bytes) {
    Memory memory{directory, functions};
    return serve_blocks(bytes_block, &memory);
  }
  Bench bench{.host = bench::Opened(bench::registered_options(directory, functions)),
              .functions = functions};
  if (!bench.host.runtime) return unavailable(bench.host.problem.c_str());
  if (dispatch && !prepare_dispatch(bench)) return unavailable("a callable did not answer");
  return serve_blocks(dispatch ? dispatch_block : listing_block, &bench);
}
