#include "http/configuration.hpp"

#include "http/function_ref.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace faas::inline v0::http {
namespace {

#if defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
constexpr std::string_view kArchitecture = "x86_64";
#endif

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }

json::object stored_of(Function const& function) {
  auto const found = function.annotations.find(std::string(kAnnotation));
  if (found == function.annotations.end()) return {};
  boost::system::error_code error;
  auto value = json::parse(found->second, error);
  return !error && value.is_object() ? value.get_object() : json::object{};
}

void set_limits(Limits& limits, ConfigurationFields const& fields) {
  if (fields.memory) limits.memory = Bytes{static_cast<std::uint64_t>(*fields.memory) << 20};
  if (fields.tmp) limits.tmp = Bytes{static_cast<std::uint64_t>(*fields.tmp) << 20};
  if (fields.capacity) limits.capacity = static_cast<unsigned>(*fields.capacity);
  if (fields.timeout) limits.timeout = milliseconds(*fields.timeout * 1000);
}

void merge(json::object& into, json::object const& from) {
  for (auto const& [key, value] : from) into[key] = value;
}

void add_environment(json::object& out, Function const& function) {
  if (function.environment.empty()) return;
  json::object variables;
  for (auto const& [name, value] : function.environment) variables[name] = value;
  out["Environment"] = json::object{{"Variables", std::move(variables)}};
}

// As they were named. A host may have given others since, which have no names.
void add_layers(json::object& out, Function const& function, json::object const& stored) {
  auto const* layers = stored.if_contains("Layers");
  if (layers == nullptr || !layers->is_array() || function.layers.empty()) return;
  if (layers->get_array().size() == function.layers.size()) out["Layers"] = *layers;
}

void add_capacity(json::object& out, Function const& function, std::string_view region,
                  json::object const& stored) {
  auto const* arn = stored.if_contains("CapacityProviderArn");
  if (arn == nullptr && function.limits.capacity == 1) return;
  json::object managed;
  managed["CapacityProviderArn"] =
      arn != nullptr ? *arn
                     : json::value(fmt::format("arn:aws:lambda:{}:{}:capacity-provider:this-host",
                                               region, function.name.account));
  managed["PerExecutionEnvironmentMaxConcurrency"] = function.limits.capacity;
  out["CapacityProviderConfig"] =
      json::object{{"LambdaManagedInstancesCapacityProviderConfig", std::move(managed)}};
}

void add_stored(json::object& out, Function const& function, json::object const& stored) {
  auto const* role = stored.if_contains("Role");
  out["Role"] = role != nullptr
                    ? *role
                    : json::value(fmt::format("arn:aws:iam::{}:role/none", function.name.account));
  auto const* tracing = stored.if_contains("TracingConfig");
  out["TracingConfig"] = tracing != nullptr ? *tracing : json::value{{"Mode", "PassThrough"}};
  for (auto const* name : {"DeadLetterConfig", "KMSKeyArn"}) {
    if (auto const* value = stored.if_contains(name)) out[name] = *value;
  }
  if (auto const* vpc = stored.if_contains("VpcConfig"); vpc != nullptr && vpc->is_object()) {
    auto copy = vpc->get_object();
    copy["VpcId"] = "";
    out["VpcConfig"] = std::move(copy);
  }
  auto const* logging = stored.if_contains("LoggingConfig");
  auto const* group = logging != nullptr ? logging->get_object().if_contains("LogGroup") : nullptr;
  out["LoggingConfig"] = json::object{
      {"LogFormat", "Text"},
      {"LogGroup", group != nullptr ? *group : json::value("/aws/lambda/" + function.name.name)}};
}

}  // namespace

std::string lambda_time(SystemTime time) {
  auto const millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}+0000",
                     fmt::gmtime(static_cast<std::time_t>(millis / 1000)), millis % 1000);
}

Function to_function(FunctionName name, ConfigurationFields const& fields) {
  Function function;
  function.name = std::move(name);
  function.runtime = fields.runtime.value_or("");
  function.handler = fields.handler.value_or("");
  function.description = fields.description.value_or("");
  function.environment = fields.environment.value_or(std::map<std::string, std::string>{});
  function.layers = fields.layers.value_or(std::vector<Digest>{});
  set_limits(function.limits, fields);
  function.annotations[std::string(kAnnotation)] = json::serialize(fields.stored);
  return function;
}

FunctionUpdate to_update(Function const& current, ConfigurationFields const& fields) {
  FunctionUpdate update;
  update.runtime = fields.runtime;
  update.handler = fields.handler;
  update.description = fields.description;
  update.environment = fields.environment;
  update.layers = fields.layers;
  update.limits = current.limits;
  set_limits(*update.limits, fields);
  auto stored = stored_of(current);
  merge(stored, fields.stored);
  update.annotations = current.annotations;
  (*update.annotations)[std::string(kAnnotation)] = json::serialize(stored);
  return update;
}

json::object to_json(FunctionInfo const& info, std::string_view region, std::string_view qualifier,
                     Detail detail) {
  auto const& function = info.function;
  json::object out;
  out["FunctionName"] = function.name.name;
  out["FunctionArn"] = qualified_arn(function.name, region, qualifier);
  out["Runtime"] = function.runtime;
  out["Handler"] = function.handler;
  out["CodeSize"] = info.code_size.count;
  out["Description"] = function.description;
  out["Timeout"] =
      std::chrono::duration_cast<std::chrono::seconds>(function.limits.timeout).count();
  out["MemorySize"] = function.limits.memory.mib();
  out["LastModified"] = lambda_time(info.last_modified);
  out["CodeSha256"] = info.code_sha256;
  out["Version"] = info.version;
  auto const stored = stored_of(function);
  add_stored(out, function, stored);
  add_capacity(out, function, region, stored);
  add_environment(out, function);
  add_layers(out, function, stored);
  out["RevisionId"] = info.revision_uuid;
  if (detail == Detail::full) {
    out["State"] = "Active";
    out["LastUpdateStatus"] = "Successful";
  }
  out["PackageType"] = "Zip";
  out["Architectures"] = json::array{view(kArchitecture)};
  out["EphemeralStorage"] = json::object{{"Size", function.limits.tmp.mib()}};
  out["SnapStart"] = json::object{{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}};
  out["RuntimeVersionConfig"] =
      json::object{{"RuntimeVersionArn",
                    fmt::format("arn:aws:lambda:{}::runtime:{}", region, function.runtime)}};
  return out;
}

}  // namespace faas::inline v0::http
