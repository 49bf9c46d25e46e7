#include "control/manifest_existing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "control/json_place.hpp"
#include "control/manifest_reader.hpp"
#include "control/reply_fields.hpp"
#include "fetch/url.hpp"

namespace faas::inline v0::control {
namespace {

namespace json = boost::json;

constexpr auto kManaged = "LambdaManagedInstancesCapacityProviderConfig";
constexpr auto kCapacity = "PerExecutionEnvironmentMaxConcurrency";

std::map<std::string, std::string> texts(json::object const& from) {
  std::map<std::string, std::string> out;
  for (auto const& [key, value] : from) {
    if (value.is_string()) out[key] = value.get_string();
  }
  return out;
}

std::vector<std::string> layers_of(json::object const& configuration) {
  std::vector<std::string> out;
  for (auto const& layer : list(configuration, "Layers")) {
    if (layer.is_object()) out.push_back(text(layer.get_object(), "Arn"));
  }
  return out;
}

ManifestFunction configuration_of(json::object const& c) {
  ManifestFunction f;
  f.name = text(c, "FunctionName");
  f.runtime = text(c, "Runtime");
  f.handler = text(c, "Handler");
  f.memory = number(c, "MemorySize");
  f.timeout = number(c, "Timeout");
  auto const storage = object(c, "EphemeralStorage");
  if (storage.contains("Size")) f.tmp = number(storage, "Size");
  auto const managed = object(object(c, "CapacityProviderConfig"), kManaged);
  if (managed.contains(kCapacity)) f.capacity = number(managed, kCapacity);
  f.environment = texts(object(object(c, "Environment"), "Variables"));
  f.description = text(c, "Description");
  f.layers = layers_of(c);
  return f;
}

// A version and $LATEST behave the same; what they are called is not compared.
bool same_function(json::object const& one, json::object const& other) {
  if (text(one, "CodeSha256") != text(other, "CodeSha256")) return false;
  auto const a = configuration_of(one);
  auto const b = configuration_of(other);
  return a.runtime == b.runtime && a.handler == b.handler && a.memory == b.memory &&
         a.timeout == b.timeout && a.tmp == b.tmp && a.capacity == b.capacity &&
         a.environment == b.environment && a.layers == b.layers;
}

std::string target_of(std::string const& location) {
  auto const url = fetch::parse_url(location);
  return url ? url->target : std::string();
}

}  // namespace

ExistingFunction existing_of(json::object const& get_function) {
  auto const configuration = object(get_function, "Configuration");
  ExistingFunction there;
  there.state = configuration_of(configuration);
  there.arn = text(configuration, "FunctionArn");
  there.code_sha256 = text(configuration, "CodeSha256");
  there.code_target = target_of(text(object(get_function, "Code"), "Location"));
  there.state.tags = texts(object(get_function, "Tags"));
  if (auto const tag = there.state.tags.extract(std::string(kAppliedTag)))
    there.stack = tag.mapped();
  auto const concurrency = object(get_function, "Concurrency");
  if (concurrency.contains("ReservedConcurrentExecutions"))
    there.state.reserved = ReservedCalls{number(concurrency, "ReservedConcurrentExecutions")};
  return there;
}

void add_newest(ExistingFunction& there, std::vector<VersionSummary> const& versions,
                json::object const& configuration) {
  std::uint64_t newest = 0;
  for (auto const& v : versions) {
    if (!is_version(v.version) || std::stoull(v.version) <= newest) continue;
    newest = std::stoull(v.version);
    there.newest = v.version;
    auto const told = parse_json(v.json);
    there.newest_is_current =
        told && told->is_object() && same_function(told->get_object(), configuration);
  }
}

void add_aliases(ExistingFunction& there, std::vector<AliasSummary> const& aliases) {
  for (auto const& a : aliases) there.state.aliases[a.name] = {a.version, a.weights, a.description};
}

void add_provisioned(ExistingFunction& there, std::vector<ProvisionedSummary> const& all) {
  for (auto const& p : all) there.state.provisioned[p.qualifier] = p.requested;
}

ManifestFunction exported(ExistingFunction const& there, std::vector<std::string>& notes) {
  auto f = there.state;
  for (auto& [name, alias] : f.aliases) {
    if (there.newest_is_current && alias.version == there.newest) alias.version = kPublished;
    if (alias.version == kPublished && alias.weights.empty()) continue;
    notes.push_back(
        fmt::format("{}:{} sends calls to an earlier version, which no file can make "
                    "again: apply it where that version is",
                    f.name, name));
  }
  for (auto const& [qualifier, count] : f.provisioned) {
    if (is_version(qualifier))
      notes.push_back(
          fmt::format("{}:{} is provisioned by its number: apply it where that version "
                      "is",
                      f.name, qualifier));
  }
  return f;
}

json::object put_body(Step const& step, std::string const& digest) {
  auto const& f = *step.function;
  json::object out;
  if (!digest.empty()) out["Code"] = json::object{{"S3Bucket", "faas"}, {"S3Key", digest}};
  if (!f.runtime.empty()) out["Runtime"] = f.runtime;
  if (!f.handler.empty()) out["Handler"] = f.handler;
  out["Description"] = f.description;
  out["MemorySize"] = f.memory;
  out["Timeout"] = f.timeout;
  out["EphemeralStorage"] = json::object{{"Size", f.tmp}};
  if (step.with_capacity) out["CapacityProviderConfig"] = capacity_config(f.capacity);
  json::object variables;
  for (auto const& [name, value] : f.environment) variables[name] = value;
  out["Environment"] = json::object{{"Variables", std::move(variables)}};
  if (step.with_layers) {
    auto& layers = out["Layers"].emplace_array();
    for (auto const& arn : f.layers) layers.push_back(json::value(arn));
  }
  if (!step.tags.empty()) {
    auto& tags = out["Tags"].emplace_object();
    for (auto const& [key, value] : step.tags) tags[key] = value;
  }
  return out;
}

}  // namespace faas::inline v0::control
