// Members of a daemon's JSON. Absent, or of another kind: empty or zero. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <faas/error.hpp>
#include <string>
#include <string_view>

namespace faas::inline v0::control {

// The body of a response. Errors: io (no JSON object).
Result<boost::json::object> parse_reply(std::string_view body);

std::string text(boost::json::object const&, char const* name);
std::uint64_t number(boost::json::object const&, char const* name);
boost::json::array list(boost::json::object const&, char const* name);
boost::json::object object(boost::json::object const&, char const* name);

// "/2015-03-31/functions/NAME", and our own.
std::string lambda_path(std::string_view name);
std::string own_path(std::string_view name);

// CapacityProviderConfig that asks for so many calls at once in one instance. Lambda's shape wants
// a provider's ARN; here it means this host.
boost::json::object capacity_config(std::uint64_t calls);

}  // namespace faas::inline v0::control
