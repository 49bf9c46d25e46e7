#include <fmt/format.h>

#include "http/api.hpp"
#include "http/permissions.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::uint64_t kConfigurationLimit = 1 << 20;
constexpr std::uint64_t kPackageLimit = 52'428'800;
constexpr std::uint64_t kNoBodyLimit = 64 << 10;  // of requests whose body means nothing

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::create_function: return "CreateFunction";
    case Operation::update_function_code: return "UpdateFunctionCode";
    case Operation::update_function_configuration: return "UpdateFunctionConfiguration";
    case Operation::invoke:
    case Operation::call_function: return "InvokeFunction";
    case Operation::put_package: return "PutPackage";
    case Operation::put_function: return "PutFunction";
    case Operation::publish_layer_version: return "PublishLayerVersion";
    default: return "requested";
  }
}

Response ready_response(Context const& c) {
  bool const ready = c.ready && !c.closing;
  return text_response(ready ? 200 : 503, ready ? "ready\n" : "draining\n");
}

asio::awaitable<Response> at_once(Response response) { co_return response; }

Response no_such_path(Request const& request) {
  return render_error(Error{Errc::not_found,
                            fmt::format("No such path: {}", request.head.target.substr(0, 200)), "",
                            "http"});
}

Response wrong_method(Request const& request, Route const& route) {
  auto response = render_error(Error{
      Errc::invalid_argument,
      fmt::format("{} is not a method of this path; use {}", request.head.method, route.methods),
      "", "http"});
  response.status = 405;
  response.with("Allow", std::string(route.methods));
  return response;
}

}  // namespace

std::uint64_t body_limit(Operation operation, HttpServerOptions const& options) {
  switch (operation) {
    case Operation::create_function:
    case Operation::update_function_code:
    case Operation::publish_layer_version:
    case Operation::put_function: return options.max_request.count;
    case Operation::put_package: return std::min(kPackageLimit, options.max_request.count);
    case Operation::update_function_configuration: return kConfigurationLimit;
    case Operation::invoke:
    case Operation::call_function: return kInvokeLimit;
    default: return kNoBodyLimit;
  }
}

Response body_too_large(Operation operation, std::uint64_t limit) {
  auto message = fmt::format("Request must be smaller than {} bytes for the {} operation", limit,
                             operation_name(operation));
  if (speaks_lambda(operation))
    return render(LambdaError{"RequestEntityTooLargeException", std::move(message)});
  return render_error(
      Error{Errc::too_large, std::move(message), "RequestEntityTooLargeException", "http"});
}

Response body_memory_spent(Operation operation) {
  auto message = fmt::format("Request bodies hold their {} bytes of memory already; try again.",
                             BodyBudget::kBytes);
  if (speaks_lambda(operation)) {
    return render(
        LambdaError{"TooManyRequestsException", std::move(message), "CallerRateLimitExceeded"});
  }
  return render_error(Error{Errc::throttled, std::move(message), "RequestMemory", "http"});
}

