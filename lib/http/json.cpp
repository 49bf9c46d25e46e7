#include "http/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

// Deep enough for any payload, shallow enough for the stack: the parser recurses.
constexpr std::size_t kDepth = 1000;

// Accepts everything the grammar does.
struct Ignore {
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_key_size = -1;
  static constexpr std::size_t max_string_size = -1;
  using error_code = boost::system::error_code;
  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t, error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_key_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_key(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code&) { return true; }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, error_code&) { return true; }
  bool on_double(double, json::string_view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

json::parse_options deep() {
  json::parse_options options;
  options.max_depth = kDepth;
  return options;
}

std::string at_place(std::string_view text, std::size_t offset, boost::system::error_code error) {
  auto const before = text.substr(0, offset);
  auto const line = std::ranges::count(before, '\n') + 1;
  auto const column = offset - (before.rfind('\n') + 1) + 1;
  return fmt::format("{} at line {}, column {}", error.message(), line, column);
}

std::string_view kind_name(json::value const& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64: return "an integer";
    case json::kind::uint64: return "an integer above 9223372036854775807";
    case json::kind::double_: return "a number with a fraction or an exponent";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "a value";
}

LambdaError serialization_error(std::string message) {
  return {"SerializationException", std::move(message)};
}

// A tree of many small values is many times its text.
constexpr std::size_t kMostValues = 100'000;

struct Count : Ignore {
  std::size_t keys = 0, values = 0;

  bool value(error_code& error) {
    if (++values > kMostValues) error = json::error::array_too_large;
    return !error;
  }
  bool on_key(json::string_view, std::size_t, error_code&) {
    ++keys;
    return true;
  }
  bool on_object_begin(error_code& error) { return value(error); }
  bool on_array_begin(error_code& error) { return value(error); }
  bool on_string(json::string_view, std::size_t, error_code& error) { return value(error); }
  bool on_int64(std::int64_t, json::string_view, error_code& error) { return value(error); }
  bool on_uint64(std::uint64_t, json::string_view, error_code& error) { return value(error); }
  bool on_double(double, json::string_view, error_code& error) { return value(error); }
  bool on_bool(bool, error_code& error) { return value(error); }
  bool on_null(error_code& error) { return value(error); }
};

// Stops where there are too many values.
Count count_in(std::string_view text) {
  json::basic_parser<Count> parser(deep());
  boost::system::error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return parser.handler();
}

// Recurses as deep as the parser let it become.
std::size_t keys_in(json::value const& value) {
  std::size_t keys = 0;
  if (auto const* array = value.if_array()) {
    for (auto const& item : *array) keys += keys_in(item);
  } else if (auto const* object = value.if_object()) {
    keys += object->size();
    for (auto const& [key, item] : *object) keys += keys_in(item);
  }
  return keys;
}

}  // namespace

std::optional<std::string> json_fault(std::string_view text) {
  json::basic_parser<Ignore> parser(deep());
  boost::system::error_code error;
  auto const used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (!error) return std::nullopt;
  return at_place(text, used, error);
}

LambdaResult<std::shared_ptr<json::object const>> parse_object(std::string_view text) {
  auto const count = count_in(text);
  if (count.values > kMostValues) {
    return serialization_error(fmt::format(
        "The request body holds more than {} values; leave out what is not read", kMostValues));
  }
  json::parser parser({}, deep());
  boost::system::error_code error;
  auto const used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error) {
    return serialization_error("Could not parse request body into json: " +
                               at_place(text, used, error));
  }
  auto value = std::make_shared<json::value>(parser.release());
  if (!value->is_object()) {
    return serialization_error(
        fmt::format("The request body must be a JSON object, not {}", kind_name(*value)));
  }
  // Of two members with one name the tree keeps the last; who checked the first would not know.
  if (count.keys != keys_in(*value)) {
    return serialization_error(
        "Could not parse request body into json: an object has a member twice");
  }
  return std::shared_ptr<json::object const>(value, &value->get_object());
}

LambdaResult<std::shared_ptr<json::object const>> parse_optional_object(std::string_view text) {
  return parse_object(text.empty() ? "{}" : text);
}

json::value const* FieldReader::find(std::string_view name) {
  asked_.insert(name);
  if (fault_) return nullptr;
  auto const* value = object_.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

void FieldReader::fail(LambdaError error) {
  if (!fault_) fault_ = std::move(error);
}

void FieldReader::wrong_type(std::string_view name, std::string_view wanted,
                             json::value const& found) {
  fail(serialization_error(
      fmt::format("{}{} must be {}, not {}", path_, name, wanted, kind_name(found))));
}

std::optional<std::string_view> FieldReader::string(std::string_view name) {
  auto const* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (auto const* text = value->if_string()) return std::string_view(text->data(), text->size());
  wrong_type(name, "a string", *value);
  return std::nullopt;
}

std::optional<std::int64_t> FieldReader::integer(std::string_view name) {
  auto const* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (auto const* number = value->if_int64()) return *number;
  wrong_type(name, "an integer", *value);
  return std::nullopt;
}

std::optional<bool> FieldReader::boolean(std::string_view name) {
  auto const* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (auto const* flag = value->if_bool()) return *flag;
  wrong_type(name, "true or false", *value);
  return std::nullopt;
}

json::object const* FieldReader::object(std::string_view name) {
  auto const* value = find(name);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return &value->get_object();
  wrong_type(name, "an object", *value);
  return nullptr;
}

json::array const* FieldReader::array(std::string_view name) {
  auto const* value = find(name);
  if (value == nullptr) return nullptr;
  if (value->is_array()) return &value->get_array();
  wrong_type(name, "an array", *value);
  return nullptr;
}

std::optional<std::map<std::string, std::string>> FieldReader::strings(std::string_view name) {
  auto const* members = object(name);
  if (members == nullptr) return std::nullopt;
  std::map<std::string, std::string> result;
  for (auto const& [key, value] : *members) {
    if (!value.is_string()) {
      wrong_type(fmt::format("{}.{}", name, std::string_view(key.data(), key.size())), "a string",
                 value);
      return std::nullopt;
    }
    result.emplace(std::string(key), std::string(value.get_string()));
  }
  return result;
}

std::optional<std::map<std::string, double>> FieldReader::numbers(std::string_view name) {
  auto const* members = object(name);
  if (members == nullptr) return std::nullopt;
  std::map<std::string, double> result;
  for (auto const& [key, value] : *members) {
    if (!value.is_number()) {
      wrong_type(fmt::format("{}.{}", name, std::string_view(key.data(), key.size())), "a number",
                 value);
      return std::nullopt;
    }
    result.emplace(std::string(key), value.to_number<double>());
  }
  return result;
}

LambdaResult<void> FieldReader::finish() {
  if (fault_) return *fault_;
  for (auto const& [key, value] : object_) {
    if (!asked_.contains(std::string_view(key.data(), key.size()))) {
      return invalid_parameter(fmt::format("Unknown field {}. Remove it, or check its spelling.",
                                           in_quotes(path_ + std::string(key))));
    }
  }
  return {};
}

}  // namespace faas::inline v0::http
