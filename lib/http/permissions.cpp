#include "http/permissions.hpp"

#include <fmt/format.h>

#include "http/json.hpp"

namespace faas::inline v0::http {
namespace {

// `where` is the ARN of a function, or "*".
LambdaError access_denied(Identity const& who, std::string_view action, std::string_view where) {
  return {"AccessDeniedException",
          fmt::format("User: arn:aws:iam::{}:user/{} is not authorized to perform: {} on resource: "
                      "{} because no identity-based policy allows the {} action. Add it to Allow "
                      "of this principal in the server's access file.",
                      who.account, who.name, action, where, action)};
}

LambdaError other_account(Identity const& who, std::string_view action, std::string_view where) {
  return {"AccessDeniedException",
          fmt::format("User: arn:aws:iam::{}:user/{} is not authorized to perform: {} on resource: "
                      "{} because a principal acts in its own account only. Name the function "
                      "without an account, or sign in as a principal of that account.",
                      who.account, who.name, action, where)};
}

LambdaResult<FunctionName> function_named(std::string_view name, Identity const& who,
                                          std::string_view region) {
  auto ref = parse_function_ref(name, {region, who.account});
  if (!ref) return ref.error();
  return std::move(ref->name);
}

// Of the parsed body, so that it is the name which the operation will read.
LambdaResult<FunctionName> function_in(std::string const& body, Identity const& who,
                                       std::string_view region) {
  auto const object = parse_object(body);
  if (!object) return object.error();
  auto const* name = (*object)->if_contains("FunctionName");
  if (name == nullptr || !name->is_string())
    return constraint_error("null", "functionName", "not be null");
  auto const& text = name->get_string();
  return function_named({text.data(), text.size()}, who, region);
}

}  // namespace

// A new operation does not compile before it has its line.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"
Permission permission_of(Operation operation) {
  switch (operation) {
    case Operation::create_function: return {Subject::body, "lambda:CreateFunction"};
    case Operation::update_function_code: return {Subject::route, "lambda:UpdateFunctionCode"};
    case Operation::update_function_configuration:
      return {Subject::route, "lambda:UpdateFunctionConfiguration"};
    case Operation::get_function: return {Subject::route, "lambda:GetFunction"};
    case Operation::get_function_configuration:
      return {Subject::route, "lambda:GetFunctionConfiguration"};
    case Operation::list_functions: return {Subject::nothing, "lambda:ListFunctions"};
    case Operation::delete_function: return {Subject::route, "lambda:DeleteFunction"};
    case Operation::invoke:
    case Operation::call_function: return {Subject::route, "lambda:InvokeFunction"};
    case Operation::publish_version: return {Subject::route, "lambda:PublishVersion"};
    case Operation::list_versions: return {Subject::route, "lambda:ListVersionsByFunction"};
    case Operation::create_alias: return {Subject::route, "lambda:CreateAlias"};
    case Operation::get_alias: return {Subject::route, "lambda:GetAlias"};
    case Operation::update_alias: return {Subject::route, "lambda:UpdateAlias"};
    case Operation::delete_alias: return {Subject::route, "lambda:DeleteAlias"};
    case Operation::list_aliases: return {Subject::route, "lambda:ListAliases"};
    case Operation::put_function_concurrency:
      return {Subject::route, "lambda:PutFunctionConcurrency"};
    case Operation::get_function_concurrency:
      return {Subject::route, "lambda:GetFunctionConcurrency"};
    case Operation::delete_function_concurrency:
      return {Subject::route, "lambda:DeleteFunctionConcurrency"};
    case Operation::put_provisioned:
      return {Subject::route, "lambda:PutProvisionedConcurrencyConfig"};
    case Operation::get_provisioned:
      return {Subject::route, "lambda:GetProvisionedConcurrencyConfig"};
    case Operation::delete_provisioned:
      return {Subject::route, "lambda:DeleteProvisionedConcurrencyConfig"};
    case Operation::list_provisioned:
      return {Subject::route, "lambda:ListProvisionedConcurrencyConfigs"};
    case Operation::put_event_invoke:
      return {Subject::route, "lambda:PutFunctionEventInvokeConfig"};
    case Operation::update_event_invoke:
      return {Subject::route, "lambda:UpdateFunctionEventInvokeConfig"};
    case Operation::get_event_invoke:
      return {Subject::route, "lambda:GetFunctionEventInvokeConfig"};
    case Operation::delete_event_invoke:
      return {Subject::route, "lambda:DeleteFunctionEventInvokeConfig"};
    case Operation::list_event_invoke:
      return {Subject::route, "lambda:ListFunctionEventInvokeConfigs"};
    case Operation::add_permission: return {Subject::route, "lambda:AddPermission"};
    case Operation::remove_permission: return {Subject::route, "lambda:RemovePermission"};
    case Operation::get_policy: return {Subject::route, "lambda:GetPolicy"};
    case Operation::list_tags: return {Subject::route, "lambda:ListTags"};
    case Operation::tag_resource: return {Subject::route, "lambda:TagResource"};
    case Operation::untag_resource: return {Subject::route, "lambda:UntagResource"};
    case Operation::get_code_signing:
      return {Subject::route, "lambda:GetFunctionCodeSigningConfig"};
    case Operation::get_runtime_management:
      return {Subject::route, "lambda:GetRuntimeManagementConfig"};
    case Operation::put_runtime_management:
      return {Subject::route, "lambda:PutRuntimeManagementConfig"};
    case Operation::get_recursion: return {Subject::route, "lambda:GetFunctionRecursionConfig"};
    case Operation::put_recursion: return {Subject::route, "lambda:PutFunctionRecursionConfig"};
    case Operation::get_limits: return {Subject::route, "faas:GetLimits"};
    // Of layers: no grant names them.
    case Operation::publish_layer_version: return {Subject::nothing, "lambda:PublishLayerVersion"};
    case Operation::get_layer_version:
    case Operation::get_layer_version_by_arn: return {Subject::nothing, "lambda:GetLayerVersion"};
    case Operation::list_layers: return {Subject::nothing, "lambda:ListLayers"};
    case Operation::list_layer_versions: return {Subject::nothing, "lambda:ListLayerVersions"};
    case Operation::delete_layer_version: return {Subject::nothing, "lambda:DeleteLayerVersion"};
    case Operation::get_account_settings: return {Subject::nothing, "lambda:GetAccountSettings"};
    case Operation::put_package: return {Subject::nothing, "faas:PutPackage"};
    case Operation::get_package: return {Subject::nothing, "faas:GetPackage"};
    case Operation::put_function: return {Subject::route, "faas:PutFunction"};
    case Operation::follow_logs: return {Subject::route, "faas:GetLogs"};
    case Operation::doctor: return {Subject::nothing, "faas:GetDoctor"};
    case Operation::list_instances: return {Subject::nothing, "faas:ListInstances"};
    case Operation::get_status: return {Subject::nothing, "faas:GetStatus"};
    case Operation::metrics: return {Subject::nothing, "faas:GetMetrics"};
    case Operation::healthz:
    case Operation::readyz: return {Subject::nobody_asked};
    case Operation::unknown_lambda:
    case Operation::unknown_path:
    case Operation::wrong_method: return {Subject::signed_in};
  }
  return {Subject::nothing, "faas:Nothing"};
}
#pragma GCC diagnostic pop

LambdaResult<void> authorise(Route const& route, Request const& request, std::string_view region) {
  auto const& who = request.identity;
  auto const permission = permission_of(route.operation);
  if (who.principal == nullptr || permission.action.empty()) return {};
  if (permission.subject == Subject::nothing) {
    // They name the functions of every account.
    if (route.operation == Operation::metrics && !who.any_account)
      return other_account(who, permission.action, "*");
    if (allows(*who.principal, permission.action, "")) return {};
    return access_denied(who, permission.action, "*");
  }
  auto const function = permission.subject == Subject::body
                            ? function_in(request.body, who, region)
                            : function_named(route.name, who, region);
  if (!function) return function.error();
  auto const arn = function_arn(*function, region);
  if (!who.may_act_in(function->account)) return other_account(who, permission.action, arn);
  if (!allows(*who.principal, permission.action, function->name))
    return access_denied(who, permission.action, arn);
  return {};
}

Response refused(Operation operation, LambdaError const& error) {
  auto response = render(error);
  if (speaks_lambda(operation)) return response;
  auto const status =
      error.exception == "MissingAuthenticationTokenException" ? 401 : response.status;
  auto const code = status == 401 || status == 403 ? Errc::denied : Errc::invalid_argument;
  response = render_error(Error{code, error.message, error.exception, "http"});
  response.status = status;
  if (status == 401) response.with("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace faas::inline v0::http
