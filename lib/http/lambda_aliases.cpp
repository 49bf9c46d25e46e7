// CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases.
#include <fmt/format.h>

#include <algorithm>

#include "http/api.hpp"
#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kNamePattern = "(?!^[0-9]+$)([a-zA-Z0-9-_]+)";
constexpr std::string_view kVersionPattern = "(\\$LATEST|[0-9]+)";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

LambdaResult<void> check_name(std::string_view name) {
  if (name.size() > 128) {
    return constraint_error(in_quotes(name), "name", "have length less than or equal to 128");
  }
  if (name.empty() || is_number(name) || !is_made_of(name, "-_"))
    return pattern_error(name, "name", kNamePattern);
  return {};
}

std::optional<std::string> read_version(FieldReader& fields) {
  auto version = sized(fields, "FunctionVersion", {1, 1024});
  if (version && *version != "$LATEST" && !is_number(*version))
    fields.fail(pattern_error(*version, "functionVersion", kVersionPattern));
  return version;
}

void check_weights(FieldReader& fields, std::map<std::string, double> const& weights) {
  constexpr std::string_view kMember = "routingConfig.additionalVersionWeights";
  for (auto const& [version, share] : weights) {
    auto const shown = fmt::format("{{{}={}}}", version, share);
    if (!is_number(version)) {
      fields.fail(constraint_error(
          shown, kMember,
          "satisfy constraint: [Member must have length less than or equal to 1024, Member must "
          "have length greater than or equal to 1, Member must satisfy regular expression pattern: "
          "[0-9]+]"));
    } else if (!(share >= 0 && share <= 1)) {
      fields.fail(constraint_error(
          shown, kMember,
          "satisfy constraint: [Member must have value less than or equal to 1.0, Member must have "
          "value greater than or equal to 0.0]"));
    }
  }
}

// Absent: not given. Empty: no weights any more.
std::optional<std::map<std::string, double>> read_weights(FieldReader& fields) {
  auto const* routing = fields.object("RoutingConfig");
  if (routing == nullptr) return std::nullopt;
  FieldReader inner(*routing, "RoutingConfig.");
  auto weights = inner.numbers("AdditionalVersionWeights");
  if (weights) check_weights(inner, *weights);
  if (auto r = inner.finish(); !r) fields.fail(r.error());
  return weights.value_or(std::map<std::string, double>{});
}

json::object to_json(AliasInfo const& alias, std::string_view region) {
  json::object out{{"AliasArn", qualified_arn(alias.function, region, alias.name)},
                   {"Name", alias.name},
                   {"FunctionVersion", alias.version},
                   {"Description", alias.description},
                   {"RevisionId", alias.revision_uuid}};
  if (!alias.weights.empty()) {
    json::object weights;
    for (auto const& [version, share] : alias.weights) weights[version] = share;
    out["RoutingConfig"] = json::object{{"AdditionalVersionWeights", std::move(weights)}};
  }
  return out;
}

Response alias_response(Context& c, unsigned status, AliasInfo const& alias) {
  return json_response(status, json::serialize(to_json(alias, c.options.region)));
}

LambdaError no_alias(Context& c, FunctionName const& function, std::string_view name) {
  return {"ResourceNotFoundException",
          "Cannot find alias arn: " + qualified_arn(function, c.options.region, name)};
}

LambdaError alias_error(Context& c, AliasInfo const& alias, Error const& error) {
  auto result = control_error(error);
  if (result.exception == "PreconditionFailedException") result.message = kStaleFunction;
  if (error.message.starts_with("Alias already exists")) {
    result.message =
        "Alias already exists: " + qualified_arn(alias.function, c.options.region, alias.name);
  }
  if (error.code == Errc::not_found) {
    // A version that it names, or its function.
    auto missing = alias.version;
    for (auto const& [version, share] : alias.weights)
      if (c.runtime.get(alias.function, alias.version)) missing = version;
    if (!c.runtime.get(alias.function)) missing.clear();
    return function_not_found({alias.function, missing}, c.options.region);
  }
  return result;
}

}  // namespace

