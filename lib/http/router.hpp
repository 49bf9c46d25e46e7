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
  get_account_settings,
  unknown_lambda,
  // ours
  call_function,
  put_package,
  get_package,
  put_function,
  follow_logs,
  doctor,
  list_instances,
  get_status,
  healthz,
  readyz,
  metrics,
  unknown_path,
  wrong_method,
};

struct Route {
  Operation operation;
  std::string name{};          // the segment that stands for a name or digest
  std::string_view methods{};  // of wrong_method: what the path does have, for Allow
};

Route find_route(std::string_view method, Target const&);

// AWS's paths begin with a date; their errors are rendered as Lambda's.
bool speaks_lambda(Operation);

}  // namespace faas::inline v0::http
