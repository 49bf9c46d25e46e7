// PublishLayerVersion, GetLayerVersion, GetLayerVersionByArn, ListLayers, ListLayerVersions,
// DeleteLayerVersion; and the layers that a function's configuration names.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "http/api.hpp"
#include "http/constraints.hpp"
#include "http/layer_ref.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::int64_t kMostItems = 50;
constexpr std::size_t kMostRuntimes = 15;

// Of the service model and what came after it; and our own.
constexpr std::array<std::string_view, 46> kRuntimes{
    "nodejs",        "nodejs4.3",     "nodejs4.3-edge", "nodejs6.10",   "nodejs8.10",
    "nodejs10.x",    "nodejs12.x",    "nodejs14.x",     "nodejs16.x",   "nodejs18.x",
    "nodejs20.x",    "nodejs22.x",    "nodejs24.x",     "java8",        "java8.al2",
    "java11",        "java17",        "java21",         "java25",       "python2.7",
    "python3.6",     "python3.7",     "python3.8",      "python3.9",    "python3.10",
    "python3.11",    "python3.12",    "python3.13",     "python3.14",   "dotnetcore1.0",
    "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1",  "dotnet6",      "dotnet8",
    "dotnet10",      "go1.x",         "ruby2.5",        "ruby2.7",      "ruby3.2",
    "ruby3.3",       "ruby3.4",       "provided",       "provided.al2", "provided.al2023",
    "native"};

bool is_runtime(std::string_view text) {
  return std::ranges::find(kRuntimes, text) != kRuntimes.end();
}
bool is_architecture(std::string_view text) { return text == "x86_64" || text == "arm64"; }

LambdaError no_such_layer() {
  return {"ResourceNotFoundException", "The resource you requested does not exist."};
}

std::vector<std::string> strings_of(FieldReader& fields, char const* name, std::size_t most,
                                    bool (*known)(std::string_view)) {
  std::vector<std::string> out;
  auto const* list = fields.array(name);
  if (list == nullptr) return out;
  auto const member = member_name(name);
  if (list->size() > most) {
    fields.fail(constraint_error(fmt::format("'[{} of them]'", list->size()), member,
                                 fmt::format("have length less than or equal to {}", most)));
  }
  for (auto const& item : *list) {
    auto const text = item.is_string() ? std::string(item.get_string()) : json::serialize(item);
    if (!item.is_string() || !known(text))
      fields.fail(constraint_error(in_quotes(text), member, "satisfy enum value set"));
    out.push_back(text);
  }
  return out;
}

struct Wish {
  Layer layer;
  CodeFields content;
};

LambdaResult<Wish> read_wish(json::object const& body, LayerName name) {
  Wish wish;
  wish.layer.name = std::move(name);
  FieldReader fields(body);
  require(fields, "Content");
  wish.layer.description = sized(fields, "Description", {.most = 256}).value_or("");
  wish.layer.license = sized(fields, "LicenseInfo", {.most = 512}).value_or("");
  wish.layer.runtimes = strings_of(fields, "CompatibleRuntimes", kMostRuntimes, is_runtime);
  wish.layer.architectures = strings_of(fields, "CompatibleArchitectures", 2, is_architecture);
  if (auto const* content = fields.object("Content")) {
    FieldReader inner(*content, "Content.");
    read_code(inner, wish.content);
    if (auto r = inner.finish(); !r) fields.fail(r.error());
  }
  if (auto r = fields.finish(); !r) return r.error();
  if (!wish.content.given()) return invalid_parameter("Please provide a source for layer content.");
  return wish;
}

json::array array_of(std::vector<std::string> const& texts) {
  json::array out;
  for (auto const& text : texts) out.emplace_back(text);
  return out;
}

