// GetAccountSettings, and what a function has one small setting each for: code signing, the
// management of its runtime, recursion.
#include <limits>

#include "http/api.hpp"
#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kRuntimeManagement = "runtime-management";
constexpr std::string_view kRecursion = "recursion";

std::optional<std::string> attribute(Context& c, FunctionName const& name,
                                     AttributeKey const& key) {
  auto const settings = c.runtime.settings(name);
  auto const found = settings.attributes.find(key);
  if (found == settings.attributes.end()) return std::nullopt;
  return found->second;
}

// An unqualified name means $LATEST here.
LambdaResult<FunctionRef> find_runtime_ref(Context& c, Request const& request,
                                           std::string_view name) {
  auto ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) return ref.error();
  if (ref->qualifier.empty()) ref->qualifier = "$LATEST";
  if (!c.runtime.get(ref->name, ref->qualifier)) return function_not_found(*ref, c.options.region);
  return ref;
}

json::object runtime_management(Context& c, FunctionRef const& ref) {
  AttributeKey const key{std::string(kRuntimeManagement), ref.qualifier};
  json::object out;
  boost::system::error_code error;
  auto const stored = json::parse(attribute(c, ref.name, key).value_or("{}"), error);
  if (!error && stored.is_object()) out = stored.get_object();
  out.emplace("UpdateRuntimeOn", "Auto");
  out["FunctionArn"] = qualified_arn(ref.name, c.options.region, ref.qualifier);
  return out;
}

}  // namespace

Response get_account_settings(Context& c, Request const& request) {
  auto const used = c.runtime.usage(request.identity.account);
  // Clients read a number: without a limit it is the largest one that fits.
  constexpr auto kNoLimit = std::numeric_limits<std::int32_t>::max();
  json::object limit{
      {"TotalCodeSize", 80'530'636'800},
      {"CodeSizeUnzipped", 262'144'000},
      {"CodeSizeZipped", 52'428'800},
      {"ConcurrentExecutions", used.concurrency == 0 ? kNoLimit : used.concurrency},
      {"UnreservedConcurrentExecutions", used.concurrency == 0 ? kNoLimit : used.unreserved}};
  json::object usage{{"TotalCodeSize", used.code.count}, {"FunctionCount", used.functions}};
  json::object out{{"AccountLimit", std::move(limit)}, {"AccountUsage", std::move(usage)}};
  return json_response(200, json::serialize(out));
}

// There is no code signing: Terraform fails where it cannot read that.
Response get_code_signing(Context& c, Request const& request, std::string const& name) {
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) return render(info.error());
  json::object const out{{"CodeSigningConfigArn", ""}, {"FunctionName", info->function.name.name}};
  return json_response(200, json::serialize(out));
}

Response get_runtime_management(Context& c, Request const& request, std::string const& name) {
  auto const ref = find_runtime_ref(c, request, name);
  if (!ref) return render(ref.error());
  return json_response(200, json::serialize(runtime_management(c, *ref)));
}

asio::awaitable<Response> put_runtime_management(Context& c, Request request, std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  FieldReader fields(**body);
  require(fields, "UpdateRuntimeOn");
  json::object wish;
  auto const mode = one_of(fields, "UpdateRuntimeOn", {"Auto", "Manual", "FunctionUpdate"});
  auto const arn = sized(fields, "RuntimeVersionArn", {26, 2048});
  if (auto r = fields.finish(); !r) co_return render(r.error());
  if ((*mode == "Manual") != arn.has_value()) {
    co_return render(invalid_parameter(
        arn ? "RuntimeVersionArn is for UpdateRuntimeOn Manual alone: leave it out."
            : "UpdateRuntimeOn Manual needs a RuntimeVersionArn."));
  }
  auto const ref = find_runtime_ref(c, request, name);
  if (!ref) co_return render(ref.error());
  wish["UpdateRuntimeOn"] = *mode;
  if (arn) wish["RuntimeVersionArn"] = *arn;
  AttributeKey key{std::string(kRuntimeManagement), ref->qualifier};
  auto const text = json::serialize(wish);
  auto const done = co_await c.runtime.set_attribute(ref->name, key, text);
  if (!done) co_return render(control_error(done.error()));
  co_return json_response(200, json::serialize(runtime_management(c, *ref)));
}

Response get_recursion(Context& c, Request const& request, std::string const& name) {
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) return render(info.error());
  AttributeKey const key{std::string(kRecursion), {}};
  json::object const out{
      {"RecursiveLoop", attribute(c, info->function.name, key).value_or("Terminate")}};
  return json_response(200, json::serialize(out));
}

asio::awaitable<Response> put_recursion(Context& c, Request request, std::string name) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  FieldReader fields(**body);
  require(fields, "RecursiveLoop");
  auto const loop = one_of(fields, "RecursiveLoop", {"Allow", "Terminate"}).value_or("");
  if (auto r = fields.finish(); !r) co_return render(r.error());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) co_return render(info.error());
  AttributeKey key{std::string(kRecursion), {}};
  auto const done = co_await c.runtime.set_attribute(info->function.name, key, loop);
  if (!done) co_return render(control_error(done.error()));
  co_return json_response(200, json::serialize(json::object{{"RecursiveLoop", loop}}));
}

}  // namespace faas::inline v0::http
