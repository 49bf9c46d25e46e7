// The members of CreateFunction and the two updates, each checked as Lambda checks it. A member
// that asks for something this version does not do is refused: accepting it in silence would be a
// lie.
#include <fmt/format.h>

#include <algorithm>

#include "http/configuration.hpp"
#include "http/constraints.hpp"
#include "http/layer_ref.hpp"
#include "http/tags.hpp"

namespace faas::inline v0::http {
namespace {

#if defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
constexpr std::string_view kArchitecture = "x86_64";
#endif

constexpr char const* kResource = "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()";
constexpr char const* kCapacityProvider =
    "arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:"
    "capacity-provider:[a-zA-Z0-9-_]+";

LambdaError not_yet(std::string_view what) {
  return invalid_parameter(
      fmt::format("{} is not available in this version of faas. Leave it out.", what));
}

bool is_role(std::string_view text) {
  if (!text.starts_with("arn:aws")) return false;
  auto const iam = text.find(":iam::");
  if (iam == std::string_view::npos) return false;
  auto const rest = text.substr(iam + 6);
  return rest.size() > 18 &&
         std::ranges::all_of(rest.substr(0, 12), [](char c) { return c >= '0' && c <= '9'; }) &&
         rest.substr(12, 6) == ":role/" && rest.find_first_of(" \t\r\n") == std::string_view::npos;
}

void read_role(FieldReader& fields, ConfigurationFields& out) {
  auto const role = fields.string("Role");
  if (!role) return;
  if (!is_role(*role)) {
    fields.fail(
        constraint_error(in_quotes(*role), "role",
                         "satisfy regular expression pattern: "
                         "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"));
  }
  out.stored["Role"] = json::string_view(role->data(), role->size());
}

void read_handler(FieldReader& fields, ConfigurationFields& out) {
  out.handler = sized(fields, "Handler", {.most = 128});
  if (out.handler && out.handler->find_first_of(" \t\r\n") != std::string::npos) {
    fields.fail(constraint_error(in_quotes(*out.handler), "handler",
                                 "satisfy regular expression pattern: [^\\s]+"));
  }
}

void read_environment(FieldReader& fields, ConfigurationFields& out) {
  auto const* environment = fields.object("Environment");
  if (environment == nullptr) return;
  FieldReader inner(*environment, "Environment.");
  out.environment = inner.strings("Variables");
  if (!out.environment) out.environment.emplace();
  if (auto r = inner.finish(); !r) fields.fail(r.error());
}

void read_tmp(FieldReader& fields, ConfigurationFields& out) {
  auto const* storage = fields.object("EphemeralStorage");
  if (storage == nullptr) return;
  FieldReader inner(*storage, "EphemeralStorage.");
  require(inner, "Size");
  out.tmp = ranged(inner, "Size", 512, 10'240);
  if (auto r = inner.finish(); !r) fields.fail(r.error());
}

void read_tracing(FieldReader& fields, ConfigurationFields& out) {
  auto const* tracing = fields.object("TracingConfig");
  if (tracing == nullptr) return;
  FieldReader inner(*tracing, "TracingConfig.");
  auto const mode = inner.string("Mode");
  if (mode && *mode != "Active" && *mode != "PassThrough") {
    inner.fail(constraint_error(in_quotes(*mode), "tracingConfig.mode",
                                "satisfy enum value set: [Active, PassThrough]"));
  }
  if (auto r = inner.finish(); !r) fields.fail(r.error());
  out.stored["TracingConfig"] = *tracing;
}

void read_logging(FieldReader& fields, ConfigurationFields& out) {
  auto const* logging = fields.object("LoggingConfig");
  if (logging == nullptr) return;
  FieldReader inner(*logging, "LoggingConfig.");
  auto const format = inner.string("LogFormat");
  matching(inner, "LogGroup", "[\\.\\-_/#A-Za-z0-9]+", {1, 512});
  if (format && *format != "Text") inner.fail(not_yet("A LoggingConfig.LogFormat other than Text"));
  if (inner.string("ApplicationLogLevel")) inner.fail(not_yet("LoggingConfig.ApplicationLogLevel"));
  if (inner.string("SystemLogLevel")) inner.fail(not_yet("LoggingConfig.SystemLogLevel"));
  if (auto r = inner.finish(); !r) fields.fail(r.error());
  out.stored["LoggingConfig"] = *logging;
}

void read_snap_start(FieldReader& fields) {
  auto const* snap_start = fields.object("SnapStart");
  if (snap_start == nullptr) return;
  FieldReader inner(*snap_start, "SnapStart.");
  auto const apply = inner.string("ApplyOn");
  if (apply && *apply != "None") inner.fail(not_yet("A SnapStart.ApplyOn other than None"));
  if (auto r = inner.finish(); !r) fields.fail(r.error());
}

void read_list(FieldReader& fields, char const* name, std::size_t most) {
  auto const* list = fields.array(name);
  if (list == nullptr || list->size() <= most) return;
  fields.fail(constraint_error(in_quotes(json::serialize(*list)), member_name(fields.path() + name),
                               fmt::format("have length less than or equal to {}", most)));
}

// Kept and given back, acted on by nothing.
void read_network(FieldReader& fields, ConfigurationFields& out) {
  auto const* vpc = fields.object("VpcConfig");
  if (vpc == nullptr) return;
  FieldReader inner(*vpc, "VpcConfig.");
  read_list(inner, "SubnetIds", 16);
  read_list(inner, "SecurityGroupIds", 5);
  inner.boolean("Ipv6AllowedForDualStack");
  if (auto r = inner.finish(); !r) fields.fail(r.error());
  out.stored["VpcConfig"] = *vpc;
}

// Likewise, until there is an event queue.
void read_dead_letter(FieldReader& fields, ConfigurationFields& out) {
  auto const* config = fields.object("DeadLetterConfig");
  if (config == nullptr) return;
  FieldReader inner(*config, "DeadLetterConfig.");
  matching(inner, "TargetArn", kResource);
  if (auto r = inner.finish(); !r) fields.fail(r.error());
  out.stored["DeadLetterConfig"] = *config;
}

// There is no capacity provider here, its name is kept and given back. What it is asked for is how
// many calls one instance takes at once.
void read_capacity(FieldReader& fields, ConfigurationFields& out) {
  auto const* provider = fields.object("CapacityProviderConfig");
  if (provider == nullptr) return;
  FieldReader outer(*provider, "CapacityProviderConfig.");
  require(outer, "LambdaManagedInstancesCapacityProviderConfig");
  if (auto const* managed = outer.object("LambdaManagedInstancesCapacityProviderConfig")) {
    FieldReader inner(*managed, outer.path() + "LambdaManagedInstancesCapacityProviderConfig.");
    out.capacity = ranged(inner, "PerExecutionEnvironmentMaxConcurrency", 1, 1600);
    require(inner, "CapacityProviderArn");
    if (auto const arn = matching(inner, "CapacityProviderArn", kCapacityProvider, {1, 140}))
      out.stored["CapacityProviderArn"] = json::string_view(arn->data(), arn->size());
    if (inner.given("ExecutionEnvironmentMemoryGiBPerVCpu"))
      inner.fail(not_yet("CapacityProviderConfig's ExecutionEnvironmentMemoryGiBPerVCpu"));
    if (auto r = inner.finish(); !r) outer.fail(r.error());
  }
  if (auto r = outer.finish(); !r) fields.fail(r.error());
}

void read_layers(FieldReader& fields, ConfigurationFields& out) {
  auto const* list = fields.array("Layers");
  if (list == nullptr) return;
  out.layer_arns.emplace();
  for (auto const& item : *list) {
    auto const text = item.is_string() ? std::string(item.get_string()) : json::serialize(item);
    if (!item.is_string() || !parse_layer_version_arn(text)) {
      fields.fail(constraint_error(
          fmt::format("'[{}]'", text.substr(0, 256)), "layers",
          "satisfy constraint: [Member must have length less than or equal to 140, Member must "
          "have length greater than or equal to 1, Member must satisfy regular expression pattern: "
          "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+, Member must "
          "not be null]"));
    }
    out.layer_arns->push_back(text);
  }
  if (list->size() > kMaxLayers) {
    fields.fail(
        invalid_parameter(fmt::format("Cannot reference more than {} layers.", kMaxLayers)));
  }
}

// Members of arrays that must be empty, of objects and strings that must not be there.
void refuse(FieldReader& fields) {
  if (auto const* list = fields.array("FileSystemConfigs"); list != nullptr && !list->empty())
    fields.fail(not_yet("FileSystemConfigs"));
  for (auto const* name : {"ImageConfig", "DurableConfig"}) {
    if (auto const* object = fields.object(name); object != nullptr && !object->empty())
      fields.fail(not_yet(name));
  }
  if (fields.object("TenancyConfig") != nullptr) fields.fail(not_yet("TenancyConfig"));
}

}  // namespace

void read_configuration(FieldReader& fields, ConfigurationFields& out) {
  out.runtime = sized(fields, "Runtime", {.most = 64});
  read_handler(fields, out);
  out.description = sized(fields, "Description", {.most = 256});
  out.timeout = ranged(fields, "Timeout", 1, 900);
  out.memory = ranged(fields, "MemorySize", 128, 10'240);
  read_tmp(fields, out);
  read_environment(fields, out);
  read_role(fields, out);
  read_tracing(fields, out);
  read_logging(fields, out);
  read_snap_start(fields);
  read_capacity(fields, out);
  read_layers(fields, out);
  read_network(fields, out);
  read_dead_letter(fields, out);
  if (auto const key = matching(fields, "KMSKeyArn", kResource)) {
    out.stored["KMSKeyArn"] = json::string_view(key->data(), key->size());
  }
  refuse(fields);
}

bool read_publish(FieldReader& fields) {
  if (fields.string("PublishTo")) fields.fail(not_yet("PublishTo"));
  return fields.boolean("Publish").value_or(false);
}

void read_architectures(FieldReader& fields) {
  auto const* list = fields.array("Architectures");
  if (list == nullptr) return;
  if (list->size() != 1) {
    return fields.fail(constraint_error(
        in_quotes(json::serialize(*list)), "architectures",
        fmt::format("have length {} than or equal to 1", list->empty() ? "greater" : "less")));
  }
  for (auto const& item : *list) {
    if (item.is_string() &&
        std::string_view(item.get_string().data(), item.get_string().size()) == kArchitecture)
      continue;
    fields.fail(
        invalid_parameter(fmt::format("Architectures: this host runs {} only.", kArchitecture)));
  }
}

void read_code(FieldReader& fields, CodeFields& out) {
  out.zip = fields.string("ZipFile");
  out.bucket = fields.string("S3Bucket");
  out.key = fields.string("S3Key");
  if (fields.string("ImageUri")) fields.fail(not_yet("A container image (ImageUri)"));
  if (fields.string("S3ObjectVersion")) fields.fail(not_yet("S3ObjectVersion"));
  if (fields.string("SourceKMSKeyArn")) fields.fail(not_yet("SourceKMSKeyArn"));
}

void read_creation(FieldReader& fields, ConfigurationFields& out, CodeFields& code) {
  out.function_name = fields.string("FunctionName");
  read_configuration(fields, out);
  if (auto const tags = fields.strings("Tags")) {
    if (auto r = check_tags(*tags); !r) fields.fail(r.error());
    out.tags = *tags;
  }
  out.publish = read_publish(fields);
  read_architectures(fields);
  auto const type = fields.string("PackageType");
  if (type && *type != "Zip") fields.fail(not_yet("A PackageType other than Zip"));
  auto const signing = fields.string("CodeSigningConfigArn");
  if (signing && !signing->empty()) fields.fail(not_yet("CodeSigningConfigArn"));
  if (auto const* object = fields.object("Code")) {
    FieldReader inner(*object, "Code.");
    read_code(inner, code);
    if (auto r = inner.finish(); !r) fields.fail(r.error());
  }
}

}  // namespace faas::inline v0::http
