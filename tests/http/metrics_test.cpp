#include <doctest/doctest.h>

#include <faas/http_server.hpp>

using namespace faas;
using namespace std::chrono_literals;

namespace {

void count_call(Metrics& metrics, std::string const& name, Status status = Status::ok) {
  FunctionName const function(name);
  InvocationRecord const record{.function = function,
                                .revision = {},
                                .request_id = "r",
                                .status = status,
                                .error_type = "",
                                .start = StartLevel::cold,
                                .timing = {.jail = std::chrono::milliseconds(2)},
                                .billed = {},
                                .memory = {},
                                .max_memory = {},
                                .ended = {},
                                .degraded = false};
  metrics.on_invocation(record);
}

void count_refusal(Metrics& metrics, std::string const& reason) {
  FunctionName const function("f");
  Error const error{Errc::throttled, "m", reason, ""};
  metrics.on_refusal(RefusalRecord{function, error});
}

std::size_t lines_with(std::string const& text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("calls are counted by outcome and start level") {
  Metrics metrics;
  count_call(metrics, "f");
  count_call(metrics, "f");
  count_call(metrics, "f", Status::timed_out);
  RuntimeStatus status;
  status.scheduler.calls_waiting = 4;
  auto const text = metrics.text(status);
  CHECK(text.find("faas_calls_total{account=\"000000000000\",function=\"f\",outcome=\"ok\"} 2\n") !=
        std::string::npos);
  CHECK(text.find("function=\"f\",outcome=\"timed_out\"} 1\n") != std::string::npos);
  CHECK(text.find("faas_starts_total{level=\"cold\"} 3\n") != std::string::npos);
  CHECK(text.find("faas_call_duration_seconds_count{level=\"cold\"} 3\n") != std::string::npos);
  CHECK(text.find("faas_start_stage_seconds_sum{level=\"cold\",stage=\"jail\"} 0.006\n") !=
        std::string::npos);
  CHECK(text.find("stage=\"code\"") == std::string::npos);
  CHECK(text.find("faas_queue_length 4\n") != std::string::npos);
}

TEST_CASE("the stages of a start are counted once, whether a call waited for it or not") {
  Metrics metrics;
  FunctionName const name("f");
  Timing timing;
  timing.jail = 2ms;
  timing.init = 5ms;
  for (int i = 0; i < 2; ++i) metrics.on_start({name, RevisionId{1}, StartLevel::cold, timing});
  timing.queued = 1ms;
  timing.first_byte = 3ms;
  metrics.on_invocation({.function = name,
                         .revision = RevisionId{1},
                         .request_id = "id",
                         .status = Status::ok,
                         .error_type = "",
                         .start = StartLevel::cold,
                         .timing = timing,
                         .billed = {},
                         .memory = {},
                         .max_memory = {},
                         .ended = {},
                         .degraded = false});
  auto const text = metrics.text({});
  auto const counted = [&](std::string stage, int times) {
    return text.find("faas_start_stage_seconds_count{level=\"cold\",stage=\"" + stage + "\"} " +
                     std::to_string(times) + "\n") != std::string::npos;
  };
  CHECK(counted("jail", 2));
  CHECK(counted("init", 2));
  CHECK(counted("queued", 1));
  CHECK(counted("first_byte", 1));
}

TEST_CASE("refusals are counted by reason") {
  Metrics metrics;
  count_refusal(metrics, "QueueFull");
  count_refusal(metrics, "");
  auto const text = metrics.text({});
  CHECK(text.find("faas_refusals_total{reason=\"QueueFull\"} 1\n") != std::string::npos);
  CHECK(text.find("faas_refusals_total{reason=\"throttled\"} 1\n") != std::string::npos);
}

TEST_CASE("callers cannot grow the metrics without bound") {
  Metrics metrics;
  for (int i = 0; i < 2000; ++i) {
    count_call(metrics, "f" + std::to_string(i));
    count_refusal(metrics, "r" + std::to_string(i));
  }
  auto const text = metrics.text({});
  CHECK(lines_with(text, "faas_calls_total{") == 501);
  CHECK(text.find("function=\"_other\",outcome=\"ok\"} 1500\n") != std::string::npos);
  CHECK(lines_with(text, "faas_refusals_total{") == 65);
}
