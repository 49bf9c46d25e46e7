#include "runtime/log_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace faas::inline v0::runtime {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr std::string_view kPlatform[] = {
    "START RequestId:", "END RequestId:", "REPORT RequestId:", "RequestId: ", "INIT_START ",
    "INIT_REPORT ",     "LOGS_DROPPED ",  "EXTENSION\t",       "TELEMETRY\t", "XRAY TraceId:",
};
constexpr std::string_view kTimedOut = " Task timed out after ";
constexpr std::string_view kTimestamp = "dddd-dd-ddTdd:dd:dd.dddZ ";

bool begins_with_timestamp(std::string_view line) {
  auto fits = [](char c, char wanted) {
    return wanted == 'd' ? c >= '0' && c <= '9' : c == wanted;
  };
  return line.size() >= kTimestamp.size() &&
         std::equal(kTimestamp.begin(), kTimestamp.end(), line.begin(),
                    [&](char wanted, char c) { return fits(c, wanted); });
}

bool looks_like_platform(std::string_view line) {
  if (begins_with_timestamp(line) && line.find(kTimedOut) != std::string_view::npos) return true;
  return std::any_of(std::begin(kPlatform), std::end(kPlatform),
                     [&](std::string_view prefix) { return line.starts_with(prefix); });
}

// Bytes of the control character at the front of `text`; 0 if it is none. U+0080..U+009F are as
// good as ESC to a terminal; U+2028 and U+2029 end a line for many a reader of logs; U+202A..U+202E
// and U+2066..U+2069 show a line other than it is.
std::size_t control_size(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (at(0) < 0x20 || at(0) == 0x7f) return at(0) == '\t' ? 0 : 1;
  if (text.size() > 1 && at(0) == 0xc2) return at(1) >= 0x80 && at(1) <= 0x9f ? 2 : 0;
  if (text.size() < 3 || at(0) != 0xe2) return 0;
  auto const rest = at(1) << 8 | at(2);
  return (rest >= 0x80a8 && rest <= 0x80ae) || (rest >= 0x81a6 && rest <= 0x81a9) ? 3 : 0;
}

unsigned code_point(std::string_view character) {
  unsigned value = character.size() == 2 ? 0x02 : 0x2;
  for (char const c : character.substr(1))
    value = value << 6 | (static_cast<unsigned char>(c) & 63);
  return value;
}

void escape_control(std::string_view control, std::string& out) {
  auto const last = static_cast<unsigned char>(control.back());
  if (control.size() > 1) {
    out += fmt::format("\\u{:04x}", code_point(control));
  } else if (last == '\r') {
    out += "\\r";
  } else {
    out += fmt::format("\\x{:02x}", last);
  }
}

void escape(std::string_view text, std::string& out) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const size = control_size(text.substr(i));
    if (size == 0) continue;
    out += text.substr(done, i - done);
    escape_control(text.substr(i, size), out);
    done = i + size;
    i = done - 1;
  }
  out += text.substr(done);
}

// Ids may come from a caller: no line feed of theirs ends a platform line. Most hold nothing to
// escape and are not copied.
class Escaped {
 public:
  explicit Escaped(std::string_view text) : view_(text) {
    auto const plain = [](char c) { return c >= 0x20 && c < 0x7f; };
    if (std::all_of(text.begin(), text.end(), plain)) return;
    escape(text, copy_);
    view_ = copy_;
  }
  Escaped(Escaped const&) = delete;
  Escaped& operator=(Escaped const&) = delete;
  std::string_view view() const { return view_; }

 private:
  std::string copy_;
  std::string_view view_;
};

