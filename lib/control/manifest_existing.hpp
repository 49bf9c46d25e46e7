// Functions as a daemon tells them, in a manifest's words. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <faas/releases.hpp>

#include "control/manifest_plan.hpp"

namespace faas::inline v0::control {

// Of GetFunction's answer; aliases, versions and what is provisioned are added by those below.
ExistingFunction existing_of(boost::json::object const& get_function);
// `versions` of a function whose GetFunction's Configuration is this one.
void add_newest(ExistingFunction&, std::vector<VersionSummary> const& versions,
                boost::json::object const& configuration);
void add_aliases(ExistingFunction&, std::vector<AliasSummary> const&);
void add_provisioned(ExistingFunction&, std::vector<ProvisionedSummary> const&);

// As an export tells it: an alias of what is now published as what will be, sentences about what a
// manifest cannot make again.
ManifestFunction exported(ExistingFunction const&, std::vector<std::string>& notes);

// The body of our PUT of a function. `digest`: of uploaded code, or empty.
boost::json::object put_body(Step const&, std::string const& digest);

}  // namespace faas::inline v0::control
