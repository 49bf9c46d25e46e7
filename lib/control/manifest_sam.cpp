// The subset of the Serverless Application Model that needs no CloudFormation to mean something.
#include <fmt/format.h>

#include <algorithm>

#include "control/manifest_reader.hpp"

namespace faas::inline v0::control {
namespace {

constexpr std::string_view kFunctionType = "AWS::Serverless::Function";
constexpr std::string_view kHint = " (faasd reads no more of AWS::Serverless::Function)";

// Of one function, or of Globals.Function below it.
struct Properties {
  std::optional<std::string> runtime, handler, code, description, name, publish;
  std::optional<std::uint64_t> memory, timeout, tmp, reserved, provisioned;
  std::map<std::string, std::string> environment;
  std::optional<std::vector<std::string>> layers;
  std::map<std::string, std::string> tags;
};

std::optional<std::string> read_code(Fields& fields) {
  auto const code = fields.text("CodeUri");
  if (code && code->starts_with("s3://"))
    throw Complaint{fields.node("CodeUri")->line,
                    "CodeUri names a bucket; faasd reads a directory or a zip beside the template"};
  return code;
}

void read_environment(Fields& fields, Properties& p) {
  auto const* node = fields.node("Environment");
  if (node == nullptr) return;
  Fields inner(*node, "Environment");
  if (auto variables = inner.texts("Variables")) p.environment = std::move(*variables);
  inner.finish();
}

std::optional<std::uint64_t> read_inner_number(Fields& fields, std::string_view outer,
                                               std::string_view key, std::uint64_t low,
                                               std::uint64_t high) {
  auto const* node = fields.node(outer);
  if (node == nullptr) return std::nullopt;
  Fields inner(*node, std::string(outer));
  auto const value = inner.number(key, low, high);
  inner.finish();
  return value;
}

// What says no more than what is so anyway.
void check_architecture(Fields& fields) {
  auto const architectures = fields.list("Architectures");
  auto const* node = fields.node("Architectures");
#if defined(__aarch64__)
  std::string const own = "arm64";
#else
  std::string const own = "x86_64";
#endif
  if (architectures && *architectures != std::vector{own})
    throw Complaint{node->line, fmt::format("Architectures: this host runs {}", own)};
  auto const package = fields.text("PackageType");
  if (package && *package != "Zip")
    throw Complaint{fields.node("PackageType")->line,
                    "PackageType: faasd runs no images, only Zip"};
}

Properties read_properties(Fields& fields) {
  Properties p;
  p.runtime = fields.text("Runtime");
  p.handler = fields.text("Handler");
  p.code = read_code(fields);
  p.description = fields.text("Description");
  p.publish = fields.text("AutoPublishAlias");
  p.memory = fields.number("MemorySize", 128, kMaxMemory);
  p.timeout = fields.number("Timeout", 1, kMaxTimeout);
  p.tmp = read_inner_number(fields, "EphemeralStorage", "Size", 512, kMaxMemory);
  p.reserved = fields.number("ReservedConcurrentExecutions", 0, kMaxCalls);
  p.provisioned = read_inner_number(fields, "ProvisionedConcurrencyConfig",
                                    "ProvisionedConcurrentExecutions", 1, kMaxCalls);
  read_environment(fields, p);
  p.layers = fields.list("Layers");
  if (auto tags = fields.texts("Tags")) p.tags = std::move(*tags);
  check_architecture(fields);
  return p;
}

// As SAM merges: lists and maps are joined, a function's own value wins.
Properties merged(Properties p, Properties const& globals) {
  auto const other = [](auto& own, auto const& global) {
    if (!own) own = global;
  };
  other(p.runtime, globals.runtime);
  other(p.handler, globals.handler);
  other(p.code, globals.code);
  other(p.description, globals.description);
  other(p.publish, globals.publish);
  other(p.memory, globals.memory);
  other(p.timeout, globals.timeout);
  other(p.tmp, globals.tmp);
  other(p.reserved, globals.reserved);
  other(p.provisioned, globals.provisioned);
  p.environment.insert(globals.environment.begin(), globals.environment.end());
  p.tags.insert(globals.tags.begin(), globals.tags.end());
  if (globals.layers) {
    if (!p.layers) p.layers.emplace();
    p.layers->insert(p.layers->begin(), globals.layers->begin(), globals.layers->end());
  }
  return p;
}

ManifestFunction to_function(Properties p, std::string const& logical, std::size_t line,
                             std::string const& origin) {
  ManifestFunction f;
  f.name = p.name.value_or(logical);
  check_function_name(f.name, line);
  f.line = line;
  if (!p.runtime) throw Complaint{line, fmt::format("{} has no Runtime", logical)};
  if (!p.handler) throw Complaint{line, fmt::format("{} has no Handler", logical)};
  if (!p.code) throw Complaint{line, fmt::format("{} has no CodeUri", logical)};
  f.runtime = *p.runtime;
  f.handler = *p.handler;
  f.code = path_beside(origin, *p.code);
  f.description = p.description.value_or("");
  f.memory = p.memory.value_or(f.memory);
  f.timeout = p.timeout.value_or(f.timeout);
  f.tmp = p.tmp.value_or(f.tmp);
  f.environment = std::move(p.environment);
  f.layers = std::move(p.layers).value_or(std::vector<std::string>());
  f.tags = std::move(p.tags);
  if (p.reserved) f.reserved = ReservedCalls{*p.reserved};
  if (p.publish) check_alias_name(*p.publish, line);
  if (p.publish) f.aliases = {{*p.publish, {std::string(kPublished), {}, ""}}};
  if (p.provisioned && !p.publish)
    throw Complaint{
        line, fmt::format("{}: ProvisionedConcurrencyConfig needs AutoPublishAlias", logical)};
  if (p.provisioned) f.provisioned = {{*p.publish, *p.provisioned}};
  return f;
}

Properties read_globals(Fields& root) {
  auto const* globals = root.node("Globals");
  if (globals == nullptr) return {};
  Fields kinds(*globals, "Globals");
  auto const* function = kinds.node("Function");
  kinds.finish(" (faasd reads Globals.Function alone)");
  if (function == nullptr) return {};
  Fields fields(*function, "Globals.Function");
  auto p = read_properties(fields);
  fields.finish(kHint);
  return p;
}

void read_resource(std::string const& logical, Node const& node, std::size_t line,
                   Properties const& globals, Manifest& into) {
  Fields resource(node, logical);
  auto const type = resource.text("Type");
  if (!type) throw Complaint{line, fmt::format("{} has no Type", logical)};
  if (*type != kFunctionType) {
    into.notes.push_back(fmt::format("{} ({}) is ignored", logical, *type));
    return;
  }
  resource.ignore("Metadata");
  Properties own;
  if (auto const* properties = resource.node("Properties")) {
    Fields fields(*properties, logical);
    own = read_properties(fields);
    own.name = fields.text("FunctionName");
    fields.finish(kHint);
  }
  resource.finish();
  into.functions.push_back(
      to_function(merged(std::move(own), globals), logical, line, into.origin));
}

void check_names(Manifest const& manifest) {
  for (auto f = manifest.functions.begin(); f != manifest.functions.end(); ++f) {
    auto const twin =
        std::ranges::find(manifest.functions.begin(), f, f->name, &ManifestFunction::name);
    if (twin != f)
      throw Complaint{
          f->line, fmt::format("line {} already has a function named '{}'", twin->line, f->name)};
  }
}

}  // namespace

bool is_template(Node const& root) {
  return root.find("Resources") != nullptr || root.find("AWSTemplateFormatVersion") != nullptr ||
         root.find("Transform") != nullptr;
}

void read_template(Node const& root, Manifest& into) {
  Fields fields(root, "the template");
  for (auto const* key :
       {"AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Outputs"})
    fields.ignore(key);
  auto const globals = read_globals(fields);
  auto const* resources = fields.node("Resources");
  fields.finish(" (faasd resolves no parameters, mappings or conditions)");
  if (resources == nullptr) throw Complaint{root.line, "the template has no Resources"};
  Fields named(*resources, "Resources");
  for (auto const& [logical, line, value] : resources->members)
    read_resource(logical, value, line, globals, into);
  check_names(into);
}

}  // namespace faas::inline v0::control
