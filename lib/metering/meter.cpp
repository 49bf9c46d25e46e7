#include "metering/meter.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "metering/billing.hpp"

namespace faas::inline v0::metering {
namespace {

using std::chrono::nanoseconds;
using store::Row;
using store::Transaction;
using Rows = std::vector<std::pair<FunctionName, Usage>>;

// A sum that is full stays full: the database counts to 2^63 - 1.
std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return b >= kMost - std::min(a, kMost) ? kMost : a + b;
}

Result<void> write(Transaction& t, FunctionName const& name, Usage const& u) {
  auto const& s = u.by_status;
  auto const& l = u.by_start;
  auto written = t.execute(
      "INSERT OR REPLACE INTO usage"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {name.account,
       name.name,
       s[0],
       s[1],
       s[2],
       s[3],
       s[4],
       s[5],
       s[6],
       s[7],
       l[0],
       l[1],
       l[2],
       l[3],
       l[4],
       std::int64_t{u.billed.count()},
       nanoseconds(u.run).count(),
       nanoseconds(u.init).count(),
       u.memory_time,
       u.max_memory.count,
       nanoseconds(u.last.time_since_epoch()).count()});
  if (!written) return written.error();
  return {};
}
static_assert(kStatuses == 8 && kStartLevels == 5,
              "a new enumerator needs a column: add a migration");

std::pair<FunctionName, Usage> read(Row const& row) {
  int column = 0;
  auto text = [&] { return std::string(row.text(column++)); };
  auto number = [&] { return row.integer(column++); };
  FunctionName name;
  name.account = text();
  name.name = text();
  Usage u;
  for (auto& n : u.by_status) n = static_cast<std::uint64_t>(number());
  for (auto& n : u.by_start) n = static_cast<std::uint64_t>(number());
  u.billed = milliseconds(number());
  u.run = nanoseconds(number());
  u.init = nanoseconds(number());
  u.memory_time = static_cast<std::uint64_t>(number());
  u.max_memory = {static_cast<std::uint64_t>(number())};
  u.last = SystemTime(nanoseconds(number()));
  return {std::move(name), u};
}

}  // namespace

std::uint64_t Usage::invocations() const {
  return std::accumulate(by_status.begin(), by_status.end(), std::uint64_t{0});
}

void add(Usage& usage, InvocationRecord const& record) {
  ++usage.by_status[static_cast<std::size_t>(record.status)];
  ++usage.by_start[static_cast<std::size_t>(record.start)];
  usage.billed += std::chrono::ceil<milliseconds>(record.billed);
  usage.run += record.timing.run;
  usage.init += record.timing.init.value_or(Duration::zero());
  usage.memory_time = plus(usage.memory_time, memory_time(record.memory, record.billed));
  usage.max_memory = {std::max(usage.max_memory.count, plus(0, record.max_memory.count))};
  usage.last = std::max(usage.last, record.ended);
}

struct Meter::State {
  State(store::Store& s, Duration i) : store(s), interval(i) {}

  bool due(TimePoint now) const;  // with the mutex held
  Rows take_changed();            // with the mutex held
  void give_back(Rows const&);

  store::Store& store;
  Duration const interval;
  mutable std::mutex mutex;
  std::map<FunctionName, Usage> sums;
  std::set<FunctionName> changed;  // since the last write
  std::optional<TimePoint> last_write;
  bool writing = false;
};

namespace {

Result<void> write_all(Transaction& t, Rows const& rows) {
  for (auto const& [name, usage] : rows) {
    if (auto r = write(t, name, usage); !r) return r;
  }
  return {};
}

// Whole sums are written, never differences: writing again after a failure counts nothing twice.
// With the mutex held, so that an older sum never follows a newer one into the store.
template <class State>
void submit_changed(std::shared_ptr<State> const& state, store::Store::Done then) {
  auto rows = std::make_shared<Rows const>(state->take_changed());
  state->store.submit([rows](Transaction& t) { return write_all(t, *rows); },
                      [rows, state, then = std::move(then)](Result<void> r) {
                        if (!r) state->give_back(*rows);
                        then(std::move(r));
                      });
}

}  // namespace

bool Meter::State::due(TimePoint now) const {
  return !writing && !changed.empty() && (!last_write || now - *last_write >= interval);
}

Rows Meter::State::take_changed() {
  Rows rows;
  for (auto const& name : changed) rows.emplace_back(name, sums[name]);
  changed.clear();
  return rows;
}

void Meter::State::give_back(Rows const& rows) {
  std::lock_guard lock(mutex);
  for (auto const& [name, usage] : rows) changed.insert(name);
}

Meter::Meter(std::shared_ptr<State> state) : state_(std::move(state)) {}
Meter::~Meter() = default;

Result<std::unique_ptr<Meter>> Meter::open(store::Store& store, Duration interval) {
  auto state = std::make_shared<State>(store, interval);
  auto loaded = store.run([&](Transaction& t) {
    return t.query("SELECT * FROM usage", {}, [&](Row const& row) -> Result<void> {
      state->sums.insert(read(row));
      return {};
    });
  });
  if (!loaded) return loaded.error();
  return std::unique_ptr<Meter>(new Meter(std::move(state)));
}

void Meter::record(InvocationRecord const& record, TimePoint now) {
  {
    std::lock_guard lock(state_->mutex);
    add(state_->sums[record.function], record);
    state_->changed.insert(record.function);
    if (!state_->last_write)
      state_->last_write = now;  // the first interval begins with the first call
  }
  tick(now);
}

void Meter::tick(TimePoint now) {
  std::lock_guard lock(state_->mutex);
  if (!state_->due(now)) return;
  state_->writing = true;
  state_->last_write = now;
  submit_changed(state_, [state = state_](Result<void>) {
    std::lock_guard done(state->mutex);
    state->writing = false;
  });
}

Usage Meter::usage(FunctionName const& name) const {
  std::lock_guard lock(state_->mutex);
  auto it = state_->sums.find(name);
  return it != state_->sums.end() ? it->second : Usage{};
}

std::map<FunctionName, Usage> Meter::all() const {
  std::lock_guard lock(state_->mutex);
  return state_->sums;
}

Result<void> Meter::flush() {
  auto written = std::make_shared<std::promise<Result<void>>>();
  flush([=](Result<void> r) { written->set_value(std::move(r)); });
  return written->get_future().get();
}

void Meter::flush(store::Store::Done done) {
  std::lock_guard lock(state_->mutex);
  submit_changed(state_, std::move(done));
}

}  // namespace faas::inline v0::metering