void emit(std::string_view line, std::string& out) {
  if (looks_like_platform(line)) out += '>';
  escape(line, out);
  out += '\n';
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 24> digits;
  auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// Milliseconds with two decimals. By hand: with every call, and five times as fast as formatting a
// double.
void append_ms(std::string& out, Duration d) {
  auto const hundredths = (duration_cast<nanoseconds>(d).count() + 5'000) / 10'000;
  append_number(out, hundredths / 100);
  out += '.';
  out += static_cast<char>('0' + hundredths / 10 % 10);
  out += static_cast<char>('0' + hundredths % 10);
}

std::uint64_t mib_rounded_up(Bytes bytes) { return (bytes.count + (1 << 20) - 1) >> 20; }

void append_stages(Report const& report, std::string& line) {
  line.append("Stages: ").append(to_string(report.start));
  for (auto const& stage : stages(report.timing)) {
    line.append(", ").append(stage.name).append(" ");
    append_ms(line, stage.took);
    line.append(" ms");
  }
  line += '\t';
}

}  // namespace

std::string init_start_line(std::string_view runtime_version, std::string_view runtime_arn) {
  return fmt::format("INIT_START Runtime Version: {}\tRuntime Version ARN: {}\n",
                     Escaped(runtime_version).view(), Escaped(runtime_arn).view());
}

std::string start_line(std::string_view request_id, std::string_view version) {
  return fmt::format("START RequestId: {} Version: {}\n", Escaped(request_id).view(),
                     Escaped(version).view());
}

std::string end_line(std::string_view request_id) {
  return fmt::format("END RequestId: {}\n", Escaped(request_id).view());
}

std::string report_line(Report const& report) {
  std::string line = "REPORT RequestId: ";
  line.reserve(200);
  line.append(Escaped(report.request_id).view()).append("\tDuration: ");
  append_ms(line, report.timing.run);
  line.append(" ms\tBilled Duration: ");
  append_number(line, std::chrono::ceil<milliseconds>(report.billed).count());
  line.append(" ms\tMemory Size: ");
  append_number(line, report.memory.mib());
  line.append(" MB\tMax Memory Used: ");
  append_number(line, mib_rounded_up(report.max_memory));
  line.append(" MB\t");
  if (auto const& init = report.timing.init) {
    line.append("Init Duration: ");
    append_ms(line, *init);
    line.append(" ms\t");
  }
  if (report.start != StartLevel::warm) append_stages(report, line);
  return line.append("\n");
}

std::string timeout_line(SystemTime now, std::string_view request_id, milliseconds timeout) {
  return fmt::format("{} {}{}{:.2f} seconds\n\n", log_timestamp(now), Escaped(request_id).view(),
                     kTimedOut, duration<double>(timeout).count());
}

std::string fault_line(std::string_view request_id, std::string_view message,
                       std::string_view error_type) {
  return fmt::format("RequestId: {} Error: {}\n{}\n", Escaped(request_id).view(),
                     Escaped(message).view(), Escaped(error_type).view());
}

std::string dropped_line(std::uint64_t bytes, Bytes budget) {
  return fmt::format("LOGS_DROPPED {} bytes: more than {} bytes a second, or no room for them\n",
                     bytes, budget.count);
}

std::string log_timestamp(SystemTime time) {
  auto const second = std::chrono::floor<std::chrono::seconds>(time);
  auto const rest = duration_cast<milliseconds>(time - second).count();
  auto const calendar = fmt::gmtime(std::chrono::system_clock::to_time_t(second));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", calendar, rest);
}

void LineAssembler::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    auto const room = kMaxLogLine - partial_.size();
    auto const end = bytes.substr(0, room + 1).find('\n');
    bool const ends = end != std::string_view::npos;
    if (!ends && bytes.size() <= room) {
      partial_ += bytes;
      return;
    }
    auto const size = ends ? end : room;
    if (partial_.empty()) {
      emit(bytes.substr(0, size), out);
    } else {
      partial_ += bytes.substr(0, size);
      emit(partial_, out);
      partial_ = {};
    }
    bytes.remove_prefix(ends ? size + 1 : size);
  }
}

void LineAssembler::flush(std::string& out) {
  if (partial_.empty()) return;
  emit(partial_, out);
  partial_ = {};
}

void LogTail::append(std::string_view text) {
  if (text.size() > kMaxLogTail) text.remove_prefix(text.size() - kMaxLogTail);
  auto const total = text_.size() + text.size();
  if (total > kMaxLogTail) text_.erase(0, total - kMaxLogTail);
  text_ += text;
}

}  // namespace faas::inline v0::runtime
