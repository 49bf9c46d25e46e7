// Eight calls in flight on eight warm instances of one function, through Runtime::invoke.
// Usage: bench_throughput pinned|spread KIND DIRECTORY [THREADS]
// A sample is calls a second over 5,000, 1 KB in and out each; a call that starts an instance is an
// error, never part of one.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "bench/deployed.hpp"
#include "bench/placement.h"
#include "bench/sampler.h"

using namespace faas;

namespace {

constexpr long kInFlight = 8;
constexpr long kCalls = 5000;

enum class Starts { allowed, refused };

// Keeps kInFlight calls going until `count` are done.
class Load {
 public:
  Load(bench::Deployed& host, Starts starts, unsigned threads)
      : host_(host), starts_(starts), threads_(threads) {}

  bool run(long count) {
    left_ = count;
    for (long i = 0; i < kInFlight; ++i) call();
    host_.io.restart();
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < threads_; ++i) others.emplace_back([this] { host_.io.run(); });
    host_.io.run();  // between calls nothing is outstanding
    return good_;
  }

 private:
  void call() {
    if (left_.fetch_sub(1) <= 0 || !good_) return;
    host_.runtime->invoke("bench", payload_, {}, [this](Result<Outcome> result) {
      if (!as_wanted(result)) good_ = false;
      call();
    });
  }

  bool as_wanted(Result<Outcome> const& result) const {
    if (!result) return std::fprintf(stderr, "%s\n", result.error().message.c_str()), false;
    bool const warm = starts_ == Starts::allowed || result->start == StartLevel::warm;
    if (result->status == Status::ok && warm) return true;
    std::fprintf(stderr, "bench_throughput: %s, %s\n",
                 std::string(to_string(result->start)).c_str(),
                 std::string(to_string(result->status)).c_str());
    return false;
  }

  bench::Deployed& host_;
  Starts starts_;
  unsigned const threads_;
  std::string payload_ = '"' + std::string(1022, 'x') + '"';
  std::atomic<long> left_ = 0;
  std::atomic<bool> good_ = true;
};

struct Host {
  bench::Deployed deployed;
  unsigned threads;
};

int block(void* context, long count, std::int64_t* out) {
  auto& host = *static_cast<Host*>(context);
  for (long i = 0; i < count; ++i) {
    std::int64_t const begin = nanoseconds();
    if (!Load(host.deployed, Starts::refused, host.threads).run(kCalls)) return 1;
    out[i] = kCalls * 1'000'000'000 / (nanoseconds() - begin);
  }
  return 0;
}

bool all_have_answered(bench::Deployed& host) {
  auto const instances = host.wait(host.runtime->instances());
  return instances.size() == kInFlight &&
         std::all_of(instances.begin(), instances.end(), [](auto const& i) { return i.calls > 0; });
}

// Eight at once start one instance each; the first to be there answer for those that start.
bool prepare(Host& host) {
  for (int tries = 0; tries < 100; ++tries) {
    if (!Load(host.deployed, Starts::allowed, host.threads).run(50 * kInFlight)) return false;
    if (all_have_answered(host.deployed)) return true;
  }
  return false;
}

int nothing(void*) { return 0; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5 || !place(argv[1]))
    return std::fprintf(stderr, "usage: bench_throughput pinned|spread KIND DIRECTORY [THREADS]\n"),
           2;
  auto const threads = argc == 5 ? static_cast<unsigned>(std::atoi(argv[4])) : 1;
  // Not one more: a call that comes before the last one's instance has asked for it waits.
  Host host{{argv[3], argv[2], std::chrono::hours(1), std::chrono::seconds(30), kInFlight, threads},
            threads};
  if (!host.deployed.problem.empty()) return unavailable(host.deployed.problem.c_str());
  if (!prepare(host)) return unavailable("there are not eight warm instances");
  sampled const serving{block, nothing, nothing, &host};
  return serve_samples(&serving);
}
