// What a person sees.
#pragma once

#include <cstdint>
#include <cstdio>
#include <faas/control.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace faasd {

// "faasd: message" and what to type next, on standard error. Returns the exit status.
int fail(faas::Error const&);

// Columns as wide as they need to be; the first row is the header.
void print_table(std::vector<std::vector<std::string>> const& rows);

// "1.2 MB"
std::string in_units(std::uint64_t bytes);

// A bar on standard error where that is a terminal, else nothing.
faas::Progress upload_bar();

// As a JSON string; bytes that are no UTF-8 become U+FFFD, for a function may write any.
std::string json_text(std::string_view);

// Text that comes in pieces, cut anywhere, as one JSON object a line of it: {"Text":"…"}.
class JsonLines {
 public:
  explicit JsonLines(std::FILE* out) : out_(out) {}
  void add(std::string_view text);
  void finish();  // a line without an end

 private:
  void print(std::string_view line);
  std::FILE* out_;
  std::string rest_;
};

}  // namespace faasd
