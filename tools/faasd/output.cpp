#include "output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "command_line.hpp"

namespace faasd {
namespace {

constexpr int kBarWidth = 30;

// Of the UTF-8 character (RFC 3629) that `text` begins with; 0: it begins with none.
std::size_t character_length(std::string_view text) {
  auto const at = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  auto const first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  std::size_t const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  auto const two = first << 8 | at(1);
  bool const overlong = (first == 0xe0 && two < 0xe0a0) || (first == 0xf0 && two < 0xf090);
  bool const surrogate = first == 0xed && two >= 0xeda0;
  bool const beyond = first == 0xf4 && two >= 0xf490;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

int fail(faas::Error const& error) {
  fmt::print(stderr, "faasd: {}\n", error.message);
  if (auto const next = faas::next_step(error); !next.empty()) fmt::print(stderr, "  {}\n", next);
  if (error.layer == "connect") return kUnreachable;
  bool const usage = error.layer == "config" || error.layer == "url" || error.layer == "usage";
  return usage ? kUsage : kRefused;
}

void print_table(std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (auto const& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (auto const& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

std::string in_units(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

faas::Progress upload_bar() {
  if (!::isatty(STDERR_FILENO)) return {};
  return [](std::uint64_t done, std::uint64_t total) {
    auto const part = total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total);
    auto const filled = static_cast<std::size_t>(part * kBarWidth);
    fmt::print(stderr, "\rupload [{:<{}}] {:3.0f} % of {} ", std::string(filled, '#'), kBarWidth,
               part * 100, in_units(total));
    if (done == total) fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
  };
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    auto const c = static_cast<unsigned char>(text.front());
    auto const length = character_length(text);
    if (length == 0) out += "\\ufffd";
    if (length == 1 && c < 0x20) out += fmt::format("\\u{:04x}", c);
    if (c == '"' || c == '\\') out += '\\';
    if (length > 1 || (length == 1 && c >= 0x20)) out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + '"';
}

void JsonLines::add(std::string_view text) {
  rest_ += text;
  std::size_t begin = 0;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    print(std::string_view(rest_).substr(begin, end - begin));
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

void JsonLines::print(std::string_view line) {
  fmt::print(out_, "{{\"Text\":{}}}\n", json_text(line));
}

void JsonLines::finish() {
  if (!rest_.empty()) print(rest_);
  rest_.clear();
}

}  // namespace faasd
