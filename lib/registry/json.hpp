// A function as the row of the database holds it: one JSON object.
#pragma once

#include <faas/error.hpp>
#include <faas/function.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::registry {

std::string to_json(FunctionInfo const&);
// Errors: corrupt; the message names the field. Unknown fields are passed over: an older reader.
Result<FunctionInfo> from_json(std::string_view);

std::string to_json(AliasInfo const&);
// Errors: as from_json.
Result<AliasInfo> alias_from_json(std::string_view);

}  // namespace faas::inline v0::registry
