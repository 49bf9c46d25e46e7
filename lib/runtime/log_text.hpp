// The text of a function's log: Lambda's platform lines, and a function's own lines made harmless.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/outcome.hpp>
#include <faas/units.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace faas::inline v0::runtime {

inline constexpr std::size_t kMaxLogLine = 256 << 10;
inline constexpr std::size_t kMaxLogTail = 4096;

// Platform lines, each with its line feed.
std::string init_start_line(std::string_view runtime_version, std::string_view runtime_arn);
std::string start_line(std::string_view request_id, std::string_view version);
std::string end_line(std::string_view request_id);

struct Report {
  std::string_view request_id;
  StartLevel start = StartLevel::warm;
  Timing timing;
  Duration billed{};
  Bytes memory;
  Bytes max_memory;
};
// Of a call that a start was made for it also has the stages: "Stages: cold, queued 0.10 ms, …".
std::string report_line(Report const&);

// "<now> <id> Task timed out after 3.00 seconds\n\n", as Lambda prints it between START and END.
std::string timeout_line(SystemTime now, std::string_view request_id, milliseconds timeout);
// "RequestId: <id> Error: <message>\n<type>\n": an exit, a crash, out of memory.
std::string fault_line(std::string_view request_id, std::string_view message,
                       std::string_view error_type);
// "LOGS_DROPPED 123 bytes: …\n"
std::string dropped_line(std::uint64_t bytes, Bytes budget);
// 2024-04-08T16:56:22.123Z
std::string log_timestamp(SystemTime);

// Makes lines of one stream of one instance; the runtime keeps one per pipe. What comes out always
// ends in a line feed, and no line of it can be taken for the platform's:
// - a line that begins as a platform line does is prefixed with ">" (as mbox quotes ">From");
// - carriage return becomes \r, other control characters \x1b (C1 ones \u009b), line separators and
//   changes of direction \u2028; tab stays, bytes that are not UTF-8 pass;
// - a line longer than 256 KiB is cut there, and what follows is a line of its own.
class LineAssembler {
 public:
  // Appends to `out` the lines that `bytes` completes; keeps the rest.
  void feed(std::string_view bytes, std::string& out);
  // The unfinished line, if there is one, with a line feed: at the end of a call or of the
  // instance.
  void flush(std::string& out);

 private:
  std::string partial_;
};

// The last 4,096 bytes of one call's log, for X-Amz-Log-Result.
class LogTail {
 public:
  void append(std::string_view text);
  std::string const& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace faas::inline v0::runtime
