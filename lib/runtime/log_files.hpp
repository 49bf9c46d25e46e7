// One bounded log per function: two files, current and previous, or as much memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/units.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace faas::inline v0::runtime {

struct LogOptions {
  std::string directory;   // <state>/logs, made here with mode 0700; empty: in memory
  Bytes size{1 << 20};     // of one file; a function keeps at most two
  Bytes rate{1 << 20};     // of function text a second; what comes beyond it is counted and dropped
  Bytes memory{64 << 20};  // of all logs in memory: the log written longest ago goes first
  std::size_t open_files = 64;  // file descriptors kept at most
  // threads that write at once: the logs are shared out among as many mutexes, and with them the
  // memory and the descriptors
  unsigned writers = 1;
};

// Positions count bytes from the function's first log byte, through rotations and restarts.
struct LogChunk {
  std::string text;
  std::uint64_t position = 0;  // of the first byte of text; later than asked for when that is gone
  std::uint64_t next = 0;      // where to go on
};

// The directory of a function's log: a name is no path component. Nothing for a name that no
// function can have.
std::optional<std::string> log_id(FunctionName const&);

// Thread-safe. Writes reach the page cache, are never fsynced, and never fail a call: what cannot
// be written is counted as dropped, and a line says how many bytes once there is room. A name that
// no function can have has no log.
class LogFiles {
 public:
  // Errors: io, denied (the directory cannot be made).
  static Result<LogFiles> open(LogOptions);
  LogFiles(LogFiles&&) noexcept;
  LogFiles& operator=(LogFiles&&) noexcept;
  ~LogFiles();

  // Text of the function, out of a LineAssembler: within the rate.
  void append(FunctionName const&, std::string_view lines, TimePoint now);
  // Platform lines: not counted against the rate. `with_next` saves a system call a line: they are
  // written with the next text of this log, when it is read, or at the end; a kill -9 of the host
  // before that loses them.
  enum class Write { now, with_next };
  void append_platform(FunctionName const&, std::string_view lines, Write);

  // At most `max` bytes from `position`. Beyond the end: no text, and next is the end.
  LogChunk read(FunctionName const&, std::uint64_t position, std::size_t max);
  // The last `bytes` at most.
  LogChunk tail(FunctionName const&, std::size_t bytes);
  // Positions begin at 0 again.
  void remove(FunctionName const&);
  // The logs on disk, by log_id; none in memory.
  std::set<std::string> stored() const;
  void remove_stored(std::set<std::string> const&);

 private:
  struct Impl;
  explicit LogFiles(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace faas::inline v0::runtime
