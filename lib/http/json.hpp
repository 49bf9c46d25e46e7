// Reading JSON so that every complaint names a place: line and column, or the field.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "http/function_ref.hpp"

namespace faas::inline v0::http {

namespace json = boost::json;

// What is wrong with `text` as one JSON value, e.g. "syntax error at line 2, column 7"; nothing: it
// is one. Builds no tree.
std::optional<std::string> json_fault(std::string_view text);

// The tree is shared so that views into its strings can outlive the call.
LambdaResult<std::shared_ptr<json::object const>> parse_object(std::string_view text);

// The same where a client may leave the body out.
LambdaResult<std::shared_ptr<json::object const>> parse_optional_object(std::string_view text);

// Reads members of one object. The first fault is kept and everything after it reads as absent, so
// that callers read all they want and ask once. A member that is null counts as absent.
class FieldReader {
 public:
  // `path` precedes the names in messages: "Environment.".
  explicit FieldReader(json::object const& object, std::string path = {})
      : object_(object), path_(std::move(path)) {}

  std::optional<std::string_view> string(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  json::object const* object(std::string_view name);
  json::array const* array(std::string_view name);
  std::optional<std::map<std::string, std::string>> strings(std::string_view name);
  std::optional<std::map<std::string, double>> numbers(std::string_view name);

  bool given(std::string_view name) { return find(name) != nullptr; }

  void fail(LambdaError error);
  // The first fault, or a member that nobody asked for.
  LambdaResult<void> finish();
  std::string const& path() const { return path_; }

 private:
  json::value const* find(std::string_view name);
  void wrong_type(std::string_view name, std::string_view wanted, json::value const& found);

  json::object const& object_;
  std::string path_;
  std::set<std::string_view> asked_;
  std::optional<LambdaError> fault_;
};

}  // namespace faas::inline v0::http
