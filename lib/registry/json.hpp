// A function as the row of the database holds it: one JSON object. Under a key its environment is
// sealed to account, name and version.
#pragma once

#include <faas/error.hpp>
#include <faas/function.hpp>
#include <string>
#include <string_view>

#include "registry/secrets.hpp"

namespace faas::inline v0::registry {

std::string to_json(FunctionInfo const&, Secrets const&);
// Errors: corrupt; the message names the field. denied (SecretsKeyWrong): sealed with another key
// than this; the message names both. Unknown fields are passed over: an older reader.
Result<FunctionInfo> from_json(std::string_view, Secrets const&);

std::string to_json(AliasInfo const&);
// Errors: as from_json.
Result<AliasInfo> alias_from_json(std::string_view);

}  // namespace faas::inline v0::registry
