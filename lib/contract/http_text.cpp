#include "contract/http_text.hpp"

#include <algorithm>
#include <cstdint>

namespace faas::inline v0::contract {
namespace {

enum : std::uint8_t { kToken = 1, kValue = 2, kVisible = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0x21; c < 0x7f; ++c) classes[c] = kValue | kVisible;
  for (int c = 0x80; c < 0x100; ++c) classes[c] = kValue;
  classes[' '] = classes['\t'] = kValue;
  for (int c = '0'; c <= '9'; ++c) classes[c] |= kToken;
  for (int c = 'a'; c <= 'z'; ++c) classes[c] |= kToken, classes[c - 'a' + 'A'] |= kToken;
  for (char c : std::string_view("!#$%&'*+-.^_`|~"))
    classes[static_cast<unsigned char>(c)] |= kToken;
  return classes;
}
constexpr auto kClasses = make_classes();

bool all_of_class(std::string_view text, std::uint8_t wanted) {
  return std::all_of(text.begin(), text.end(),
                     [=](char c) { return kClasses[static_cast<unsigned char>(c)] & wanted; });
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

bool is_token(std::string_view text) { return !text.empty() && all_of_class(text, kToken); }
bool is_field_value(std::string_view text) { return all_of_class(text, kValue); }
bool is_visible(std::string_view text) { return all_of_class(text, kVisible); }

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim_white_space(std::string_view text) {
  auto const blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<HeaderField> parse_field_line(std::string_view line) {
  auto const colon = line.find(':');
  if (colon == line.npos) return std::nullopt;
  HeaderField const field{line.substr(0, colon), trim_white_space(line.substr(colon + 1))};
  if (!is_token(field.name) || !is_field_value(field.value)) return std::nullopt;
  return field;
}

}  // namespace faas::inline v0::contract