json::object to_json(LayerInfo const& info, std::string_view region) {
  auto const& layer = info.layer;
  json::object out{{"LayerVersionArn", layer_version_arn(layer.name, info.version, region)},
                   {"Version", info.version},
                   {"Description", layer.description},
                   {"CreatedDate", lambda_time(info.created)}};
  if (!layer.runtimes.empty()) out["CompatibleRuntimes"] = array_of(layer.runtimes);
  if (!layer.architectures.empty()) out["CompatibleArchitectures"] = array_of(layer.architectures);
  if (!layer.license.empty()) out["LicenseInfo"] = layer.license;
  return out;
}

Response layer_response(Context& c, Request const& request, unsigned status,
                        LayerInfo const& info) {
  auto out = to_json(info, c.options.region);
  out["LayerArn"] = layer_arn(info.layer.name, c.options.region);
  out["Content"] = json::object{{"Location", package_location(request, info.layer.code)},
                                {"CodeSha256", info.code_sha256},
                                {"CodeSize", info.code_size.count}};
  return json_response(status, json::serialize(out));
}

LambdaResult<LayerFilter> read_filter(Target const& target) {
  auto const runtime = target.parameter("CompatibleRuntime");
  if (runtime && !is_runtime(*runtime)) {
    return constraint_error(in_quotes(*runtime), "compatibleRuntime", "satisfy enum value set");
  }
  auto const architecture = target.parameter("CompatibleArchitecture");
  if (architecture && !is_architecture(*architecture)) {
    return constraint_error(in_quotes(*architecture), "compatibleArchitecture",
                            "satisfy enum value set: [x86_64, arm64]");
  }
  return LayerFilter{runtime.value_or(""), architecture.value_or("")};
}

// A grant names no layers, so the account is looked at here.
LambdaResult<void> check_account(Request const& request, LayerName const& name) {
  if (request.identity.may_act_in(name.account)) return {};
  return LambdaError{"AccessDeniedException",
                     fmt::format("{} acts in its own account only: name the layer {} without an "
                                 "account, or sign in as a principal of that account.",
                                 request.identity.name, name.name)};
}

LambdaResult<LayerName> name_of(Context& c, Request const& request, std::string_view text) {
  auto name = parse_layer_name(text, {c.options.region, request.identity.account});
  if (!name) return name;
  if (auto allowed = check_account(request, *name); !allowed) return allowed.error();
  return name;
}

LambdaError no_such_version(std::string_view arn) {
  return invalid_parameter(fmt::format("Layer version {} does not exist.", arn));
}

// Of this account and region only: nothing here says that another account's may be used.
LambdaResult<LayerInfo> layer_for(Context& c, FunctionName const& function,
                                  std::string const& arn) {
  auto const ref = parse_layer_version_arn(arn);
  if (!ref) return no_such_version(arn);
  if (ref->region != c.options.region) {
    return invalid_parameter(
        fmt::format("Layers are not in the same region as the function. Layers are expected to be "
                    "in region {}.",
                    c.options.region));
  }
  if (ref->name.account != function.account) return no_such_version(arn);
  auto info = c.runtime.layer(ref->name, ref->version);
  if (!info) return no_such_version(arn);
  return std::move(*info);
}

}  // namespace

LambdaResult<void> find_layers(Context& c, FunctionName const& function,
                               ConfigurationFields& fields) {
  if (!fields.layer_arns) return {};
  std::map<LayerName, std::string> seen;
  json::array shown;
  fields.layers.emplace();
  for (auto const& arn : *fields.layer_arns) {
    auto const info = layer_for(c, function, arn);
    if (!info) return info.error();
    auto const [other, is_new] = seen.emplace(info->layer.name, arn);
    if (!is_new) {
      return invalid_parameter(
          fmt::format("Two different versions of the same layer are not allowed to be referenced "
                      "in the same function. {} and {} are versions of the same layer.",
                      other->second, arn));
    }
    fields.layers->push_back(info->layer.code);
    shown.push_back(json::object{{"Arn", arn}, {"CodeSize", info->code_size.count}});
  }
  fields.stored["Layers"] = std::move(shown);
  return {};
}

