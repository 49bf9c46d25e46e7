// GetFunction, GetFunctionConfiguration, ListFunctions.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "http/api.hpp"
#include "http/constraints.hpp"
#include "http/tags.hpp"

namespace faas::inline v0::http {
namespace {

enum class Versions { latest, all };

LambdaResult<Versions> read_versions(Target const& target) {
  auto const version = target.parameter("FunctionVersion");
  if (!version) return Versions::latest;
  if (*version == "ALL") return Versions::all;
  return constraint_error(in_quotes(*version), "functionVersion", "satisfy enum value set: [ALL]");
}

}  // namespace

std::string package_location(Request const& request, Digest const& digest) {
  return fmt::format("{}://{}/faas/v1/packages/{}", request.secure ? "https" : "http",
                     request.head.header("Host"), digest.hex);
}

Response get_function(Context& c, Request const& request, std::string const& name) {
  auto const ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) return render(ref.error());
  auto const info = find_function(c, *ref);
  if (!info) return render(info.error());
  auto const settings = c.runtime.settings(ref->name);
  json::object out;
  out["Configuration"] = to_json(*info, c.options.region, ref->qualifier, Detail::full);
  out["Code"] = json::object{{"RepositoryType", "S3"},
                             {"Location", package_location(request, info->function.code)}};
  if (auto const tags = tags_of(settings); !tags.empty()) out["Tags"] = to_json(tags);
  if (settings.reserved)
    out["Concurrency"] = json::object{{"ReservedConcurrentExecutions", *settings.reserved}};
  return json_response(200, json::serialize(out));
}

Response get_function_configuration(Context& c, Request const& request, std::string const& name) {
  auto const ref = find_ref(c, request.identity, name, request.target.parameter("Qualifier"));
  if (!ref) return render(ref.error());
  auto const info = find_function(c, *ref);
  if (!info) return render(info.error());
  return configuration_response(c, 200, *info, ref->qualifier);
}

namespace {

// In the order of pages: a function, then its versions. Markers name function and version.
std::string key_of(FunctionInfo const& info) {
  return fmt::format("{}:{}", info.function.name.name,
                     info.version == "$LATEST" ? "0" : info.version);
}

struct Position {
  std::string name;
  std::uint64_t version = 0;
};

Position position_of(std::string_view marker) {
  auto const colon = marker.find(':');
  Position at{std::string(marker.substr(0, colon))};
  if (colon == std::string_view::npos) return at;
  auto const digits = marker.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), at.version);
  return at;
}

// One more than `most`, if there is one: it tells that another page follows.
std::vector<FunctionInfo> all_versions(Runtime const& runtime, std::string_view account,
                                       std::string const& marker, std::size_t most) {
  std::vector<FunctionInfo> out;
  auto const add_versions = [&](FunctionName const& name, std::uint64_t after) {
    auto more = runtime.versions(name, after, most + 1 - out.size());
    std::move(more.begin(), more.end(), std::back_inserter(out));
  };
  auto at = position_of(marker);
  if (!marker.empty()) add_versions({std::string(account), at.name}, at.version);
  while (out.size() <= most) {
    auto const next = runtime.list(account, at.name, most + 1 - out.size());
    if (next.empty()) break;
    for (auto const& info : next) {
      if (out.size() > most) break;
      at.name = info.function.name.name;
      out.push_back(info);
      if (out.size() <= most) add_versions(info.function.name, 0);
    }
  }
  return out;
}

}  // namespace

Response list_functions(Context& c, Request const& request) {
  auto const paging = read_paging(request.target);
  if (!paging) return render(paging.error());
  auto const region = request.target.parameter("MasterRegion").value_or("ALL");
  if (auto r = check_pattern(region, "masterRegion", "ALL|[a-z]{2}(-gov)?-[a-z]+-\\d{1}", {}); !r)
    return render(r.error());
  auto const versions = read_versions(request.target);
  if (!versions) return render(versions.error());
  bool const all = *versions == Versions::all;
  auto const account = request.identity.account;
  // One more than the page tells whether another one follows.
  auto page = all ? all_versions(c.runtime, account, paging->after, paging->most)
                  : c.runtime.list(account, paging->after, paging->most + 1);
  bool const more = page.size() > paging->most;
  if (more) page.pop_back();
  json::array functions;
  for (auto const& info : page)
    functions.push_back(to_json(info, c.options.region, all ? info.version : "", Detail::listed));
  json::object out;
  if (more) {
    auto const& last = page.back();
    out["NextMarker"] = marker_of(all ? key_of(last) : last.function.name.name);
  }
  out["Functions"] = std::move(functions);
  return json_response(200, json::serialize(out));
}

}  // namespace faas::inline v0::http
