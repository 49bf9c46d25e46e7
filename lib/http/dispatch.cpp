#include <fmt/format.h>

#include "http/api.hpp"

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
    default: return "requested";
  }
}

Response ready_response(Context const& c) {
  bool const ready = c.ready && !c.closing;
  return text_response(ready ? 200 : 503, ready ? "ready\n" : "draining\n");
}

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

asio::awaitable<Response> dispatch(Context& c, Route route, Request request) {
  auto name = std::move(route.name);
  switch (route.operation) {
    case Operation::invoke: co_return co_await invoke(c, std::move(request), std::move(name));
    case Operation::call_function:
      co_return co_await call_function(c, std::move(request), std::move(name));
    case Operation::create_function: co_return co_await create_function(c, std::move(request));
    case Operation::put_function:
      co_return co_await put_function(c, std::move(request), std::move(name));
    case Operation::update_function_code:
      co_return co_await update_function_code(c, std::move(request), std::move(name));
    case Operation::update_function_configuration:
      co_return co_await update_function_configuration(c, std::move(request), std::move(name));
    case Operation::delete_function:
      co_return co_await delete_function(c, std::move(request), std::move(name));
    case Operation::get_function: co_return get_function(c, request, name);
    case Operation::get_function_configuration:
      co_return get_function_configuration(c, request, name);
    case Operation::list_functions: co_return list_functions(c, request);
    case Operation::get_account_settings: co_return get_account_settings(c);
    case Operation::put_package: co_return co_await put_package(c, std::move(request));
    case Operation::get_package: co_return get_package(c, name);
    case Operation::follow_logs:
      co_return co_await follow_logs(c, std::move(request), std::move(name));
    case Operation::list_instances: co_return co_await list_instances(c);
    case Operation::get_status: co_return co_await get_status(c);
    case Operation::metrics: co_return co_await metrics(c);
    case Operation::doctor: co_return json_response(200, host_report_json(c.host));
    case Operation::healthz: co_return text_response(200, "ok\n");
    case Operation::readyz: co_return ready_response(c);
    case Operation::unknown_lambda:
      co_return render(unknown_operation(request.head.method, request.head.target));
    case Operation::wrong_method: co_return wrong_method(request, route);
    case Operation::unknown_path: break;
  }
  co_return no_such_path(request);
}

}  // namespace faas::inline v0::http