asio::awaitable<Response> publish_layer_version(Context& c, Request request, std::string name) {
  auto layer = name_of(c, request, name);
  if (!layer) co_return render(layer.error());
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  request.body.clear();
  request.body.shrink_to_fit();
  auto wish = read_wish(**body, std::move(*layer));
  if (!wish) co_return render(wish.error());
  auto const package = co_await store_code(c, *body, wish->content);
  if (!package) co_return render(package.error());
  wish->layer.code = package->digest;
  auto const published = co_await c.runtime.publish_layer(std::move(wish->layer));
  co_return published ? layer_response(c, request, 201, *published)
                      : render(control_error(published.error()));
}

Response get_layer_version(Context& c, Request const& request, std::string const& name,
                           std::string const& version) {
  auto const layer = name_of(c, request, name);
  if (!layer) return render(layer.error());
  auto const number = parse_layer_version(version);
  if (!number) return render(number.error());
  auto const info = c.runtime.layer(*layer, *number);
  return info ? layer_response(c, request, 200, *info) : render(no_such_layer());
}

Response get_layer_version_by_arn(Context& c, Request const& request) {
  if (auto const what = request.target.parameter("find"); what != "LayerVersion") {
    return render(constraint_error(in_quotes(what.value_or("")), "find",
                                   "satisfy enum value set: [LayerVersion]"));
  }
  auto const arn = request.target.parameter("Arn");
  if (!arn) return render(constraint_error("null", "arn", "not be null"));
  auto const ref = parse_layer_version_arn(*arn);
  if (!ref) {
    return render(pattern_error(
        *arn, "arn", "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+"));
  }
  if (auto allowed = check_account(request, ref->name); !allowed) return render(allowed.error());
  auto const info = c.runtime.layer(ref->name, ref->version);
  if (!info || ref->region != c.options.region) return render(no_such_layer());
  return layer_response(c, request, 200, *info);
}

Response list_layers(Context& c, Request const& request) {
  auto const paging = read_paging(request.target, kMostItems);
  if (!paging) return render(paging.error());
  auto const filter = read_filter(request.target);
  if (!filter) return render(filter.error());
  // One more than the page tells whether another one follows.
  auto page = c.runtime.layers(request.identity.account, paging->after, paging->most + 1, *filter);
  bool const more = page.size() > paging->most;
  if (more) page.pop_back();
  json::array layers;
  for (auto const& info : page) {
    layers.push_back(json::object{{"LayerName", info.layer.name.name},
                                  {"LayerArn", layer_arn(info.layer.name, c.options.region)},
                                  {"LatestMatchingVersion", to_json(info, c.options.region)}});
  }
  json::object out{{"Layers", std::move(layers)}};
  if (more) out["NextMarker"] = marker_of(page.back().layer.name.name);
  return json_response(200, json::serialize(out));
}

Response list_layer_versions(Context& c, Request const& request, std::string const& name) {
  auto const layer = name_of(c, request, name);
  if (!layer) return render(layer.error());
  auto const paging = read_paging(request.target, kMostItems);
  if (!paging) return render(paging.error());
  auto const filter = read_filter(request.target);
  if (!filter) return render(filter.error());
  std::uint64_t before = 0;
  std::from_chars(paging->after.data(), paging->after.data() + paging->after.size(), before);
  auto page = c.runtime.layer_versions(*layer, before, paging->most + 1, *filter);
  bool const more = page.size() > paging->most;
  if (more) page.pop_back();
  json::array versions;
  for (auto const& info : page) versions.push_back(to_json(info, c.options.region));
  json::object out{{"LayerVersions", std::move(versions)}};
  if (more) out["NextMarker"] = marker_of(fmt::format("{}", page.back().version));
  return json_response(200, json::serialize(out));
}

asio::awaitable<Response> delete_layer_version(Context& c, Request request, std::string name,
                                               std::string version) {
  auto const layer = name_of(c, request, name);
  if (!layer) co_return render(layer.error());
  auto const number = parse_layer_version(version);
  if (!number) co_return render(number.error());
  auto const removed = co_await c.runtime.remove_layer(*layer, *number);
  co_return removed ? no_content() : render(control_error(removed.error()));
}

}  // namespace faas::inline v0::http
