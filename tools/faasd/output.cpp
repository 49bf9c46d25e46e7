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

// How a terminal is told of a control character, or of one that ends a line or turns its direction;
// empty: it is none.
std::string shown_control(std::string_view character) {
  auto const at = [character](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) {
    bool const control = (at(0) < 0x20 && at(0) != '\n' && at(0) != '\t') || at(0) == 0x7f;
    return control ? fmt::format("\\x{:02x}", at(0)) : std::string();
  }
  if (character.size() == 2 && at(0) == 0xc2 && at(1) < 0xa0)
    return fmt::format("\\u{:04x}", at(1));
  if (character.size() != 3 || at(0) != 0xe2) return {};
  auto const value = 0x2000U | (at(1) & 63U) << 6 | (at(2) & 63U);
  bool const turns = (value >= 0x2028 && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
  return turns ? fmt::format("\\u{:04x}", value) : std::string();
}

}  // namespace

int fail(faas::Error const& error) {
  show(stderr, fmt::format("faasd: {}\n", error.message));
  if (auto const next = faas::next_step(error); !next.empty()) fmt::print(stderr, "  {}\n", next);
  if (error.layer == "connect") return kUnreachable;
  bool const usage = error.layer == "config" || error.layer == "url" || error.layer == "usage" ||
                     error.layer == "access" || error.layer == "manifest";
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

std::string visible(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto const length = character_length(text);
    auto const character = text.substr(0, std::max<std::size_t>(length, 1));
    auto const shown = length == 0 ? std::string("\xef\xbf\xbd") : shown_control(character);
    out += shown.empty() ? character : std::string_view(shown);
    text.remove_prefix(character.size());
  }
  return out;
}

void show(std::FILE* out, std::string_view text) {
  auto const terminal = ::isatty(::fileno(out)) == 1;
  fmt::print(out, "{}", terminal ? visible(text) : text);
}

std::string json_line(std::string_view line) {
  return fmt::format("{{\"Text\":{}}}", json_text(line));
}

void Lines::add(std::string_view text) {
  rest_ += text;
  std::size_t begin = 0;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    print(std::string_view(rest_).substr(begin, end - begin));
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

void Lines::print(std::string_view line) { fmt::print(out_, "{}\n", form_(line)); }

void Lines::finish() {
  if (!rest_.empty()) print(rest_);
  rest_.clear();
}

}  // namespace faasd
