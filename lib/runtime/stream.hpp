// Between a function that sends chunks and a reader that takes them: bounded, one reader.
#pragma once

#include <deque>
#include <faas/runtime.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "invoker/completion.hpp"

namespace faas::inline v0::runtime {

// Has a mutex of its own: the reader never waits for the engine's. Order: the engine's, then this.
class StreamState {
 public:
  static constexpr std::size_t kWindow = 256 << 10;
  static constexpr std::size_t kChunk = 64 << 10;  // small ones that wait are joined up to this

  using Chunk = std::optional<std::string>;
  StreamState(asio::any_io_executor executor, invoker::Completion<Result<bool>> opened)
      : executor_(std::move(executor)), opened_(std::move(opened)) {}

  // What the engine is told of the reader, on the reader's thread: it has made room again in a full
  // window; it has left, and nobody reads any more.
  enum class News { room, left };

  // The engine's side. put: false when the window is full.
  void head(ResponseHead);
  bool put(std::string_view bytes);
  void end(Outcome);
  void fail(Error);  // nothing ran
  void set_listener(std::function<void(News)>);

  // The reader's side.
  void read(invoker::Completion<Chunk>);
  void reader_left();  // what comes from now on is dropped
  ResponseHead const& response_head() const { return head_; }
  Outcome const& trailer() const { return trailer_; }
  asio::any_io_executor const& executor() const { return executor_; }

 private:
  void open_locked(Result<bool>);

  mutable std::mutex mutex_;
  asio::any_io_executor executor_;
  invoker::Completion<Result<bool>> opened_;
  invoker::Completion<Chunk> reader_;
  ResponseHead head_;
  Outcome trailer_;
  std::deque<std::string> chunks_;
  std::size_t waiting_ = 0;  // bytes in chunks_
  bool ended_ = false;
  bool full_ = false;
  bool unread_ = false;  // the reader has left
  std::function<void(News)> listener_;
};

}  // namespace faas::inline v0::runtime
