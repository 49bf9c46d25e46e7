// Whole calls through Runtime::invoke, in process: from the call to its Outcome.
// Usage: bench_calls cold|warm|timeout pinned|spread KIND DIRECTORY
//   cold     each call starts a fresh process: the instance is stopped as soon as it is idle, and
//            has left the host before the next sample
//   warm     one idle instance answers every call, 1 KB in and out
//   timeout  a function that never answers, its limit one second: from its dispatch to the Outcome
// A call of another start level than the row's own is an error, never a sample.
#include <boost/asio/steady_timer.hpp>
#include <cstring>

#include "bench/deployed.hpp"
#include "bench/placement.h"
#include "bench/sampler.h"

using namespace faas;

namespace {

struct Calls {
  bench::Deployed host;
  StartLevel level;
  Status status = Status::ok;
  std::string payload;
  std::optional<Result<Outcome>> held;
};

// What a cold call takes before the function has its event.
std::int64_t until_dispatch(Timing const& t) {
  auto const before = t.queued + t.code.value_or(Duration{}) + t.jail.value_or(Duration{}) +
                      t.init.value_or(Duration{});
  return std::chrono::duration_cast<std::chrono::nanoseconds>(before).count();
}

asio::awaitable<bool> nothing_left(Runtime& runtime) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (;;) {
    auto left = co_await runtime.instances();
    if (left.empty()) co_return true;
    pause.expires_after(std::chrono::microseconds(500));
    co_await pause.async_wait(asio::use_awaitable);
  }
}

enum class AnyLevel { no, yes };

asio::awaitable<bool> one_busy(Runtime& runtime) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (;;) {
    auto all = co_await runtime.instances();
    for (auto const& one : all)
      if (one.phase == "busy") co_return true;
    pause.expires_after(std::chrono::milliseconds(1));
    co_await pause.async_wait(asio::use_awaitable);
  }
}

std::int64_t call_once(Calls& calls, AnyLevel any = AnyLevel::no) {
  std::optional<Result<Outcome>> result;
  std::int64_t end = 0;
  std::int64_t const begin = nanoseconds();
  calls.host.runtime->invoke("bench", calls.payload, {}, [&](Result<Outcome> r) {
    end = nanoseconds();
    result = std::move(r);
  });
  calls.host.io.restart();
  while (!result) calls.host.io.run_one();
  if (!*result) {
    std::fprintf(stderr, "bench_calls: %s\n", result->error().message.c_str());
    return -1;
  }
  Outcome const& outcome = **result;
  bool const as_wanted = any == AnyLevel::yes || outcome.start == calls.level;
  if (outcome.status != calls.status || !as_wanted) {
    std::fprintf(stderr, "bench_calls: %s, %s: %s\n", std::string(to_string(outcome.start)).c_str(),
                 std::string(to_string(outcome.status)).c_str(),
                 outcome.payload.substr(0, 200).c_str());
    return -1;
  }
  if (calls.level != StartLevel::warm) calls.host.wait(nothing_left(*calls.host.runtime));
  return end - begin - (calls.status == Status::timed_out ? until_dispatch(outcome.timing) : 0);
}

int block(void* calls, long count, std::int64_t* out) {
  for (long i = 0; i < count; ++i)
    if ((out[i] = call_once(*static_cast<Calls*>(calls))) < 0) return 1;
  return 0;
}

// The first call may unpack the code, and makes the one warm instance: no sample.
bool prepare(Calls& calls) { return call_once(calls, AnyLevel::yes) >= 0; }

// A warm instance is there anyway. Else the cold call of a function that takes its time when it is
// told so: the payload "hold".
int hold(void* context) {
  auto& calls = *static_cast<Calls*>(context);
  if (calls.level == StartLevel::warm) return 0;
  calls.host.runtime->invoke("bench", R"("hold")", {},
                             [&](Result<Outcome> r) { calls.held = std::move(r); });
  calls.host.io.restart();
  bool busy = false;
  asio::co_spawn(calls.host.io, one_busy(*calls.host.runtime),
                 [&](std::exception_ptr, bool found) { busy = found; });
  while (!busy && !calls.held) calls.host.io.run_one();
  return !busy;
}

int release(void* context) {
  auto& calls = *static_cast<Calls*>(context);
  if (calls.level == StartLevel::warm) return 0;
  while (!calls.held) calls.host.io.run_one();
  calls.host.wait(nothing_left(*calls.host.runtime));
  bool const answered = *calls.held && (*calls.held)->status == Status::ok;
  calls.held.reset();
  return !answered;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || !place(argv[2]))
    return std::fprintf(stderr,
                        "usage: bench_calls cold|warm|timeout pinned|spread KIND DIRECTORY\n"),
           2;
  bool const warm = std::strcmp(argv[1], "warm") == 0;
  bool const timeout = std::strcmp(argv[1], "timeout") == 0;
  Duration const expiry = warm ? Duration(std::chrono::hours(1)) : Duration::zero();
  Calls calls{.host = {argv[4], argv[3], expiry, std::chrono::seconds(timeout ? 1 : 30)},
              .level = warm ? StartLevel::warm : StartLevel::cold,
              .status = timeout ? Status::timed_out : Status::ok,
              .payload = '"' + std::string(1022, 'x') + '"',
              .held = {}};
  if (!calls.host.problem.empty()) return unavailable(calls.host.problem.c_str());
  if (!prepare(calls)) return unavailable("the first call failed; its words are above");
  bool const holds = !timeout;  // a function that never answers could not be released
  sampled const serving{block, holds ? hold : nullptr, holds ? release : nullptr, &calls};
  return serve_samples(&serving);
}
