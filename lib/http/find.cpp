// Whom a client named, or what it is told instead.
#include "http/api.hpp"

namespace faas::inline v0::http {

LambdaResult<FunctionRef> find_ref(Context& c, Identity const& who, std::string_view name,
                                   std::optional<std::string_view> qualifier) {
  return parse_function_ref(name, {c.options.region, who.account}, qualifier);
}

LambdaResult<FunctionInfo> find_function(Context& c, FunctionRef const& ref) {
  auto info = c.runtime.get(ref.name, ref.qualifier);
  if (info) return std::move(*info);
  if (info.error().code == Errc::not_found) return function_not_found(ref, c.options.region);
  return control_error(info.error());
}

LambdaResult<FunctionRef> find_unqualified_ref(Context& c, Identity const& who,
                                               std::string_view name) {
  auto ref = find_ref(c, who, name, std::nullopt);
  if (ref && !ref->latest()) {
    return invalid_parameter(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support "
        "this operation. Please specify either a function name or an unqualified function ARN.");
  }
  return ref;
}

LambdaResult<FunctionInfo> find_unqualified(Context& c, Identity const& who,
                                            std::string_view name) {
  auto ref = find_unqualified_ref(c, who, name);
  if (!ref) return ref.error();
  ref->qualifier.clear();
  return find_function(c, *ref);
}

LambdaResult<FunctionName> find_function_name(Context& c, Identity const& who,
                                              std::string_view name) {
  auto info = find_unqualified(c, who, name);
  if (!info) return info.error();
  return std::move(info->function.name);
}

}  // namespace faas::inline v0::http
