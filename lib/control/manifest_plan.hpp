// What has to be done so that a daemon's functions are as a manifest says. Pure.
#pragma once

#include <faas/manifest.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0::control {

// A function as the daemon has it.
struct ExistingFunction {
  ManifestFunction state;  // all that is there is named in it; code is empty
  std::string arn;
  std::string code_sha256;  // base64
  std::string code_target;  // where the zip is fetched
  std::string stack;        // that created it; empty: it was not apply
  std::string newest;       // version; empty: none was published
  bool newest_is_current = false;
};

struct WantedFunction {
  ManifestFunction const* function = nullptr;  // outlives the plan
  std::string code_sha256;                     // empty: the code that is there stays
};

struct Step {
  enum class Action {
    put,          // create or update: configuration and, if it is another, code
    tag,          // `tags`
    reserve,      // `reserved`
    unprovision,  // `subject`
    set_alias,    // `subject`: `alias`; kPublished stands for what `publish` returned
    remove_alias,
    publish,
    provision,  // `subject`: `count`
    remove,
  };
  Action action = Action::put;
  AppliedStep shown;
  ManifestFunction const* function = nullptr;  // put
  bool with_code = false;                      // put: upload it
  bool with_layers = false;                    // put: say them, be they none
  bool with_capacity = false;                  // put: say it, be it 1
  std::string arn;                             // tag; empty: it will be known after put
  std::string subject;
  std::map<std::string, std::string> tags;  // put: of a new function
  ReservedCalls reserved;
  ManifestAlias alias;
  std::uint64_t count = 0;
};

// In the order in which they are done. Errors: invalid_argument, layer "manifest": a function that
// is not there and that the manifest does not say enough about to create.
Result<std::vector<Step>> plan_function(WantedFunction const&, ExistingFunction const* existing,
                                        std::string_view origin, std::string_view stack);

// The functions that this stack created and that the manifest does not name.
std::vector<Step> plan_prune(Manifest const&, std::vector<ExistingFunction> const&);

}  // namespace faas::inline v0::control
