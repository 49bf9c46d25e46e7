#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.hpp"
#include "control/manifest_reader.hpp"

namespace faas::inline v0 {
namespace {

namespace json = boost::json;

// A longer key must not stand before its colon on one line (YAML 1.2, 7.4.2: 1024).
constexpr std::size_t kSimpleKey = 1000;

// What any reader of YAML takes for the text that it is.
bool is_plain(std::string_view text) {
  constexpr std::string_view kOther[] = {"null", "true", "false", "yes", "no",
                                         "on",   "off",  "y",     "n"};
  auto const word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (text.empty() || !word(text[0])) return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (std::ranges::find(kOther, lower) != std::end(kOther)) return false;
  return std::ranges::all_of(text, [&](char c) {
    return word(c) || (c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-';
  });
}

std::string quoted(std::string_view text) {
  std::string out;
  for (char c : json_quote(text)) {
    if (c == 0x7f) {
      out += "\\u007f";
    } else {
      out += c;
    }
  }
  return out;
}

std::string yaml_text(std::string_view text) {
  return is_plain(text) ? std::string(text) : quoted(text);
}

json::object to_json(std::map<std::string, std::string> const& texts) {
  json::object out;
  for (auto const& [key, value] : texts) out[key] = value;
  return out;
}

json::object to_json(ManifestAlias const& alias) {
  json::object out{{"version", alias.version}};
  for (auto const& [version, percent] : alias.weights) {
    if (!out.contains("weights")) out["weights"].emplace_object();
    out["weights"].get_object()[version] = fmt::format("{:.6g}", percent);
  }
  if (!alias.description.empty()) out["description"] = alias.description;
  return out;
}

// In the order of the header's example; what is Lambda's default is left out, but for what a reader
// looks for first.
json::object to_json(ManifestFunction const& f) {
  ManifestFunction const usual;
  json::object out;
  if (!f.runtime.empty()) out["runtime"] = f.runtime;
  if (!f.handler.empty()) out["handler"] = f.handler;
  if (!f.code.empty()) out["code"] = f.code;
  out["memory"] = f.memory;
  out["timeout"] = f.timeout;
  if (f.tmp != usual.tmp) out["tmp"] = f.tmp;
  if (f.capacity != usual.capacity) out["capacity"] = f.capacity;
  if (!f.environment.empty()) out["environment"] = to_json(f.environment);
  if (!f.description.empty()) out["description"] = f.description;
  for (auto const& layer : f.layers) {
    if (!out.contains("layers")) out["layers"].emplace_array();
    out["layers"].get_array().push_back(json::value(layer));
  }
  if (!f.tags.empty()) out["tags"] = to_json(f.tags);
  if (f.reserved) {
    out["reserved_concurrency"] =
        f.reserved->calls ? json::value(*f.reserved->calls) : json::value("none");
  }
  for (auto const& [name, alias] : f.aliases) {
    if (!out.contains("aliases")) out["aliases"].emplace_object();
    out["aliases"].get_object()[name] = to_json(alias);
  }
  for (auto const& [qualifier, count] : f.provisioned) {
    if (!out.contains("provisioned")) out["provisioned"].emplace_object();
    out["provisioned"].get_object()[qualifier] = count;
  }
  return out;
}

void print(std::string& out, json::value const& value, std::size_t indent);

void print_members(std::string& out, json::object const& object, std::size_t indent) {
  for (auto const& [key, value] : object) {
    auto const name = yaml_text(key);
    auto const margin = std::string(indent, ' ');
    out += name.size() <= kSimpleKey ? margin + name + ":"
                                     : margin + "? " + name + "\n" + margin + ":";
    print(out, value, indent + 2);
  }
}

// After "key:", or at the beginning of an item.
void print(std::string& out, json::value const& value, std::size_t indent) {
  if (value.is_object() && !value.get_object().empty()) {
    out += '\n';
    print_members(out, value.get_object(), indent);
  } else if (value.is_array()) {
    out += '\n';
    for (auto const& item : value.get_array())
      out += std::string(indent, ' ') + "- " + yaml_text(item.get_string()) + "\n";
  } else {
    out +=
        " " + (value.is_string() ? yaml_text(value.get_string()) : json::serialize(value)) + "\n";
  }
}

}  // namespace

std::string write_manifest(Manifest const& manifest, ManifestForm form) {
  json::object functions;
  for (auto const& f : manifest.functions) functions[f.name] = to_json(f);
  json::object root;
  if (manifest.stack_named) root["stack"] = manifest.stack;
  root["functions"] = std::move(functions);
  if (form == ManifestForm::json) return json::serialize(root) + "\n";
  std::string out;
  print_members(out, root, 0);
  return out;
}

}  // namespace faas::inline v0
