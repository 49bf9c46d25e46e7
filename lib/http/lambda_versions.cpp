// PublishVersion, ListVersionsByFunction.
#include <charconv>

#include "http/api.hpp"
#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

LambdaResult<Publication> read_publication(std::string_view text) {
  auto const body = parse_optional_object(text);
  if (!body) return body.error();
  Publication wish;
  FieldReader fields(**body);
  wish.description = sized(fields, "Description", {.most = 256});
  wish.code_sha256 = sized(fields, "CodeSha256", {});
  wish.expected_revision = sized(fields, "RevisionId", {});
  if (fields.given("PublishTo"))
    fields.fail(invalid_parameter("PublishTo is not available in this version of faas."));
  if (auto r = fields.finish(); !r) return r.error();
  return wish;
}

// The number in a marker; 0 before the first page.
std::optional<std::uint64_t> version_of(std::string_view marker) {
  std::uint64_t number = 0;
  if (marker.empty()) return number;
  auto const [end, error] = std::from_chars(marker.data(), marker.data() + marker.size(), number);
  if (error != std::errc{} || end != marker.data() + marker.size()) return std::nullopt;
  return number;
}

}  // namespace

LambdaError publish_error(Error const& error) {
  auto result = control_error(error);
  if (result.exception == "PreconditionFailedException") result.message = kStaleFunction;
  return result;
}

asio::awaitable<Response> publish_version(Context& c, Request request, std::string name) {
  auto const wish = read_publication(request.body);
  if (!wish) co_return render(wish.error());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) co_return render(info.error());
  auto const published = co_await c.runtime.publish(info->function.name, *wish);
  if (!published) co_return render(publish_error(published.error()));
  co_return configuration_response(c, 201, *published, published->version);
}

// $LATEST, then the published ones.
Response list_versions(Context& c, Request const& request, std::string const& name) {
  auto const paging = read_paging(request.target);
  if (!paging) return render(paging.error());
  auto const after = version_of(paging->after);
  if (!after) return render(foreign_marker());
  auto const info = find_unqualified(c, request.identity, name);
  if (!info) return render(info.error());
  std::vector<FunctionInfo> page;
  if (paging->after.empty()) page.push_back(*info);
  // One more than the page tells whether another one follows.
  auto published = c.runtime.versions(info->function.name, *after, paging->most + 1 - page.size());
  std::move(published.begin(), published.end(), std::back_inserter(page));
  bool const more = page.size() > paging->most;
  if (more) page.pop_back();
  json::array versions;
  for (auto const& version : page)
    versions.push_back(to_json(version, c.options.region, version.version, Detail::listed));
  json::object out{{"Versions", std::move(versions)}};
  if (more)
    out["NextMarker"] = marker_of(page.back().version == "$LATEST" ? "0" : page.back().version);
  return json_response(200, json::serialize(out));
}

}  // namespace faas::inline v0::http