// No coroutine of its own: what waits is awaited by the caller.
asio::awaitable<Response> dispatch(Context& c, Route route, Request request) {
  auto const allowed = authorise(route, request, c.options.region);
  if (!allowed) return at_once(refused(route.operation, allowed.error()));
  auto name = std::move(route.name);
  auto detail = std::move(route.detail);
  switch (route.operation) {
    case Operation::invoke: return invoke(c, std::move(request), std::move(name));
    case Operation::call_function: return call_function(c, std::move(request), std::move(name));
    case Operation::create_function: return create_function(c, std::move(request));
    case Operation::put_function: return put_function(c, std::move(request), std::move(name));
    case Operation::update_function_code:
      return update_function_code(c, std::move(request), std::move(name));
    case Operation::update_function_configuration:
      return update_function_configuration(c, std::move(request), std::move(name));
    case Operation::delete_function: return delete_function(c, std::move(request), std::move(name));
    case Operation::get_function: return at_once(get_function(c, request, name));
    case Operation::get_function_configuration:
      return at_once(get_function_configuration(c, request, name));
    case Operation::list_functions: return at_once(list_functions(c, request));
    case Operation::publish_version: return publish_version(c, std::move(request), std::move(name));
    case Operation::list_versions: return at_once(list_versions(c, request, name));
    case Operation::create_alias: return create_alias(c, std::move(request), std::move(name));
    case Operation::get_alias: return at_once(get_alias(c, request, name, detail));
    case Operation::update_alias:
      return update_alias(c, std::move(request), std::move(name), std::move(detail));
    case Operation::delete_alias:
      return delete_alias(c, std::move(request), std::move(name), std::move(detail));
    case Operation::list_aliases: return at_once(list_aliases(c, request, name));
    case Operation::put_function_concurrency:
      return put_function_concurrency(c, std::move(request), std::move(name));
    case Operation::get_function_concurrency:
      return at_once(get_function_concurrency(c, request, name));
    case Operation::delete_function_concurrency:
      return delete_function_concurrency(c, std::move(request), std::move(name));
    case Operation::put_provisioned: return put_provisioned(c, std::move(request), std::move(name));
    case Operation::get_provisioned: return at_once(get_provisioned(c, request, name));
    case Operation::delete_provisioned:
      return delete_provisioned(c, std::move(request), std::move(name));
    case Operation::list_provisioned: return at_once(list_provisioned(c, request, name));
    case Operation::put_event_invoke:
      return put_event_invoke(c, std::move(request), std::move(name));
    case Operation::update_event_invoke:
      return update_event_invoke(c, std::move(request), std::move(name));
    case Operation::get_event_invoke: return at_once(get_event_invoke(c, request, name));
    case Operation::delete_event_invoke:
      return delete_event_invoke(c, std::move(request), std::move(name));
    case Operation::list_event_invoke: return at_once(list_event_invoke(c, request, name));
    case Operation::add_permission: return add_permission(c, std::move(request), std::move(name));
    case Operation::remove_permission:
      return remove_permission(c, std::move(request), std::move(name), std::move(detail));
    case Operation::get_policy: return at_once(get_policy(c, request, name));
    case Operation::list_tags: return at_once(list_tags(c, request, name));
    case Operation::tag_resource: return tag_resource(c, std::move(request), std::move(name));
    case Operation::untag_resource: return untag_resource(c, std::move(request), std::move(name));
    case Operation::publish_layer_version:
      return publish_layer_version(c, std::move(request), std::move(name));
    case Operation::get_layer_version: return at_once(get_layer_version(c, request, name, detail));
    case Operation::get_layer_version_by_arn: return at_once(get_layer_version_by_arn(c, request));
    case Operation::list_layers: return at_once(list_layers(c, request));
    case Operation::list_layer_versions: return at_once(list_layer_versions(c, request, name));
    case Operation::delete_layer_version:
      return delete_layer_version(c, std::move(request), std::move(name), std::move(detail));
    case Operation::get_account_settings: return at_once(get_account_settings(c, request));
    case Operation::get_code_signing: return at_once(get_code_signing(c, request, name));
    case Operation::get_runtime_management:
      return at_once(get_runtime_management(c, request, name));
    case Operation::put_runtime_management:
      return put_runtime_management(c, std::move(request), std::move(name));
    case Operation::get_recursion: return at_once(get_recursion(c, request, name));
    case Operation::put_recursion: return put_recursion(c, std::move(request), std::move(name));
    case Operation::get_limits: return at_once(get_limits(c, request, name));
    case Operation::put_package: return put_package(c, std::move(request));
    case Operation::get_package: return at_once(get_package(c, name));
    case Operation::follow_logs: return follow_logs(c, std::move(request), std::move(name));
    case Operation::list_instances: return list_instances(c, std::move(request));
    case Operation::get_status: return get_status(c);
    case Operation::metrics: return metrics(c);
    case Operation::doctor: return at_once(json_response(200, host_report_json(c.host)));
    case Operation::healthz: return at_once(text_response(200, "ok\n"));
    case Operation::readyz: return at_once(ready_response(c));
    case Operation::unknown_lambda:
      return at_once(render(unknown_operation(request.head.method, request.head.target)));
    case Operation::wrong_method: return at_once(wrong_method(request, route));
    case Operation::unknown_path: break;
  }
  return at_once(no_such_path(request));
}

}  // namespace faas::inline v0::http
