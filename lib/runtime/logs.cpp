#include "runtime/logs.hpp"

namespace faas::inline v0::runtime {
namespace {

constexpr std::size_t kLogPage = 256 << 10;

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

void Logs::append(FunctionName const& name, std::string_view lines) {
  files_.append(name, lines, now());
  wake(name);
}

void Logs::append_platform(FunctionName const& name, std::string_view lines, LogFiles::Write when) {
  files_.append_platform(name, lines, when);
  wake(name);
}

// A reader counts itself before it looks, a writer looks for readers after it has written: one of
// the two sees the other.
void Logs::wake(FunctionName const& name) {
  if (waiting_ == 0) return;
  std::lock_guard lock(mutex_);
  auto const found = readers_.find(name);
  if (found == readers_.end()) return;
  auto readers = std::move(found->second);
  readers_.erase(found);
  waiting_ -= readers.size();
  for (auto& reader : readers) {
    auto chunk = files_.read(name, reader.position, kLogPage);
    reader.done(LogPage{std::move(chunk.text), chunk.next});
  }
}

void Logs::read(FunctionName const& name, std::uint64_t position, std::uint64_t tail, Duration wait,
                Done done) {
  std::lock_guard lock(mutex_);
  ++waiting_;
  auto chunk = tail > 0 ? files_.tail(name, tail) : files_.read(name, position, kLogPage);
  if (!chunk.text.empty() || wait <= Duration::zero() || tail > 0 || ended_) {
    --waiting_;
    return done(LogPage{std::move(chunk.text), chunk.next});
  }
  auto timer = std::make_unique<asio::steady_timer>(executor_, now() + wait);
  timer->async_wait([weak = weak_from_this(), name](boost::system::error_code cancelled) {
    auto const self = weak.lock();
    if (self && !cancelled) self->wake(name);
  });
  readers_[name].push_back({chunk.next, std::move(done), std::move(timer)});
}

void Logs::end_waiting() {
  std::lock_guard lock(mutex_);
  ended_ = true;
  for (auto& [name, readers] : std::exchange(readers_, {}))
    for (auto& reader : readers) reader.done(LogPage{{}, reader.position});
  waiting_ = 0;
}

}  // namespace faas::inline v0::runtime
