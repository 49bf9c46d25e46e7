// Eight calls in flight on eight warm instances of one function, through Runtime::invoke.
// Usage: bench_throughput pinned|spread KIND DIRECTORY
// A sample is calls a second over 5,000, 1 KB in and out each; a call that starts an instance is an
// error, never part of one.
#include <algorithm>

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
  Load(bench::Deployed& host, Starts starts) : host_(host), starts_(starts) {}

  bool run(long count) {
    left_ = count;
    for (long i = 0; i < kInFlight; ++i) call();
    host_.io.restart();
    while (running_ > 0) host_.io.run_one();
    return good_;
  }

 private:
  void call() {
    if (left_ == 0 || !good_) return;
    --left_;
    ++running_;
    host_.runtime->invoke("bench", payload_, {}, [this](Result<Outcome> result) {
      --running_;
      good_ = good_ && as_wanted(result);
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
  std::string payload_ = '"' + std::string(1022, 'x') + '"';
  long left_ = 0, running_ = 0;
  bool good_ = true;
};

int block(void* context, long count, std::int64_t* out) {
  auto& host = *static_cast<bench::Deployed*>(context);
  for (long i = 0; i < count; ++i) {
    std::int64_t const begin = nanoseconds();
    if (!Load(host, Starts::refused).run(kCalls)) return 1;
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
bool prepare(bench::Deployed& host) {
  for (int tries = 0; tries < 100; ++tries) {
    if (!Load(host, Starts::allowed).run(50 * kInFlight)) return false;
    if (all_have_answered(host)) return true;
  }
  return false;
}

int nothing(void*) { return 0; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || !place(argv[1]))
    return std::fprintf(stderr, "usage: bench_throughput pinned|spread KIND DIRECTORY\n"), 2;
  // Not one more: a call that comes before the last one's instance has asked for it waits.
  bench::Deployed host(argv[3], argv[2], std::chrono::hours(1), std::chrono::seconds(30),
                       kInFlight);
  if (!host.problem.empty()) return unavailable(host.problem.c_str());
  if (!prepare(host)) return unavailable("there are not eight warm instances");
  sampled const serving{block, nothing, nothing, &host};
  return serve_samples(&serving);
}
