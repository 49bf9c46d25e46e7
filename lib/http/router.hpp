// Method and path to operation. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace faas::inline v0::http {

enum class Operation {
  // AWS's wire format
  create_function,
  update_function_code,
  update_function_configuration,
  get_function,
  get_function_configuration,
  list_functions,
  delete_function,
  invoke,
  publish_version,
  list_versions,
  create_alias,
  get_alias,
  update_alias,
  delete_alias,
  list_aliases,
  put_function_concurrency,
  get_function_concurrency,
  delete_function_concurrency,
  put_provisioned,
  get_provisioned,
  delete_provisioned,
  list_provisioned,
  put_event_invoke,
  update_event_invoke,
  get_event_invoke,
  delete_event_invoke,
  list_event_invoke,
  add_permission,
  remove_permission,
  get_policy,
  list_tags,
  tag_resource,
  untag_resource,
  publish_layer_version,
  get_layer_version,
  get_layer_version_by_arn,
  list_layers,
  list_layer_versions,
  delete_layer_version,
  get_account_settings,
  get_code_signing,
  get_runtime_management,
  put_runtime_management,
  get_recursion,
  put_recursion,
  unknown_lambda,
  // ours
  call_function,
  put_package,
  get_package,
  put_function,
  follow_logs,
  doctor,
  list_instances,
  get_limits,
  get_status,
  healthz,
  readyz,
  metrics,
  unknown_path,
  wrong_method,
};

struct Route {
  Operation operation;
  std::string name{};          // the segment that stands for a name, ARN or digest
  std::string detail{};        // a second one: an alias, a statement, a version
  std::string_view methods{};  // of wrong_method: what the path does have, for Allow
};

Route find_route(std::string_view method, Target const&);

// AWS's paths begin with a date; their errors are rendered as Lambda's.
bool speaks_lambda(Operation);

}  // namespace faas::inline v0::http
