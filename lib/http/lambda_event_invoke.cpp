// Put/Update/Get/Delete/ListFunctionEventInvokeConfig: how asynchronous calls of a qualifier are
// retried and where their results go. Kept here; what acts on it is the event queue.
#include <fmt/format.h>

#include <chrono>

#include "http/api.hpp"
#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kAttribute = "event-invoke";
// Lambda's, and ours behind it.
constexpr char const* kDestination =
    "$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:"
    "([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)|https?://.+|file:///.+";

AttributeKey key_of(FunctionRef const& ref) { return {std::string(kAttribute), ref.qualifier}; }

// An unqualified name means $LATEST here.
LambdaResult<FunctionRef> find_event_ref(Context& c, Request const& request,
                                         std::string_view name) {
  auto ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) return ref.error();
  if (ref->qualifier.empty()) ref->qualifier = "$LATEST";
  if (!c.runtime.get(ref->name, ref->qualifier)) {
    return LambdaError{"ResourceNotFoundException",
                       fmt::format("The function {} doesn't exist.",
                                   qualified_arn(ref->name, c.options.region, ref->qualifier))};
  }
  return ref;
}

LambdaError no_config(Context& c, FunctionRef const& ref) {
  return {"ResourceNotFoundException",
          fmt::format("The function {} doesn't have an EventInvokeConfig",
                      qualified_arn(ref.name, c.options.region, ref.qualifier))};
}

void read_destination(FieldReader& fields, char const* name, json::object& out) {
  auto const* given = fields.object(name);
  if (given == nullptr) return;
  FieldReader inner(*given, fields.path() + name + ".");
  auto const destination = matching(inner, "Destination", kDestination, {.most = 350});
  if (auto r = inner.finish(); !r) fields.fail(r.error());
  if (destination) out[name] = json::object{{"Destination", *destination}};
}

// What the request sets.
LambdaResult<json::object> read_config(std::string_view text) {
  auto const body = parse_optional_object(text);
  if (!body) return body.error();
  json::object out;
  FieldReader fields(**body);
  if (auto const attempts = ranged(fields, "MaximumRetryAttempts", 0, 2))
    out["MaximumRetryAttempts"] = *attempts;
  if (auto const age = ranged(fields, "MaximumEventAgeInSeconds", 60, 21'600))
    out["MaximumEventAgeInSeconds"] = *age;
  if (auto const* destinations = fields.object("DestinationConfig")) {
    FieldReader inner(*destinations, "DestinationConfig.");
    json::object kept;
    read_destination(inner, "OnSuccess", kept);
    read_destination(inner, "OnFailure", kept);
    if (auto r = inner.finish(); !r) fields.fail(r.error());
    out["DestinationConfig"] = std::move(kept);
  }
  if (auto r = fields.finish(); !r) return r.error();
  if (out.empty()) {
    return invalid_parameter(
        "You must specify at least one of error handling or destination setting.");
  }
  return out;
}

double now_seconds() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() / 1000.0;
}

json::object parse_stored(std::string const& text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  return !error && value.is_object() ? std::move(value.get_object()) : json::object{};
}

// As clients read it: the ARN is not stored, for a region may change.
json::object shown(Context& c, FunctionName const& name, std::string_view qualifier,
                   std::string const& stored) {
  auto out = parse_stored(stored);
  out["FunctionArn"] = qualified_arn(name, c.options.region, qualifier);
  auto& destinations = out["DestinationConfig"];
  if (!destinations.is_object()) destinations.emplace_object();
  for (auto const* side : {"OnSuccess", "OnFailure"}) {
    auto& target = destinations.get_object()[side];
    if (!target.is_object()) target.emplace_object();
  }
  return out;
}

std::string stored_config(Context& c, FunctionRef const& ref) {
  auto const settings = c.runtime.settings(ref.name);
  auto const found = settings.attributes.find(key_of(ref));
  return found == settings.attributes.end() ? std::string() : found->second;
}

asio::awaitable<Response> store_config(Context& c, FunctionRef ref, json::object config,
                                       std::optional<std::string> before) {
  config["LastModified"] = now_seconds();
  auto const text = json::serialize(config);
  auto const done = co_await c.runtime.set_attribute(ref.name, key_of(ref), text, before);
  if (!done) co_return render(conflict_error(done.error()));
  co_return json_response(200, json::serialize(shown(c, ref.name, ref.qualifier, text)));
}

}  // namespace

asio::awaitable<Response> put_event_invoke(Context& c, Request request, std::string name) {
  auto config = read_config(request.body);
  if (!config) co_return render(config.error());
  auto const ref = find_event_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  auto response = co_await store_config(c, *ref, std::move(*config), std::nullopt);
  co_return response;
}

asio::awaitable<Response> update_event_invoke(Context& c, Request request, std::string name) {
  auto const change = read_config(request.body);
  if (!change) co_return render(change.error());
  auto const ref = find_event_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  auto const before = stored_config(c, *ref);
  if (before.empty()) co_return render(no_config(c, *ref));
  auto config = parse_stored(before);
  for (auto const& [key, value] : *change) config[key] = value;
  auto response = co_await store_config(c, *ref, std::move(config), before);
  co_return response;
}

Response get_event_invoke(Context& c, Request const& request, std::string const& name) {
  auto const ref = find_event_ref(c, request, name);
  if (!ref) return render(ref.error());
  auto const stored = stored_config(c, *ref);
  if (stored.empty()) return render(no_config(c, *ref));
  return json_response(200, json::serialize(shown(c, ref->name, ref->qualifier, stored)));
}

asio::awaitable<Response> delete_event_invoke(Context& c, Request request, std::string name) {
  auto const ref = find_event_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  if (stored_config(c, *ref).empty()) co_return render(no_config(c, *ref));
  auto const done = co_await c.runtime.set_attribute(ref->name, key_of(*ref), std::nullopt);
  co_return done ? no_content() : render(control_error(done.error()));
}

Response list_event_invoke(Context& c, Request const& request, std::string const& name) {
  auto const paging = read_paging(request.target, 50);
  if (!paging) return render(paging.error());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) return render(info.error());
  auto const& function = info->function.name;
  auto const settings = c.runtime.settings(function);
  json::array configs;
  json::object out;
  std::string last;
  for (auto const& [key, stored] : settings.attributes) {
    if (key.name != kAttribute || key.qualifier <= paging->after) continue;
    if (configs.size() == paging->most) {
      out["NextMarker"] = marker_of(last);
      break;
    }
    configs.push_back(shown(c, function, key.qualifier, stored));
    last = key.qualifier;
  }
  out["FunctionEventInvokeConfigs"] = std::move(configs);
  return json_response(200, json::serialize(out));
}

}  // namespace faas::inline v0::http
