#include "registry/json.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

namespace faas::inline v0::registry {
namespace {

namespace json = boost::json;
using Strings = std::map<std::string, std::string>;

json::object object_of(Strings const& strings) {
  json::object out;
  out.reserve(strings.size());
  for (auto const& [key, value] : strings) out.emplace(key, value);
  return out;
}

// Takes fields out of one object; after the first that is not as it should be, all are empty.
class Reader {
 public:
  explicit Reader(json::object const& object) : object_(object) {}

  std::string text(std::string_view field) {
    auto const* value = find(field);
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    return wrong(field, "text"), std::string();
  }

  template <class Number>
  Number number(std::string_view field) {
    auto const* value = find(field);
    boost::system::error_code code;
    auto const n =
        value != nullptr && value->is_number() ? value->to_number<Number>(code) : Number{};
    if (value == nullptr || !value->is_number() || code) wrong(field, "a number in range");
    return n;
  }

  Strings strings(std::string_view field) {
    Strings out;
    auto const* value = find(field);
    if (value == nullptr || !value->is_object()) return wrong(field, "an object"), out;
    for (auto const& [key, held] : value->get_object()) {
      if (!held.is_string()) return wrong(field, "an object of texts"), out;
      out.emplace(key, std::string(held.get_string()));
    }
    return out;
  }

  std::map<std::string, double> shares(std::string_view field) {
    std::map<std::string, double> out;
    auto const* value = find(field);
    if (value == nullptr || !value->is_object()) return wrong(field, "an object"), out;
    for (auto const& [key, held] : value->get_object()) {
      boost::system::error_code code;
      auto const share = held.is_number() ? held.to_number<double>(code) : -1;
      if (code || share < 0) return wrong(field, "an object of shares"), out;
      out.emplace(key, share);
    }
    return out;
  }

  std::vector<std::string> texts(std::string_view field) {
    std::vector<std::string> out;
    auto const* value = find(field);
    if (value == nullptr || !value->is_array()) return wrong(field, "an array"), out;
    for (auto const& held : value->get_array()) {
      if (!held.is_string()) return wrong(field, "an array of texts"), out;
      out.emplace_back(held.get_string());
    }
    return out;
  }

  json::object const* object(std::string_view field) {
    auto const* value = find(field);
    if (value != nullptr && value->is_object()) return &value->get_object();
    return wrong(field, "an object"), nullptr;
  }

  bool has(std::string_view field) const { return find(field) != nullptr; }
  std::optional<Error> const& error() const { return error_; }

 private:
  json::value const* find(std::string_view field) const { return object_.if_contains(field); }
  void wrong(std::string_view field, std::string_view wanted) {
    if (error_) return;
    error_ = Error{Errc::corrupt, fmt::format("stored function: \"{}\" is not {}", field, wanted),
                   "StateCorrupt", "registry"};
  }