asio::awaitable<Response> create_alias(Context& c, Request request, std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  AliasInfo alias;
  FieldReader fields(**body);
  require(fields, "Name");
  require(fields, "FunctionVersion");
  alias.name = fields.string("Name").value_or("");
  if (auto valid = check_name(alias.name); !valid && fields.given("Name"))
    fields.fail(valid.error());
  alias.version = read_version(fields).value_or("");
  alias.description = sized(fields, "Description", {.most = 256}).value_or("");
  alias.weights = read_weights(fields).value_or(std::map<std::string, double>{});
  if (auto r = fields.finish(); !r) co_return render(r.error());
  auto const ref = find_function_name(c, request.identity, name);
  if (!ref) co_return render(ref.error());
  alias.function = *ref;
  auto const created = co_await c.runtime.create_alias(alias);
  if (!created) co_return render(alias_error(c, alias, created.error()));
  co_return alias_response(c, 201, *created);
}

Response get_alias(Context& c, Request const& request, std::string const& name,
                   std::string const& alias) {
  if (auto valid = check_name(alias); !valid) return render(valid.error());
  auto const ref = find_function_name(c, request.identity, name);
  if (!ref) return render(ref.error());
  auto const info = c.runtime.alias(*ref, alias);
  return info ? alias_response(c, 200, *info) : render(no_alias(c, *ref, alias));
}

asio::awaitable<Response> update_alias(Context& c, Request request, std::string name,
                                       std::string alias) {
  if (auto valid = check_name(alias); !valid) co_return render(valid.error());
  auto const body = parse_optional_object(request.body);
  if (!body) co_return render(body.error());
  AliasUpdate update;
  FieldReader fields(**body);
  update.version = read_version(fields);
  update.description = sized(fields, "Description", {.most = 256});
  update.weights = read_weights(fields);
  update.expected_revision = sized(fields, "RevisionId", {});
  if (auto r = fields.finish(); !r) co_return render(r.error());
  auto const ref = find_function_name(c, request.identity, name);
  if (!ref) co_return render(ref.error());
  auto would_be = c.runtime.alias(*ref, alias);
  if (!would_be) co_return render(no_alias(c, *ref, alias));
  if (update.version) would_be->version = *update.version;
  if (update.weights) would_be->weights = *update.weights;
  bool const provisioned = c.runtime.settings(*ref).provisioned.contains(alias);
  if (provisioned && would_be->version == "$LATEST") {
    co_return render(invalid_parameter(
        "The alias has provisioned concurrency, which $LATEST cannot have: delete that first."));
  }
  auto const updated = co_await c.runtime.update_alias(*ref, alias, update);
  if (!updated) co_return render(alias_error(c, *would_be, updated.error()));
  co_return alias_response(c, 200, *updated);
}

asio::awaitable<Response> delete_alias(Context& c, Request request, std::string name,
                                       std::string alias) {
  if (auto valid = check_name(alias); !valid) co_return render(valid.error());
  auto const ref = find_function_name(c, request.identity, name);
  if (!ref) co_return render(ref.error());
  auto const removed = co_await c.runtime.remove_alias(*ref, alias);
  co_return removed ? no_content() : render(control_error(removed.error()));
}

Response list_aliases(Context& c, Request const& request, std::string const& name) {
  auto const paging = read_paging(request.target);
  if (!paging) return render(paging.error());
  auto const version = request.target.parameter("FunctionVersion");
  if (version && *version != "$LATEST" && !is_number(*version))
    return render(pattern_error(*version, "functionVersion", kVersionPattern));
  auto const ref = find_function_name(c, request.identity, name);
  if (!ref) return render(ref.error());
  json::array aliases;
  auto after = paging->after;
  bool more = true;
  std::string last;
  while (more) {
    auto const page = c.runtime.aliases(*ref, after, kPage);
    more = page.size() == kPage;
    for (auto const& alias : page) {
      after = alias.name;
      if (version && alias.version != *version && !alias.weights.contains(std::string(*version)))
        continue;
      if (aliases.size() == paging->most) {
        json::object out{{"Aliases", std::move(aliases)}, {"NextMarker", marker_of(last)}};
        return json_response(200, json::serialize(out));
      }
      aliases.push_back(to_json(alias, c.options.region));
      last = alias.name;
    }
  }
  return json_response(200, json::serialize(json::object{{"Aliases", std::move(aliases)}}));
}

}  // namespace faas::inline v0::http
