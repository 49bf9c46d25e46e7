// GetFunction, GetFunctionConfiguration, ListFunctions, GetAccountSettings.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "http/api.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kPage = 50;  // Lambda's: a page never holds more, whatever MaxItems says

struct Paging {
  std::string after;  // name of the last function of the page before
  std::size_t most = kPage;
};

LambdaResult<Paging> read_paging(Target const& target) {
  Paging paging;
  if (auto const items = target.parameter("MaxItems")) {
    std::int64_t count = 0;
    auto const [end, error] = std::from_chars(items->data(), items->data() + items->size(), count);
    auto const shown = fmt::format("'{}'", items->substr(0, 40));
    if (error != std::errc{} || end != items->data() + items->size() || count < 1) {
      return constraint_error(shown, "maxItems", "have value greater than or equal to 1");
    }
    if (count > 10'000)
      return constraint_error(shown, "maxItems", "have value less than or equal to 10000");
    paging.most = std::min(kPage, static_cast<std::size_t>(count));
  }
  if (auto const marker = target.parameter("Marker"); marker && !marker->empty()) {
    auto name = from_base64(*marker);
    if (!name || !valid_function_name(*name))
      return invalid_parameter("The Marker is not one that this server gave.");
    paging.after = std::move(*name);
  }
  return paging;
}

LambdaResult<ArnForm> read_form(Target const& target) {
  auto const version = target.parameter("FunctionVersion");
  if (!version) return ArnForm::plain;
  if (*version == "ALL") return ArnForm::qualified;
  return constraint_error(fmt::format("'{}'", version->substr(0, 40)), "functionVersion",
                          "satisfy enum value set: [ALL]");
}

// Where a client that has nothing but this URL gets the zip. Host was checked to be loopback.
std::string code_location(Request const& request, FunctionInfo const& info) {
  return fmt::format("http://{}/faas/v1/packages/{}", request.head.header("Host"),
                     info.function.code.hex);
}

}  // namespace

LambdaResult<FunctionRef> find_ref(Context& c, Identity const& who, std::string_view name,
                                   std::optional<std::string_view> qualifier) {
  auto ref = parse_function_ref(name, {c.options.region, who.account}, qualifier);
  if (ref && !ref->latest()) return function_not_found(*ref, c.options.region);
  return ref;
}

LambdaResult<FunctionInfo> find_function(Context& c, Identity const& who, std::string_view name,
                                         std::optional<std::string_view> qualifier) {
  auto const ref = find_ref(c, who, name, qualifier);
  if (!ref) return ref.error();
  auto info = c.runtime.get(ref->name);
  if (info) return std::move(*info);
  if (info.error().code == Errc::not_found) return function_not_found(*ref, c.options.region);
  return control_error(info.error());
}

Response get_function(Context& c, Request const& request, std::string const& name) {
  auto const qualifier = request.target.parameter("Qualifier");
  auto const info = find_function(c, request.identity, name, qualifier);
  if (!info) return render(info.error());
  auto const form = qualifier ? ArnForm::qualified : ArnForm::plain;
  json::object out;
  out["Configuration"] = to_json(*info, c.options.region, form, Detail::full);
  out["Code"] = json::object{{"RepositoryType", "S3"}, {"Location", code_location(request, *info)}};
  if (auto tags = tags_of(info->function); !tags.empty()) out["Tags"] = std::move(tags);
  if (auto const most = info->function.limits.concurrency; most > 0) {
    out["Concurrency"] = json::object{{"ReservedConcurrentExecutions", most}};
  }
  return json_response(200, json::serialize(out));
}

Response get_function_configuration(Context& c, Request const& request, std::string const& name) {
  auto const qualifier = request.target.parameter("Qualifier");
  auto const info = find_function(c, request.identity, name, qualifier);
  if (!info) return render(info.error());
  auto const form = qualifier ? ArnForm::qualified : ArnForm::plain;
  return json_response(200, json::serialize(to_json(*info, c.options.region, form, Detail::full)));
}

Response list_functions(Context& c, Request const& request) {
  auto const paging = read_paging(request.target);
  if (!paging) return render(paging.error());
  auto const form = read_form(request.target);
  if (!form) return render(form.error());
  // One more than the page tells whether another one follows.
  auto page = c.runtime.list(request.identity.account, paging->after, paging->most + 1);
  bool const more = page.size() > paging->most;
  if (more) page.pop_back();
  json::array functions;
  for (auto const& info : page) {
    functions.push_back(to_json(info, c.options.region, *form, Detail::listed));
  }
  json::object out;
  if (more) out["NextMarker"] = to_base64(page.back().function.name.name);
  out["Functions"] = std::move(functions);
  return json_response(200, json::serialize(out));
}

Response get_account_settings(Context& c, Request const& request) {
  auto const used = c.runtime.usage(request.identity.account);
  json::object limit{{"TotalCodeSize", 80'530'636'800},
                     {"CodeSizeUnzipped", 262'144'000},
                     {"CodeSizeZipped", 52'428'800},
                     {"ConcurrentExecutions", 1000},
                     {"UnreservedConcurrentExecutions", 1000}};
  json::object usage{{"TotalCodeSize", used.code.count}, {"FunctionCount", used.functions}};
  json::object out{{"AccountLimit", std::move(limit)}, {"AccountUsage", std::move(usage)}};
  return json_response(200, json::serialize(out));
}

}  // namespace faas::inline v0::http
