#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/manifest_reader.hpp"

namespace faas::inline v0 {
namespace control {
namespace {

bool is_word(std::string_view text, std::string_view further) {
  return !text.empty() && std::ranges::all_of(text, [further](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           further.find(c) != std::string_view::npos;
  });
}

double percent_at(Node const& node, std::string_view what) {
  auto const& text = text_of(node, what);
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 100))
    throw Complaint{node.line, fmt::format("{} must be a percentage from 0 to 100, not '{}'", what,
                                           text.substr(0, 40))};
  return value;
}

Weights read_weights(Node const& node) {
  Weights weights;
  Fields fields(node, "weights");
  for (auto const& [version, line, value] : node.members) {
    if (!is_version(version))
      throw Complaint{line, fmt::format("'{}' is no version's number", version)};
    weights[version] = percent_at(value, "weights." + version);
  }
  return weights;
}

ManifestAlias read_alias(Node const& node, std::string const& name) {
  Fields fields(node, "aliases." + name);
  ManifestAlias alias;
  auto const version = fields.text("version");
  if (!version || !(is_version(*version) || *version == kPublished || *version == kNone)) {
    throw Complaint{fields.line(),
                    fmt::format("aliases.{} needs a version: a number, '{}' for what the function "
                                "is now, or '{}' for no such alias",
                                name, kPublished, kNone)};
  }
  alias.version = *version;
  if (auto const* weights = fields.node("weights")) alias.weights = read_weights(*weights);
  alias.description = fields.text("description").value_or("");
  fields.finish();
  return alias;
}

void read_aliases(Fields& fields, ManifestFunction& f) {
  auto const* node = fields.node("aliases");
  if (node == nullptr) return;
  Fields aliases(*node, "aliases");
  for (auto const& [name, line, value] : node->members) {
    check_alias_name(name, line);
    f.aliases.emplace(name, read_alias(value, name));
  }
}

void read_provisioned(Fields& fields, ManifestFunction& f) {
  auto const* node = fields.node("provisioned");
  if (node == nullptr) return;
  Fields provisioned(*node, "provisioned");
  for (auto const& [qualifier, line, value] : node->members)
    f.provisioned[qualifier] = number_of(value, "provisioned." + qualifier, 0, kMaxCalls);
}

void read_reserved(Fields& fields, ManifestFunction& f) {
  auto const* node = fields.node("reserved_concurrency");
  if (node == nullptr) return;
  f.reserved.emplace();
  if (node->kind == Node::Kind::scalar && node->text == "none") return;
  f.reserved->calls = number_of(*node, "reserved_concurrency", 0, kMaxCalls);
}

ManifestFunction read_function(std::string const& name, Node const& node, std::size_t line,
                               std::string const& origin) {
  check_function_name(name, line);
  Fields fields(node, name);
  ManifestFunction f;
  f.name = name;
  f.line = line;
  f.runtime = fields.text("runtime").value_or("");
  f.handler = fields.text("handler").value_or(usual_handler(f.runtime));
  if (auto const code = fields.text("code")) f.code = path_beside(origin, *code);
  f.memory = fields.number("memory", 128, kMaxMemory).value_or(f.memory);
  f.timeout = fields.number("timeout", 1, kMaxTimeout).value_or(f.timeout);
  f.tmp = fields.number("tmp", 512, kMaxMemory).value_or(f.tmp);
  f.capacity = fields.number("capacity", 1, kMaxCapacity).value_or(f.capacity);
  f.description = fields.text("description").value_or("");
  if (auto variables = fields.texts("environment")) f.environment = std::move(*variables);
  if (auto layers = fields.list("layers")) f.layers = std::move(*layers);
  if (auto tags = fields.texts("tags")) f.tags = std::move(*tags);
  read_reserved(fields, f);
  read_aliases(fields, f);
  read_provisioned(fields, f);
  fields.finish();
  return f;
}

}  // namespace

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 18 && text[0] != '0' &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_stack_name(std::string_view text) { return is_word(text, "._-") && text.size() <= 128; }

void check_function_name(std::string_view name, std::size_t line) {
  if (is_word(name, "-_") && name.size() <= 64) return;
  throw Complaint{line, fmt::format("'{}' is no name of a function: 1 to 64 of a-z A-Z 0-9 - _",
                                    name.substr(0, 80))};
}

void check_alias_name(std::string_view name, std::size_t line) {
  bool const number = name.find_first_not_of("0123456789") == std::string_view::npos;
  if (is_word(name, "-_") && name.size() <= 128 && !number) return;
  throw Complaint{line, fmt::format("'{}' is no name of an alias: 1 to 128 of a-z A-Z 0-9 - _, not "
                                    "a number",
                                    name.substr(0, 140))};
}

std::string usual_handler(std::string_view runtime) {
  if (runtime.empty()) return {};
  if (runtime.starts_with("python")) return "lambda_function.lambda_handler";
  if (runtime.starts_with("nodejs")) return "index.handler";
  return "bootstrap";
}

std::string path_beside(std::string const& origin, std::string const& path) {
  auto const whole = std::filesystem::path(origin).parent_path() / path;
  return whole.lexically_normal().string();
}

void read_own_form(Node const& root, Manifest& into) {
  Fields fields(root, "the file");
  if (auto stack = fields.text("stack")) {
    if (!is_stack_name(*stack))
      throw Complaint{root.find("stack")->line, "stack must be 1 to 128 of a-z A-Z 0-9 . _ -"};
    into.stack = std::move(*stack);
    into.stack_named = true;
  }
  auto const* functions = fields.node("functions");
  fields.finish("; a SAM template has Resources");
  if (functions == nullptr)
    throw Complaint{root.line, "there is no 'functions' map; an empty one is written {}"};
  Fields named(*functions, "functions");
  for (auto const& [name, line, value] : functions->members)
    into.functions.push_back(read_function(name, value, line, into.origin));
}

}  // namespace control

Result<Manifest> read_manifest(std::string_view text, std::string const& origin) {
  auto const root = control::read_document(text, origin);
  if (!root) return root.error();
  Manifest manifest;
  manifest.origin = origin;
  auto const stem = std::filesystem::path(origin).stem().string();
  if (control::is_stack_name(stem)) manifest.stack = stem;
  try {
    if (control::is_template(*root)) {
      control::read_template(*root, manifest);
    } else {
      control::read_own_form(*root, manifest);
    }
  } catch (control::Complaint const& complaint) {
    return control::complaint_at(origin, std::max<std::size_t>(complaint.line, 1), complaint.what);
  }
  return manifest;
}

Result<Manifest> read_manifest_file(std::string const& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(control::kDocumentBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (errno == EISDIR && file.gcount() == 0)) {
    auto const code = errno == ENOENT ? Errc::not_found : errno == EACCES ? Errc::denied : Errc::io;
    return Error{code, fmt::format("{} cannot be read: {}", path, std::strerror(errno)), "",
                 "usage"};
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return read_manifest(text, path);
}

}  // namespace faas::inline v0
