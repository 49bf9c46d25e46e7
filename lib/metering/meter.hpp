// One usage record an invocation, added up per function and kept in the store.
#pragma once

#include <array>
#include <cstdint>
#include <faas/error.hpp>
#include <faas/observer.hpp>
#include <faas/outcome.hpp>
#include <map>
#include <memory>
#include <optional>

#include "store/store.hpp"

namespace faas::inline v0::metering {

inline constexpr std::size_t kStatuses = static_cast<std::size_t>(Status::abandoned) + 1;
inline constexpr std::size_t kStartLevels = static_cast<std::size_t>(StartLevel::first) + 1;

// Sums since the function's first call in this state directory; they survive its removal.
struct Usage {
  std::array<std::uint64_t, kStatuses> by_status{};
  std::array<std::uint64_t, kStartLevels> by_start{};
  milliseconds billed{};
  Duration run{};
  Duration init{};
  std::uint64_t memory_time = 0;  // MiB milliseconds
  Bytes max_memory;               // most ever seen
  SystemTime last{};

  std::uint64_t invocations() const;
  friend bool operator==(Usage const&, Usage const&) = default;
};

// `usage` with one more record.
void add(Usage& usage, InvocationRecord const& record);

// Thread-safe; the store outlives it. Counts live in memory and are written at most once per
// `interval` (on a call or a tick), and by close: a kill -9 loses what came after the last write,
// never more.
class Meter {
 public:
  static Result<std::unique_ptr<Meter>> open(store::Store&,
                                             Duration interval = std::chrono::seconds(5));

  void record(InvocationRecord const&, TimePoint now);
  // Writes what is due although no call comes.
  void tick(TimePoint now);
  // All zero for a function that was never called.
  Usage usage(FunctionName const&) const;
  std::map<FunctionName, Usage> all() const;
  // Writes everything and waits for the disk; not on the writer thread. Errors: the store's.
  Result<void> flush();
  // The same without waiting; told on the writer thread.
  void flush(store::Store::Done);

  ~Meter();  // does not write: call flush first
  Meter(Meter const&) = delete;

 private:
  struct State;
  explicit Meter(std::shared_ptr<State>);
  std::shared_ptr<State> state_;
};

}  // namespace faas::inline v0::metering
