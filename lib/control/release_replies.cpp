#include "control/release_replies.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "control/reply_fields.hpp"

namespace faas::inline v0::control {
namespace {

namespace json = boost::json;

// ":live" of "arn:…:function:f:live".
std::string last_part(std::string const& arn) { return arn.substr(arn.rfind(':') + 1); }

// A number as its digits; null and absent as nothing.
std::string shown(json::object const& o, char const* name) {
  auto const* value = o.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

ProvisionedSummary provisioned_in(json::object const& o) {
  ProvisionedSummary p;
  p.qualifier = last_part(text(o, "FunctionArn"));
  p.requested = number(o, "RequestedProvisionedConcurrentExecutions");
  p.available = number(o, "AvailableProvisionedConcurrentExecutions");
  p.allocated = number(o, "AllocatedProvisionedConcurrentExecutions");
  p.status = text(o, "Status");
  p.reason = text(o, "StatusReason");
  p.json = json::serialize(o);
  return p;
}

template <class T, class Read>
Result<T> read_object(std::string_view body, Read read) {
  auto const o = parse_reply(body);
  if (!o) return o.error();
  return read(*o);
}

}  // namespace

double percent_of(double share) { return std::round(share * 1e6) / 1e4; }
double share_of(double percent) { return std::round(percent * 1e4) / 1e6; }

VersionSummary version_of(json::object const& o) {
  return {text(o, "Version"),    text(o, "Description"), text(o, "Runtime"),
          text(o, "Handler"),    text(o, "CodeSha256"),  text(o, "LastModified"),
          number(o, "CodeSize"), json::serialize(o)};
}

AliasSummary alias_of(json::object const& o) {
  AliasSummary alias{
      text(o, "Name"), text(o, "FunctionVersion"), text(o, "Description"), {}, json::serialize(o)};
  for (auto const& [version, share] :
       object(object(o, "RoutingConfig"), "AdditionalVersionWeights")) {
    if (share.is_number()) alias.weights[version] = percent_of(share.to_number<double>());
  }
  return alias;
}

Result<VersionSummary> read_version(std::string_view body) {
  return read_object<VersionSummary>(body, version_of);
}

Result<AliasSummary> read_alias(std::string_view body) {
  return read_object<AliasSummary>(body, alias_of);
}

Result<ProvisionedSummary> read_provisioned(std::string_view body, std::string_view qualifier) {
  auto read = read_object<ProvisionedSummary>(body, provisioned_in);
  if (read && !qualifier.empty()) read->qualifier = qualifier;
  return read;
}

Result<LimitList> read_limits(std::string body) {
  auto const o = parse_reply(body);
  if (!o) return o.error();
  LimitList result;
  for (auto const& item : list(*o, "Limits")) {
    if (!item.is_object()) continue;
    auto const& l = item.get_object();
    result.limits.push_back(
        {text(l, "Name"), shown(l, "Value"), shown(l, "Used"), text(l, "Unit"), text(l, "Source")});
  }
  result.json = std::move(body);
  return result;
}

json::object alias_body(AliasRequest const& change) {
  json::object out;
  if (change.version) out["FunctionVersion"] = *change.version;
  if (change.description) out["Description"] = *change.description;
  if (!change.weights) return out;
  auto& routing = out["RoutingConfig"].emplace_object();
  if (change.weights->empty()) return out;
  auto& shares = routing["AdditionalVersionWeights"].emplace_object();
  for (auto const& [version, percent] : *change.weights) shares[version] = share_of(percent);
  return out;
}

}  // namespace faas::inline v0::control
