// What a daemon answers about versions, aliases, concurrency and limits, as values. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <faas/releases.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::control {

VersionSummary version_of(boost::json::object const&);
AliasSummary alias_of(boost::json::object const&);

Result<VersionSummary> read_version(std::string_view body);
Result<AliasSummary> read_alias(std::string_view body);
Result<ProvisionedSummary> read_provisioned(std::string_view body, std::string_view qualifier);
Result<LimitList> read_limits(std::string body);

// Of a share as it stands on the wire, 0 to 1, and back. A share keeps six digits, so that 10 % is
// 10 again after both.
double percent_of(double share);
double share_of(double percent);

// The body of CreateAlias (with its name) or UpdateAlias.
boost::json::object alias_body(AliasRequest const&);

}  // namespace faas::inline v0::control
