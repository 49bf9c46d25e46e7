#include "control/json_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <vector>

namespace faas::inline v0::control {
namespace {

namespace json = boost::json;

struct Key {
  std::string name;
  std::size_t line;
};

// One past the closing quotation mark of the string that opens at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// In the outermost object a string followed by ':' is a key.
std::vector<Key> outermost_keys(std::string_view text) {
  std::vector<Key> keys;
  int depth = 0;
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    char const c = text[at];
    if (c == '"') {
      auto const end = end_of_string(text, at);
      auto const next = text.find_first_not_of(" \t\r\n", end);
      if (depth == 1 && next != std::string_view::npos && text[next] == ':') {
        boost::system::error_code error;
        auto const name = json::parse(json::string_view(text.data() + at, end - at), error);
        if (!error && name.is_string()) keys.push_back({std::string(name.get_string()), line});
      }
      at = end;
      continue;
    }
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    line += c == '\n' ? 1 : 0;
    ++at;
  }
  return keys;
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parser parser;
  boost::system::error_code error;
  auto const used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (!error) return parser.release();
  auto const before = text.substr(0, used);
  auto const line = std::ranges::count(before, '\n') + 1;
  auto const column = used - (before.rfind('\n') + 1) + 1;
  return Error{Errc::invalid_argument, fmt::format("{}:{}: {}", line, column, error.message()), "",
               "json"};
}

std::size_t line_of_key(std::string_view text, std::string_view key) {
  std::size_t line = 1;
  for (auto const& k : outermost_keys(text)) {
    if (k.name == key) line = k.line;  // the last: of a repeated key the repetition is meant
  }
  return line;
}

std::string repeated_key(std::string_view text) {
  std::set<std::string> seen;
  for (auto const& k : outermost_keys(text)) {
    if (!seen.insert(k.name).second) return k.name;
  }
  return {};
}

}  // namespace faas::inline v0::control
