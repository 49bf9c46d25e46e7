// ListTags, TagResource, UntagResource.
#include "http/api.hpp"
#include "http/constraints.hpp"
#include "http/tags.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::string_view kPattern =
    "arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:"
    "(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|"
    "code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[a-f0-9]{8}-[a-f0-9]{4}-"
    "[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})";

// The function that an ARN names.
LambdaResult<FunctionName> find_resource(Context& c, Request const& request, std::string_view arn) {
  if (!arn.starts_with("arn:")) return pattern_error(arn, "resource", kPattern);
  auto const ref = find_ref(c, request.identity, arn, std::nullopt);
  if (!ref) return ref.error();
  if (!ref->qualifier.empty()) {
    return invalid_parameter(
        "Tags on function aliases and versions are not supported. Please specify a function ARN.");
  }
  if (!c.runtime.get(ref->name)) return function_not_found(*ref, c.options.region);
  return ref->name;
}

// What `change` makes of the tags, put in place of what they were: another change in between starts
// it over.
template <class Change>
asio::awaitable<Response> change_tags(Context& c, FunctionName name, Change change) {
  for (int attempt = 0;; ++attempt) {
    auto const settings = c.runtime.settings(name);
    auto const found = settings.attributes.find(tags_key());
    auto const before = found == settings.attributes.end() ? std::string() : found->second;
    auto tags = tags_of(settings);
    change(tags);
    if (auto valid = check_tags(tags); !valid) co_return render(valid.error());
    std::optional<std::string> after;
    if (!tags.empty()) after = to_attribute(tags);
    auto const done = co_await c.runtime.set_attribute(name, tags_key(), after, before);
    if (done) co_return no_content();
    if (done.error().code != Errc::conflict || attempt == kAttempts)
      co_return render(conflict_error(done.error()));
  }
}

}  // namespace

Response list_tags(Context& c, Request const& request, std::string const& arn) {
  auto const name = find_resource(c, request, arn);
  if (!name) return render(name.error());
  json::object const out{{"Tags", to_json(tags_of(c.runtime.settings(*name)))}};
  return json_response(200, json::serialize(out));
}

asio::awaitable<Response> tag_resource(Context& c, Request request, std::string arn) {
  auto const body = parse_object(request.body);
  if (!body) co_return render(body.error());
  FieldReader fields(**body);
  require(fields, "Tags");
  auto const added = fields.strings("Tags").value_or(Tags{});
  if (auto r = fields.finish(); !r) co_return render(r.error());
  if (auto valid = check_tags(added); !valid) co_return render(valid.error());
  auto const name = find_resource(c, request, arn);
  if (!name) co_return render(name.error());
  auto const merge = [added](Tags& tags) {
    for (auto const& [key, value] : added) tags[key] = value;
  };
  auto response = co_await change_tags(c, *name, merge);
  co_return response;
}

asio::awaitable<Response> untag_resource(Context& c, Request request, std::string arn) {
  std::vector<std::string> keys;
  for (auto const& [parameter, value] : request.target.query)
    if (parameter == "tagKeys") keys.push_back(value);
  if (keys.empty()) co_return render(constraint_error("null", "tagKeys", "not be null"));
  auto const name = find_resource(c, request, arn);
  if (!name) co_return render(name.error());
  auto const remove = [keys](Tags& tags) {
    for (auto const& key : keys) tags.erase(key);
  };
  auto response = co_await change_tags(c, *name, remove);
  co_return response;
}

}  // namespace faas::inline v0::http
