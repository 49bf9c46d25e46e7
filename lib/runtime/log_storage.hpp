// Where the bytes of one function's log are: two segments of a running text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace faas::inline v0::runtime {

// A run of bytes of the text.
struct LogSegment {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  std::uint64_t end() const { return start + size; }
};

class LogStorage {
 public:
  virtual ~LogStorage() = default;

  // previous.end() <= current.start.
  LogSegment const& previous() const { return previous_; }
  LogSegment const& current() const { return current_; }

  // Appends to the current segment: all of it, or false and nothing.
  virtual bool write(std::string_view) = 0;
  // The current segment becomes the previous one, whose text is gone; an empty one follows.
  virtual bool rotate() = 0;
  // At most buffer.size() bytes from `position`, which lies in one of the segments.
  virtual std::size_t read(std::uint64_t position, std::span<char> buffer) = 0;

 protected:
  void rotated() {
    previous_ = current_;
    current_ = {current_.end(), 0};
  }
  LogSegment previous_, current_;
};

std::unique_ptr<LogStorage> memory_log();

// Files `current` and `previous` in `name` below the open `directory`, which outlives it. Each file
// begins with a line that says its position, so that positions survive a restart and a rotation cut
// short. The folder is made with the first write. At most one descriptor is kept.
std::unique_ptr<LogStorage> file_log(int directory, std::string name);

}  // namespace faas::inline v0::runtime
