#include "control/replies.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "control/json_place.hpp"
#include "control/reply_fields.hpp"
#include "fetch/url.hpp"

namespace faas::inline v0::control {
namespace {

namespace json = boost::json;

Errc code_of_status(unsigned status) {
  switch (status) {
    case 404: return Errc::not_found;
    case 409:
    case 412: return Errc::conflict;
    case 413: return Errc::too_large;
    case 429: return Errc::throttled;
    case 503: return Errc::unavailable;
    case 504: return Errc::deadline;
    default: return status < 500 ? Errc::invalid_argument : Errc::internal;
  }
}

HostState state_of(std::string_view word) {
  for (auto state : {HostState::ok, HostState::degraded}) {
    if (word == to_string(state)) return state;
  }
  return HostState::missing;
}

FunctionSummary summary(json::object const& o) {
  return {text(o, "FunctionName"), text(o, "Runtime"),      text(o, "Handler"),
          text(o, "LastModified"), number(o, "MemorySize"), number(o, "Timeout"),
          number(o, "CodeSize")};
}

}  // namespace

std::string text(json::object const& from, char const* name) {
  auto const* value = from.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number(json::object const& from, char const* name) {
  auto const* value = from.if_contains(name);
  boost::system::error_code error;
  auto const result =
      value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : result;
}

json::array list(json::object const& from, char const* name) {
  auto const* value = from.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : json::array();
}

Result<json::object> parse_reply(std::string_view body) {
  auto value = parse_json(body);
  if (value && value->is_object()) return std::move(value->get_object());
  return Error{Errc::io,
               "The answer is not the JSON object that a faasd gives. Is it a faasd at that URL?",
               "", "reply"};
}

json::object object(json::object const& from, char const* name) {
  auto const* value = from.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

std::string lambda_path(std::string_view name) {
  return "/2015-03-31/functions/" + fetch::percent_encoded(name);
}

std::string own_path(std::string_view name) {
  return "/faas/v1/functions/" + fetch::percent_encoded(name);
}

json::object capacity_config(std::uint64_t calls) {
  json::object managed{
      {"CapacityProviderArn", "arn:aws:lambda:us-east-1:000000000000:capacity-provider:this-host"},
      {"PerExecutionEnvironmentMaxConcurrency", calls}};
  return {{"LambdaManagedInstancesCapacityProviderConfig", std::move(managed)}};
}

Error reply_error(unsigned status, std::string_view error_type, std::string_view body) {
  Error error{code_of_status(status), "", std::string(error_type), "daemon"};
  if (auto const parsed = parse_reply(body)) {
    error.message = text(*parsed, "message");
    if (error.message.empty()) error.message = text(*parsed, "Message");
    if (error.reason.empty()) error.reason = text(*parsed, "reason");
  }
  if (error.message.empty())
    error.message = fmt::format("The server answered {} without a reason", status);
  return error;
}

Result<DeployReply> read_deploy(unsigned status, std::string body) {
  auto const o = parse_reply(body);
  if (!o) return o.error();
  DeployReply reply;
  reply.created = status == 201;
  reply.arn = text(*o, "FunctionArn");
  reply.runtime = text(*o, "Runtime");
  reply.handler = text(*o, "Handler");
  reply.code_sha256 = text(*o, "CodeSha256");
  reply.code_size = number(*o, "CodeSize");
  reply.memory = number(*o, "MemorySize");
  reply.timeout = number(*o, "Timeout");
  reply.json = std::move(body);
  return reply;
}

Result<std::string> read_functions(std::string_view body, FunctionList& into, json::array& all) {
  auto const o = parse_reply(body);
  if (!o) return o.error();
  for (auto const& item : list(*o, "Functions")) {
    if (!item.is_object()) continue;
    into.functions.push_back(summary(item.get_object()));
    all.push_back(item);
  }
  return text(*o, "NextMarker");
}

Result<InstanceList> read_instances(std::string body) {
  auto const o = parse_reply(body);
  if (!o) return o.error();
  InstanceList result;
  for (auto const& item : list(*o, "Instances")) {
    if (!item.is_object()) continue;
    auto const& i = item.get_object();
    result.instances.push_back({text(i, "Function"), text(i, "Phase"), text(i, "Started"),
                                number(i, "Instance"), number(i, "Calls"), number(i, "MaxMemory")});
  }
  result.json = std::move(body);
  return result;
}

Result<StatusReply> read_status(std::string body) {
  auto const o = parse_reply(body);
  if (!o) return o.error();
  StatusReply reply;
  for (auto const& [key, value] : *o) {
    auto const shown = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    reply.fields.emplace_back(std::string(key), shown);
  }
  reply.json = std::move(body);
  return reply;
}

Result<DoctorReply> read_doctor(std::string body) {
  auto const o = parse_reply(body);
  if (!o) return o.error();
  DoctorReply reply;
  for (auto const& item : list(*o, "Checks")) {
    if (!item.is_object()) continue;
    auto const& c = item.get_object();
    reply.report.checks.push_back({text(c, "Name"), state_of(text(c, "State")), text(c, "Found"),
                                   text(c, "Cost"), text(c, "Fix")});
  }
  for (auto const& item : list(*o, "Interpreters")) {
    if (item.is_string()) reply.report.interpreters.emplace_back(item.get_string());
  }
  reply.json = std::move(body);
  return reply;
}

}  // namespace faas::inline v0::control
