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

// A function's text for a terminal, where an escape sequence would be obeyed: control characters
// are shown as \x1b or \u009b, but tab and line feed; what is no UTF-8 becomes U+FFFD.
std::string visible(std::string_view);

// Text of a function's, as it is or, where `out` is a terminal, made visible.
void show(std::FILE* out, std::string_view text);

// {"Text":"…"}
std::string json_line(std::string_view);

// Text that comes in pieces, cut anywhere, printed line by line in the form that `form` gives one.
class Lines {
 public:
  using Form = std::string (*)(std::string_view);
  Lines(std::FILE* out, Form form) : out_(out), form_(form) {}
  void add(std::string_view text);
  void finish();  // a line without an end

 private:
  void print(std::string_view line);
  std::FILE* out_;
  Form form_;
  std::string rest_;
};

}  // namespace faasd
