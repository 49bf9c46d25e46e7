#include "runtime/stream.hpp"

#include <utility>

namespace faas::inline v0::runtime {

void StreamState::open_locked(Result<bool> result) { opened_(std::move(result)); }

void StreamState::head(ResponseHead head) {
  std::lock_guard lock(mutex_);
  head_ = std::move(head);
  open_locked(true);
}

bool StreamState::put(std::string_view bytes) {
  if (bytes.empty()) return true;
  std::lock_guard lock(mutex_);
  if (unread_) return true;
  if (reader_) {
    reader_(std::string(bytes));
    return true;
  }
  // A string for each byte of a hostile stream would take many times the window.
  if (chunks_.empty() || chunks_.back().size() + bytes.size() > kChunk) chunks_.emplace_back();
  chunks_.back().append(bytes);
  waiting_ += bytes.size();
  full_ = waiting_ >= kWindow;
  return !full_;
}

void StreamState::end(Outcome outcome) {
  std::lock_guard lock(mutex_);
  trailer_ = std::move(outcome);
  ended_ = true;
  listener_ = nullptr;
  open_locked(true);
  reader_(std::nullopt);
}

void StreamState::fail(Error error) {
  std::lock_guard lock(mutex_);
  ended_ = true;
  listener_ = nullptr;
  open_locked(std::move(error));
  reader_(std::nullopt);
}

void StreamState::set_listener(std::function<void(News)> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void StreamState::read(invoker::Completion<Chunk> reader) {
  std::function<void(News)> listener;
  {
    std::lock_guard lock(mutex_);
    if (chunks_.empty()) {
      if (ended_) return reader(std::nullopt);
      reader_ = std::move(reader);
      return;
    }
    auto chunk = std::move(chunks_.front());
    chunks_.pop_front();
    waiting_ -= chunk.size();
    if (full_ && waiting_ <= kWindow / 2) {
      full_ = false;
      listener = listener_;
    }
    reader(std::move(chunk));
  }
  if (listener) listener(News::room);  // takes the engine's mutex: ours must be free
}

void StreamState::reader_left() {
  std::function<void(News)> listener;
  {
    std::lock_guard lock(mutex_);
    unread_ = true;
    full_ = false;
    chunks_.clear();
    listener = listener_;
  }
  if (listener) listener(News::left);
}

}  // namespace faas::inline v0::runtime
