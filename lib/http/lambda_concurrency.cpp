// Reserved and provisioned concurrency: PutFunctionConcurrency and its two, and
// Put/Get/List/DeleteProvisionedConcurrencyConfig.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "http/api.hpp"
#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kNotFound = "No Provisioned Concurrency Config found for this function";

constexpr std::string_view kUnpublished =
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";

// The name and the qualifier of a provisioned configuration.
LambdaResult<FunctionRef> find_provisioned_ref(Context& c, Request const& request,
                                               std::string_view name) {
  auto const ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) return ref.error();
  if (ref->qualifier.empty()) return constraint_error("null", "qualifier", "not be null");
  if (ref->qualifier == "$LATEST") {
    return invalid_parameter(std::string(kUnpublished));
  }
  if (!c.runtime.get(ref->name, ref->qualifier)) return function_not_found(*ref, c.options.region);
  return ref;
}

std::string seconds_time(SystemTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}+0000",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

// While the last start failed, more may still come: FAILED is said only once none is under way.
void add_status(json::object& out, ProvisionedStatus const& status) {
  out["RequestedProvisionedConcurrentExecutions"] = status.requested;
  out["AvailableProvisionedConcurrentExecutions"] = status.available;
  out["AllocatedProvisionedConcurrentExecutions"] = status.allocated;
  if (status.available >= status.requested) {
    out["Status"] = "READY";
  } else if (status.failing) {
    out["Status"] = "FAILED";
    out["StatusReason"] =
        "FUNCTION_ERROR_INIT_FAILURE: the function did not start; its log says why. It is tried "
        "again.";
  } else {
    out["Status"] = "IN_PROGRESS";
  }
  out["LastModified"] = seconds_time(status.last_modified);
}

LambdaError provisioned_error(Error const& error) {
  if (error.reason == "ProvisionedConcurrencyConfigNotFoundException")
    return {error.reason, std::string(kNotFound)};
  return control_error(error);
}

Response status_response(Context& c, unsigned code, FunctionRef const& ref) {
  auto const status = c.runtime.provisioned(ref.name, ref.qualifier);
  if (!status) return render(provisioned_error(status.error()));
  json::object out;
  add_status(out, *status);
  return json_response(code, json::serialize(out));
}

}  // namespace

asio::awaitable<Response> put_function_concurrency(Context& c, Request request, std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  FieldReader fields(**body);
  require(fields, "ReservedConcurrentExecutions");
  auto const reserved = ranged(fields, "ReservedConcurrentExecutions", 0).value_or(0);
  if (auto r = fields.finish(); !r) co_return render(r.error());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) co_return render(info.error());
  auto const done =
      co_await c.runtime.reserve(info->function.name, static_cast<unsigned>(reserved));
  if (!done) co_return render(control_error(done.error()));
  json::object const out{{"ReservedConcurrentExecutions", reserved}};
  co_return json_response(200, json::serialize(out));
}

Response get_function_concurrency(Context& c, Request const& request, std::string const& name) {
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) return render(info.error());
  json::object out;
  if (auto const reserved = c.runtime.settings(info->function.name).reserved)
    out["ReservedConcurrentExecutions"] = *reserved;
  return json_response(200, json::serialize(out));
}

asio::awaitable<Response> delete_function_concurrency(Context& c, Request request,
                                                      std::string name) {
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) co_return render(info.error());
  auto const done = co_await c.runtime.reserve(info->function.name, std::nullopt);
  co_return done ? no_content() : render(control_error(done.error()));
}

asio::awaitable<Response> put_provisioned(Context& c, Request request, std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  FieldReader fields(**body);
  require(fields, "ProvisionedConcurrentExecutions");
  auto const instances = ranged(fields, "ProvisionedConcurrentExecutions", 1).value_or(1);
  if (auto r = fields.finish(); !r) co_return render(r.error());
  auto const ref = find_provisioned_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  auto const info = c.runtime.get(ref->name, ref->qualifier);
  if (info && info->version == "$LATEST")
    co_return render(invalid_parameter(std::string(kUnpublished)));
  auto const done =
      co_await c.runtime.provision(ref->name, ref->qualifier, static_cast<unsigned>(instances));
  co_return done ? status_response(c, 202, *ref) : render(provisioned_error(done.error()));
}

Response get_provisioned(Context& c, Request const& request, std::string const& name) {
  auto const ref = find_provisioned_ref(c, request, name);
  return ref ? status_response(c, 200, *ref) : render(ref.error());
}

asio::awaitable<Response> delete_provisioned(Context& c, Request request, std::string name) {
  auto const ref = find_provisioned_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  auto const done = co_await c.runtime.provision(ref->name, ref->qualifier, 0);
  co_return done ? no_content() : render(provisioned_error(done.error()));
}

Response list_provisioned(Context& c, Request const& request, std::string const& name) {
  auto const paging = read_paging(request.target, 50);
  if (!paging) return render(paging.error());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) return render(info.error());
  auto const& function = info->function.name;
  auto const settings = c.runtime.settings(function);
  json::array configs;
  json::object out;
  auto at = settings.provisioned.upper_bound(paging->after);
  std::string last;
  for (; at != settings.provisioned.end(); ++at) {
    if (configs.size() == paging->most) {
      out["NextMarker"] = marker_of(last);
      break;
    }
    auto const status = c.runtime.provisioned(function, at->first);
    if (!status) continue;  // removed in this moment
    json::object one{{"FunctionArn", qualified_arn(function, c.options.region, at->first)}};
    add_status(one, *status);
    configs.push_back(std::move(one));
    last = at->first;
  }
  out["ProvisionedConcurrencyConfigs"] = std::move(configs);
  return json_response(200, json::serialize(out));
}

}  // namespace faas::inline v0::http