  json::object const& object_;
  std::optional<Error> error_;
};

Limits read_limits(Reader& in) {
  Limits limits;
  limits.memory = {in.number<std::uint64_t>("memory")};
  limits.tmp = {in.number<std::uint64_t>("tmp")};
  limits.timeout = milliseconds(in.number<std::int64_t>("timeout_ms"));
  limits.concurrency = in.number<unsigned>("concurrency");
  limits.queue = in.number<unsigned>("queue");
  if (in.has("capacity")) limits.capacity = in.number<unsigned>("capacity");
  return limits;
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code code;
  auto value = json::parse(text, code);
  if (!code && value.is_object()) return std::move(value.get_object());
  return Error{Errc::corrupt,
               fmt::format("stored function: no JSON object ({})", code ? code.message() : "other"),
               "StateCorrupt", "registry"};
}

// What is sealed opens for these alone; no name holds a NUL.
std::string owner_of(FunctionName const& name, std::string_view version) {
  std::string out("faas-environment 1");
  for (auto const part : {std::string_view(name.account), std::string_view(name.name), version}) {
    out += '\0';
    out += part;
  }
  return out;
}

json::object sealed(FunctionInfo const& info, Secrets const& secrets) {
  auto const text = json::serialize(object_of(info.function.environment));
  auto const owner = owner_of(info.function.name, info.version);
  return {{"key", secrets.key_id()}, {"text", secrets.seal(text, owner)}};
}

Error wrong_key(std::string_view wanted, Secrets const& secrets) {
  auto const given = secrets.has_key() ? fmt::format("the key {}", secrets.key_id()) : "no key";
  return {Errc::denied,
          fmt::format("environments of functions are sealed here with the secrets key {}, and {} "
                      "was given: open with the key they were sealed with (Options::secrets_key; "
                      "faasd serve --secrets-key-file)",
                      wanted, given),
          "SecretsKeyWrong", "registry"};
}

Result<Strings> unsealed(json::object const& object, FunctionInfo const& info,
                         Secrets const& secrets) {
  Reader in(object);
  auto const key = in.text("key"), text = in.text("text");
  if (in.error()) return *in.error();
  if (key != secrets.key_id()) return wrong_key(key, secrets);
  auto const opened = secrets.open(text, owner_of(info.function.name, info.version));
  if (!opened) return opened.error();
  auto const environment = parse_object(*opened);
  if (!environment) return environment.error();
  Strings out;
  for (auto const& [name, value] : *environment) {
    if (value.is_string()) out.emplace(name, std::string(value.get_string()));
  }
  return out;
}

Function read_function(Reader& in) {
  Function f;
  f.name = FunctionName(in.text("account"), in.text("name"));
  f.runtime = in.text("runtime");
  f.handler = in.text("handler");
  f.code = {in.text("code")};
  if (in.has("layers"))
    for (auto& layer : in.texts("layers")) f.layers.push_back({std::move(layer)});
  f.limits = read_limits(in);
  if (!in.has("sealed")) f.environment = in.strings("environment");
  f.description = in.text("description");
  f.annotations = in.strings("annotations");
  return f;
}

}  // namespace

std::string to_json(FunctionInfo const& info, Secrets const& secrets) {
  auto const& f = info.function;
  bool const seals = secrets.has_key() && !f.environment.empty();
  json::object out{
      {"account", f.name.account},
      {"name", f.name.name},
      {"runtime", f.runtime},
      {"handler", f.handler},
      {"code", f.code.hex},
      {"memory", f.limits.memory.count},
      {"tmp", f.limits.tmp.count},
      {"timeout_ms", f.limits.timeout.count()},
      {"concurrency", f.limits.concurrency},
      {"queue", f.limits.queue},
      {seals ? "sealed" : "environment", seals ? sealed(info, secrets) : object_of(f.environment)},
      {"description", f.description},
      {"annotations", object_of(f.annotations)},
      {"revision", static_cast<std::uint64_t>(info.revision)},
      {"revision_uuid", info.revision_uuid},
      {"version", info.version},
      {"code_sha256", info.code_sha256},
      {"code_size", info.code_size.count},
      {"last_modified_ns", std::chrono::nanoseconds(info.last_modified.time_since_epoch()).count()},
  };
  if (!f.layers.empty()) {
    auto& layers = out["layers"].emplace_array();
    for (auto const& layer : f.layers) layers.emplace_back(layer.hex);
  }
  // Left out where it is 1: so are functions that were stored before there was more.
  if (f.limits.capacity != 1) out["capacity"] = f.limits.capacity;
  return json::serialize(out);
}

Result<FunctionInfo> from_json(std::string_view text, Secrets const& secrets) {
  auto const object = parse_object(text);
  if (!object) return object.error();
  Reader in(*object);
  FunctionInfo info;
  info.function = read_function(in);
  info.revision = RevisionId{in.number<std::uint64_t>("revision")};
  info.revision_uuid = in.text("revision_uuid");
  info.version = in.text("version");
  info.code_sha256 = in.text("code_sha256");
  info.code_size = {in.number<std::uint64_t>("code_size")};
  info.last_modified =
      SystemTime(std::chrono::nanoseconds(in.number<std::int64_t>("last_modified_ns")));
  auto const held = in.has("sealed") ? in.object("sealed") : nullptr;
  if (in.error()) return *in.error();
  if (held == nullptr) return info;
  auto environment = unsealed(*held, info, secrets);
  if (!environment) return environment.error();
  info.function.environment = std::move(*environment);
  return info;
}

std::string to_json(AliasInfo const& alias) {
  json::object weights;
  for (auto const& [version, share] : alias.weights) weights.emplace(version, share);
  return json::serialize(json::object{{"account", alias.function.account},
                                      {"function", alias.function.name},
                                      {"name", alias.name},
                                      {"version", alias.version},
                                      {"description", alias.description},
                                      {"weights", std::move(weights)},
                                      {"revision_uuid", alias.revision_uuid}});
}

Result<AliasInfo> alias_from_json(std::string_view text) {
  auto const object = parse_object(text);
  if (!object) return object.error();
  Reader in(*object);
  AliasInfo alias;
  alias.function = FunctionName(in.text("account"), in.text("function"));
  alias.name = in.text("name");
  alias.version = in.text("version");
  alias.description = in.text("description");
  alias.weights = in.shares("weights");
  alias.revision_uuid = in.text("revision_uuid");
  if (in.error()) return *in.error();
  return alias;
}

}  // namespace faas::inline v0::registry
