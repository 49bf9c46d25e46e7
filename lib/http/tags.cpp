#include "http/tags.hpp"

#include <fmt/format.h>

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kMost = 50;
constexpr std::size_t kKeyLength = 128;
constexpr std::size_t kValueLength = 256;

}  // namespace

LambdaResult<void> check_tags(Tags const& tags) {
  if (tags.size() > kMost) {
    return invalid_parameter(fmt::format(
        "Number of tags exceeds resource tag limit. A function has at most {} tags; these are {}.",
        kMost, tags.size()));
  }
  for (auto const& [key, value] : tags) {
    if (key.empty() || key.size() > kKeyLength)
      return invalid_parameter(
          fmt::format("A tag's key has 1 to {} characters; one has {}.", kKeyLength, key.size()));
    if (value.size() > kValueLength) {
      return invalid_parameter(
          fmt::format("The value of a tag has at most {} characters; that of "
                      "'{}' has {}.",
                      kValueLength, key, value.size()));
    }
    if (key.starts_with("aws:"))
      return invalid_parameter("A tag's key cannot begin with 'aws:': that is Amazon's.");
  }
  return {};
}

AttributeKey tags_key() { return {"tags", {}}; }

std::string to_attribute(Tags const& tags) { return json::serialize(to_json(tags)); }

Tags tags_of(FunctionSettings const& settings) {
  Tags tags;
  auto const found = settings.attributes.find(tags_key());
  if (found == settings.attributes.end()) return tags;
  boost::system::error_code error;
  auto const value = json::parse(found->second, error);
  if (error || !value.is_object()) return tags;
  for (auto const& [key, text] : value.get_object())
    if (text.is_string()) tags.emplace(std::string(key), std::string(text.get_string()));
  return tags;
}

json::object to_json(Tags const& tags) {
  json::object out;
  for (auto const& [key, value] : tags) out[key] = value;
  return out;
}

}  // namespace faas::inline v0::http
