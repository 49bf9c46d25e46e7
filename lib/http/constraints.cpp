#include "http/constraints.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <regex>

#include "base/text.hpp"

namespace faas::inline v0::http {

std::string in_quotes(std::string_view text) {
  std::size_t end = std::min<std::size_t>(text.size(), 256);
  if (end < text.size())
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  std::string shown(text.substr(0, end));
  // A path or a query is any bytes; the message that shows them is JSON.
  if (json_fault(json_quote(shown)))
    std::ranges::replace_if(
        shown, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return fmt::format("'{}'", shown);
}

std::string member_name(std::string_view path) {
  std::string out(path);
  bool first = true;
  for (char& c : out) {
    if (first && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    first = c == '.';
  }
  return out;
}

namespace {

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

LambdaResult<void> check_pattern(std::string_view value, std::string_view member,
                                 char const* pattern, Length length) {
  auto const size = characters(value);
  if (size > length.most) {
    return constraint_error(in_quotes(value), member,
                            fmt::format("have length less than or equal to {}", length.most));
  }
  if (size < length.least) {
    return constraint_error(in_quotes(value), member,
                            fmt::format("have length greater than or equal to {}", length.least));
  }
  if (pattern != nullptr && !matches(value, pattern)) return pattern_error(value, member, pattern);
  return {};
}

bool matches(std::string_view text, char const* pattern) {
  return std::regex_match(text.begin(), text.end(), std::regex(pattern));
}

std::optional<std::string> matching(FieldReader& fields, std::string_view name, char const* pattern,
                                    Length length) {
  auto const value = fields.string(name);
  if (!value) return std::nullopt;
  auto const member = member_name(fields.path() + std::string(name));
  if (auto r = check_pattern(*value, member, pattern, length); !r) fields.fail(r.error());
  return std::string(*value);
}

std::optional<std::int64_t> ranged(FieldReader& fields, std::string_view name, std::int64_t low,
                                   std::int64_t high) {
  auto const value = fields.integer(name);
  if (!value) return value;
  auto const member = member_name(fields.path() + std::string(name));
  if (*value < low) {
    fields.fail(constraint_error(fmt::format("'{}'", *value), member,
                                 fmt::format("have value greater than or equal to {}", low)));
  } else if (*value > high) {
    fields.fail(constraint_error(fmt::format("'{}'", *value), member,
                                 fmt::format("have value less than or equal to {}", high)));
  }
  return value;
}

std::optional<std::string> sized(FieldReader& fields, std::string_view name, Length length) {
  return matching(fields, name, nullptr, length);
}

std::optional<std::string> one_of(FieldReader& fields, std::string_view name,
                                  std::initializer_list<std::string_view> values) {
  auto const value = fields.string(name);
  if (!value) return std::nullopt;
  if (std::ranges::find(values, *value) == values.end()) {
    fields.fail(
        constraint_error(in_quotes(*value), member_name(fields.path() + std::string(name)),
                         fmt::format("satisfy enum value set: [{}]", fmt::join(values, ", "))));
  }
  return std::string(*value);
}

void require(FieldReader& fields, std::string_view name) {
  if (fields.given(name)) return;
  fields.fail(
      constraint_error("null", member_name(fields.path() + std::string(name)), "not be null"));
}

bool is_made_of(std::string_view text, std::string_view marks) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(c) != std::string_view::npos;
  });
}

LambdaError pattern_error(std::string_view value, std::string_view member,
                          std::string_view pattern) {
  return constraint_error(in_quotes(value), member,
                          fmt::format("satisfy regular expression pattern: {}", pattern));
}

LambdaResult<Paging> read_paging(Target const& target, std::int64_t max_items) {
  Paging paging;
  if (auto const items = target.parameter("MaxItems")) {
    std::int64_t count = 0;
    auto const [end, error] = std::from_chars(items->data(), items->data() + items->size(), count);
    auto const shown = in_quotes(*items);
    if (error != std::errc{} || end != items->data() + items->size() || count < 1)
      return constraint_error(shown, "maxItems", "have value greater than or equal to 1");
    if (count > max_items) {
      return constraint_error(shown, "maxItems",
                              fmt::format("have value less than or equal to {}", max_items));
    }
    paging.most = std::min(kPage, static_cast<std::size_t>(count));
  }
  if (auto const marker = target.parameter("Marker"); marker && !marker->empty()) {
    auto key = from_base64(*marker);
    if (!key || key->size() > 256 || !is_made_of(*key, "-_$:")) return foreign_marker();
    paging.after = std::move(*key);
  }
  return paging;
}

std::string marker_of(std::string_view key) { return to_base64(key); }

LambdaError foreign_marker() {
  return invalid_parameter("The Marker is not one that this server gave.");
}

}  // namespace faas::inline v0::http
