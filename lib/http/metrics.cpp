// Counters in Prometheus' text form. Cardinality is bounded: callers choose names, so beyond
// kFunctions every further function is counted as "_other", and refusals are counted by reason
// alone.
#include <fmt/format.h>

#include <array>
#include <faas/http_server.hpp>
#include <map>
#include <mutex>
#include <tuple>

#include "http/prometheus.hpp"

namespace faas::inline v0 {
namespace {

constexpr std::size_t kFunctions = 500;
constexpr std::size_t kReasons = 64;
constexpr std::string_view kOther = "_other";

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

bool is_of_call(std::string_view stage) { return stage == "queued" || stage == "first_byte"; }

}  // namespace

struct Metrics::Impl {
  struct Calls {
    std::map<Status, std::uint64_t> by_status;
    double run_seconds = 0;
  };
  using Function = std::pair<std::string, std::string>;  // account, name

  Calls& calls_of(FunctionName const& name) {
    Function key{name.account, name.name};
    if (auto const known = functions.find(key); known != functions.end()) return known->second;
    if (functions.size() >= kFunctions) key = {std::string(kOther), std::string(kOther)};
    return functions[key];
  }

  static std::string bounded(std::map<std::string, std::uint64_t> const& known, std::string key) {
    return known.contains(key) || known.size() < kReasons ? key : std::string(kOther);
  }

  mutable std::mutex mutex;
  std::map<Function, Calls> functions;
  std::map<StartLevel, http::Histogram> durations;
  std::map<StartLevel, std::uint64_t> starts;
  std::map<std::pair<StartLevel, std::string_view>, http::Histogram> stages;
  std::map<std::string, std::uint64_t> refusals;
  std::map<std::string, std::uint64_t> events;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::on_invocation(InvocationRecord const& record) {
  std::scoped_lock const lock(impl_->mutex);
  auto& calls = impl_->calls_of(record.function);
  ++calls.by_status[record.status];
  calls.run_seconds += seconds(record.timing.run);
  ++impl_->starts[record.start];
  auto const& t = record.timing;
  auto const none = Duration::zero();
  impl_->durations[record.start].add(seconds(t.queued + t.code.value_or(none) +
                                             t.jail.value_or(none) + t.exec.value_or(none) +
                                             t.init.value_or(none) + t.run));
  if (record.start == StartLevel::warm) return;
  // on_start has counted those of the start, unless it failed.
  for (auto const& stage : stages(t))
    if (!t.init || is_of_call(stage.name))
      impl_->stages[{record.start, stage.name}].add(seconds(stage.took));
}

// Also one that no call waited for to its end, as where a burst is over before all have started.
void Metrics::on_start(StartRecord const& record) {
  std::scoped_lock const lock(impl_->mutex);
  for (auto const& stage : stages(record.timing))
    if (!is_of_call(stage.name)) impl_->stages[{record.level, stage.name}].add(seconds(stage.took));
}

void Metrics::on_refusal(RefusalRecord const& record) {
  auto reason =
      record.error.reason.empty() ? std::string(to_string(record.error.code)) : record.error.reason;
  std::scoped_lock const lock(impl_->mutex);
  ++impl_->refusals[Impl::bounded(impl_->refusals, std::move(reason))];
}

void Metrics::on_event(std::string_view kind, std::string_view) {
  std::scoped_lock const lock(impl_->mutex);
  ++impl_->events[Impl::bounded(impl_->events, std::string(kind))];
}

std::string Metrics::text(RuntimeStatus const& status) const {
  http::PrometheusText out;
  auto const& s = status.scheduler;
  out.family("faas_functions", "gauge", "Functions deployed.");
  out.sample({}, static_cast<double>(status.functions));
  out.family("faas_instances", "gauge", "Instances by phase.");
  out.sample({{"phase", "idle"}}, static_cast<double>(s.idle));
  out.sample({{"phase", "starting"}}, static_cast<double>(s.starting));
  out.sample({{"phase", "busy"}},
             static_cast<double>(s.instances - std::min(s.instances, s.idle + s.starting)));
  out.family("faas_memory_reserved_bytes", "gauge", "Memory and /tmp promised to instances.");
  out.sample({}, static_cast<double>(s.memory_reserved.count));
  out.family("faas_queue_length", "gauge", "Calls waiting for an instance.");
  out.sample({}, static_cast<double>(s.calls_waiting));
  out.family("faas_calls_running", "gauge", "Calls that an instance is working on.");
  out.sample({}, static_cast<double>(s.calls_running));
  out.family("faas_degraded", "gauge", "1 where the host lacks cgroup v2 controllers.");
  out.sample({}, status.degraded ? 1 : 0);
  out.family("faas_draining", "gauge", "1 while new calls are refused.");
  out.sample({}, status.draining ? 1 : 0);

  std::scoped_lock const lock(impl_->mutex);
  out.family("faas_calls_total", "counter", "Calls that reached an instance, by outcome.");
  for (auto const& [function, calls] : impl_->functions) {
    for (auto const& [outcome, count] : calls.by_status) {
      out.sample({{"account", function.first},
                  {"function", function.second},
                  {"outcome", to_string(outcome)}},
                 static_cast<double>(count));
    }
  }
  out.family("faas_run_seconds_total", "counter", "Time that functions ran.");
  for (auto const& [function, calls] : impl_->functions) {
    out.sample({{"account", function.first}, {"function", function.second}}, calls.run_seconds);
  }
  out.family("faas_starts_total", "counter",
             "Calls by the start level of the instance that served them.");
  for (auto const& [level, count] : impl_->starts)
    out.sample({{"level", to_string(level)}}, static_cast<double>(count));
  out.family("faas_call_duration_seconds", "histogram",
             "Arrival to complete response, by start level.");
  for (auto const& [level, histogram] : impl_->durations)
    out.histogram({{"level", to_string(level)}}, histogram);
  out.family(
      "faas_start_stage_seconds", "histogram",
      "Where the time of starts went, and of the calls that waited for them, by start level.");
  for (auto const& [key, histogram] : impl_->stages)
    out.histogram({{"level", to_string(key.first)}, {"stage", key.second}}, histogram);
  out.family("faas_refusals_total", "counter", "Calls refused before anything ran, by reason.");
  for (auto const& [reason, count] : impl_->refusals)
    out.sample({{"reason", reason}}, static_cast<double>(count));
  out.family("faas_events_total", "counter", "What the runtime reported, by kind.");
  for (auto const& [kind, count] : impl_->events)
    out.sample({{"kind", kind}}, static_cast<double>(count));
  return std::move(out).text();
}

}  // namespace faas::inline v0
